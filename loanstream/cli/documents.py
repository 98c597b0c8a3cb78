"""`loanstream documents`: the document store."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, State, installation_of, verb
from loanstream.terminal import emit
from producers.documents import KINDS, doubts, kind_of, reference_of
from schemas.problem import WrongOption

app = verb()


@app.callback()
def documents() -> None:
    """The document store: put a document into it."""


@app.command()
def put(
    file: Annotated[Path, typer.Argument(help="the document")],
    tenant: Annotated[str, typer.Option("--tenant", help="the bank it belongs to")],
    kind: Annotated[str | None, typer.Option(help=f"{', '.join(KINDS)} (default: what the file's name says)")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Store a document; prints the SHA-256 that applications name it by (--json: the whole reference)."""
    said = next((known for known in KINDS if known == (kind or kind_of(file))), None)
    if said is None and (kind or as_json):
        lacks = "" if kind else "; the file's name says none"
        raise WrongOption(f"--kind: expected one of {', '.join(KINDS)}{lacks}")
    installation = installation_of(state)
    data = file.read_bytes()
    sha256 = installation.documents.put(installation.tenant(tenant), data)
    if (doubt := doubts(data)) is not None:
        sys.stderr.write(f"note: {file.name} is stored, and nothing will be read of it: {doubt}\n")
    emit(reference_of(said, data).model_dump() if said else None, sha256, as_json=as_json)
