"""`loanstream up`: the embedded stack with what the other rooms bring to it."""

import sys
from pathlib import Path

from loanstream.stack.layout import Layout, WarehousePart
from loanstream.stack.problem import StackProblem
from loanstream.stack.up import Hooks, run_up
from schemas.topics import TOPICS


def start(state: Path, tenants: str, workers: int, policy: str, bundle: str) -> int:
    """Run the stack of `state` until it is told to stop. `tenants` are names by commas."""
    hooks = Hooks(
        first_activation=lambda bootstrap, policy, bundle: _activate(bootstrap, Layout(state), policy, bundle),
        migrate=_migrate,
        preload=lambda: _prepare(Layout(state), policy, bundle),
    )
    return run_up(state, _tenants(tenants), workers, policy, bundle, _say, hooks)


def _tenants(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        for name in names:
            TOPICS["applications"].name(name)
    except ValueError as error:
        raise StackProblem(f"--tenants: {error}") from None
    if not names or len(set(names)) < len(names):
        raise StackProblem("--tenants: expected one or more different names, by commas")
    return names


def _prepare(layout: Layout, policy: str, bundle: str) -> None:
    """What needs neither broker nor warehouse: the document store, and both artefacts, checked and stored."""
    from loanstream.artefacts import store
    from processors.documents.blobs import FileBlobs

    FileBlobs.create(layout.documents)
    store(layout.artefacts, bundle, policy)


def _activate(bootstrap: str, layout: Layout, policy: str, bundle: str) -> None:
    from loanstream.artefacts import activate_first

    activate_first(bootstrap, {}, layout.artefacts, bundle, policy, actor="loanstream up")


def _migrate(part: WarehousePart) -> None:
    from loanstream.warehouse_client import connect
    from processors.warehouse.migrate import migrate

    migrate(connect(part["url"], part["user"], part["password"], part["database"]))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
