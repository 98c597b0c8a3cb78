"""`loanstream rollback`: what decided before decides again."""

from typing import Annotated

import typer

from loanstream.ask.activations import known
from loanstream.cli.options import AsJson, State, TenantOption, Yes, installation_of, verb
from loanstream.cli.publishing import Reason, Words, publish_change
from loanstream.cli.words import Actor
from registry.change import concerned
from registry.rollback import rollback as taken_back
from schemas.operations import ACTIVATION_LEAD_MS
from schemas.problem import Problem

app = verb()


@app.command()
def rollback(
    reason: Reason,
    tenant: TenantOption = None,
    of: Annotated[
        str | None,
        typer.Option(
            "--of",
            metavar="ACTIVATION",
            help="the id of the activation to take back; nothing is published where another one decides by then, so "
            "that the command may be sent twice",
        ),
    ] = None,
    actor: Actor = None,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Take back the activation in force: what decided before it decides again; twice goes back two steps."""
    words = Words.of(actor, reason)
    here = installation_of(state)
    whom, _ = here.narrowed(tenant), here.artefacts
    found = known(here)
    tenants = concerned(found.published, whom, found.served)
    back = taken_back(found.published, tenants, found.now_ms + ACTIVATION_LEAD_MS, found.named)
    if of not in {None, back.activation_id, back.put_by}:
        raise Problem(f"what is in force comes from activation {back.activation_id}: nothing is taken back")
    draft = words.draft(
        whom,
        ACTIVATION_LEAD_MS,
        bundle_id=back.bundle_id,
        policy_id=back.policy_id,
        rolls_back=back.activation_id,
    )
    raise typer.Exit(publish_change(here, found, draft, yes=yes, as_json=as_json))
