"""`loanstream documents`: the document store."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, State, state_of, verb
from loanstream.installation import Installation
from loanstream.terminal import emit

app = verb()


@app.callback()
def documents() -> None:
    """The document store."""


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="the document")],
    tenant: Annotated[str, typer.Option("--tenant", help="the bank it belongs to")],
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Store a document; prints the SHA-256 that applications name it by."""
    running = Installation.at(state_of(state))
    data = file.read_bytes()
    sha256 = running.documents.put(running.tenant(tenant), data)
    emit({"tenant": tenant, "sha256": sha256, "size": len(data)}, sha256, as_json=as_json)
