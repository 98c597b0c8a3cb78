"""`loanstream up`: the embedded stack with what the other rooms bring to it."""

import sys
import time
from concurrent.futures import Future
from importlib import resources
from pathlib import Path

from loanstream.extras import need
from loanstream.stack.keys import load_or_create_tenant
from loanstream.stack.layout import Layout, WarehousePart
from loanstream.stack.problem import StackProblem
from loanstream.stack.topics import unserved
from loanstream.stack.up import Hooks, run_up
from schemas.topics import TOPICS


def start(state: Path, tenants: str, workers: int, policy: str, bundle: str) -> int:
    """Run the stack of `state` until it is told to stop. `tenants` are names by commas."""
    need("stack")
    names = _tenants(tenants)
    stored: Future[tuple[str, str]] = Future()
    hooks = Hooks(
        first_activation=lambda bootstrap: _activate(bootstrap, Layout(state), names, *stored.result()),
        migrate=_migrate,
        preload=lambda: _prepare(Layout(state), names, policy, bundle, stored),
    )
    return run_up(state, names, workers, _say, hooks)


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


EXAMPLES_TENANT = "bank-a"
"""The tenant of the shipped examples, whose documents are there from the start."""


def _prepare(
    layout: Layout, tenants: tuple[str, ...], policy: str, bundle: str, stored: Future[tuple[str, str]]
) -> None:
    """What needs neither broker nor warehouse: the document store, and both artefacts, checked and stored."""
    from loanstream.artefacts import store
    from processors.documents.blobs import FileBlobs
    from processors.documents.sealing import DocumentKey
    from processors.documents.store import DocumentStore

    try:
        stored.set_result(store(layout.artefacts, bundle, policy))
    except BaseException as error:
        stored.set_exception(error)
        raise
    blobs = FileBlobs.create(layout.documents)
    if EXAMPLES_TENANT in tenants:
        keys = load_or_create_tenant(layout.keys, EXAMPLES_TENANT)
        documents = DocumentStore(blobs, lambda _: DocumentKey(keys.document_id, keys.document_key))
        for document in (resources.files("schemas") / "examples" / "documents").iterdir():
            documents.put(EXAMPLES_TENANT, document.read_bytes())


def _activate(bootstrap: str, layout: Layout, tenants: tuple[str, ...], bundle_id: str, policy_id: str) -> None:
    """Publish the first activation, or tell what of this start's options the state does not follow."""
    from loanstream import in_force
    from loanstream.artefacts import activate_first
    from processors.activations import InForce

    for tenant in unserved(bootstrap, tenants):
        _say(f"{tenant} has topics here and is not among --tenants: they stay, and are not served now")
    if activate_first(bootstrap, {}, bundle_id, policy_id, actor="loanstream up"):
        return
    history, named = in_force.activations(bootstrap, {}), in_force.artefact_name(layout.artefacts)
    told = in_force.note(history, tenants, InForce(bundle_id, policy_id), time.time_ns() // 1_000_000, named)
    if told is not None:
        _say(told)


def _migrate(part: WarehousePart) -> None:
    from loanstream.warehouse_client import connect
    from processors.warehouse.migrate import migrate

    migrate(connect(part["url"], part["user"], part["password"], part["database"]))


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
