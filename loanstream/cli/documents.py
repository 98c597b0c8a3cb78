"""`loanstream documents`: the document store."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, State, installation_of, verb
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
    installation = installation_of(state)
    data = file.read_bytes()
    sha256 = installation.documents.put(installation.tenant(tenant), data)
    emit({"tenant": tenant, "sha256": sha256, "size": len(data)}, sha256, as_json=as_json)
