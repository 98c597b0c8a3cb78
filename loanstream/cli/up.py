"""`loanstream up`: the embedded stack with what the other rooms bring to it."""

import sys
import time
from concurrent.futures import Future
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import State, state_of, verb
from loanstream.install.topics import unserved
from loanstream.stack.layout import Layout, WarehousePart
from loanstream.stack.up import Hooks, run_up
from schemas.problem import Problem
from schemas.topics import TOPICS
from stores.keys import load_or_create_tenant

app = verb()


def start(state: Path, tenants: str, workers: int, policy: str, bundle: str) -> int:
    """Run the stack of `state` until it is told to stop. `tenants` are names by commas."""
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
        raise Problem(f"--tenants: {error}") from None
    if not names or len(set(names)) < len(names):
        raise Problem("--tenants: expected one or more different names, by commas")
    return names


EXAMPLES_TENANT = "bank-a"
"""The tenant of the shipped examples, whose documents are there from the start."""


def _prepare(
    layout: Layout, tenants: tuple[str, ...], policy: str, bundle: str, stored: Future[tuple[str, str]]
) -> None:
    """What needs neither broker nor warehouse: the document store, and both artefacts, checked and stored."""
    from registry.publish import store
    from stores.documents.blobs import FileBlobs
    from stores.documents.sealing import DocumentKey
    from stores.documents.store import DocumentStore

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
    from registry.history import InForce
    from registry.in_force import in_force_note
    from registry.publish import activate_first, activations
    from stores.artefacts import artefact_name

    for tenant in unserved(bootstrap, tenants):
        _say(f"{tenant} has topics here and is not among --tenants: they stay, and are not served now")
    if activate_first(bootstrap, {}, bundle_id, policy_id, actor="loanstream up"):
        return
    history, named = activations(bootstrap, {}), artefact_name(layout.artefacts)
    told = in_force_note(history, tenants, InForce(bundle_id, policy_id), time.time_ns() // 1_000_000, named)
    if told is not None:
        _say(told)


def _migrate(part: WarehousePart) -> None:
    from stores.warehouse.client import connect
    from stores.warehouse.migrate import migrate

    with closing(connect(part["url"], part["user"], part["password"], part["database"])) as client:
        migrate(client)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


@app.command()
def up(
    state: State = None,
    workers: Annotated[int, typer.Option(min=1, max=32, help="workers a stage")] = 1,
    policy: Annotated[str, typer.Option(help="policy of the first activation: a name or a YAML file")] = "standard",
    bundle: Annotated[str, typer.Option(help="model bundle of the first activation: a name or a folder")] = "default",
    tenants: Annotated[str, typer.Option(envvar="LOANSTREAM_TENANTS", help="banks, by commas")] = "bank-a,bank-b",
) -> None:
    """Run the whole embedded stack in the foreground: broker, warehouse, workers. Ctrl-C stops it."""
    raise typer.Exit(start(state_of(state), tenants, workers, policy, bundle))
