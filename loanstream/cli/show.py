"""`loanstream show`: the whole story of one application."""

from contextlib import closing
from dataclasses import asdict
from typing import Annotated, Any

import typer

from loanstream.ask.activated import activated
from loanstream.ask.story import story
from loanstream.ask.story_text import story_text, unrecorded_text
from loanstream.ask.unrecorded import ANSWER_S, unrecorded_of
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import console, emit
from stores.artefacts import artefact_name

app = verb()


@app.command()
def show(
    application_id: Annotated[str, typer.Argument(help="as the bank sent it")],
    tenant: TenantOption = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """The whole story of one application: claims, documents, checks, points, receipt, timings."""
    installation = installation_of(state)
    named = artefact_name(installation.artefacts)
    with closing(installation.warehouse()) as client:
        narrowed = installation.narrowed(tenant)
        told = story(
            client,
            installation.cipher,
            application_id,
            narrowed,
            installation.receipt_keys,
            lambda: activated(installation, ANSWER_S),
        )
    chapters = [{**asdict(chapter), "timings_ms": chapter.timings_ms} for chapter in told.chapters]
    value: dict[str, Any] = {"application_id": application_id, "revisions": chapters, "dead_letters": told.dead_letters}
    text = story_text(told, named, console().width)
    if not told.complete:
        found = unrecorded_of(installation, [narrowed] if narrowed else installation.tenants, application_id)
        value["unrecorded"] = None if found is None else asdict(found)
        text = f"{text}\n{unrecorded_text(found)}"
    emit(value, text, as_json=as_json)
    raise typer.Exit(0 if told.known else 1)
