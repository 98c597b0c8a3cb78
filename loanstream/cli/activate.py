"""`loanstream activate`: another bundle or policy decides, from a moment on, for one bank or for all."""

from enum import StrEnum
from typing import Annotated

import typer

from loanstream.ask.activations import known
from loanstream.cli.options import AsJson, State, Yes, installation_of, verb
from loanstream.cli.publishing import LEAD_LEAST_S, Lead, Reason, Words, publish_change
from loanstream.cli.words import Actor
from registry.kinds import KINDS
from registry.publish import stored

app = verb()


class What(StrEnum):
    """What can be activated."""

    POLICY = "policy"
    BUNDLE = "bundle"


@app.command()
def activate(  # noqa: PLR0913, PLR0917 - a row an option, as the command line has them
    what: Annotated[What, typer.Argument(help="which of the two")],
    name: Annotated[
        str,
        typer.Argument(
            help="a shipped one's name, a policy's YAML file, a bundle's folder, or the id (sha256:...) of one that is "
            "in the artefact store"
        ),
    ],
    reason: Reason,
    tenant: Annotated[str | None, typer.Option("--tenant", help="the bank it is for")] = None,
    all_tenants: Annotated[
        bool, typer.Option("--all-tenants", help="for every bank instead, those that come later included")
    ] = False,
    lead: Lead = LEAD_LEAST_S,
    actor: Actor = None,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Let another policy or bundle decide, from a moment on: shows what changes, asks, and publishes it."""
    if (tenant is None) != all_tenants:
        raise typer.BadParameter("expected one of both: --tenant NAME, or --all-tenants")
    words = Words.of(actor, reason)
    here = installation_of(state)
    whom, artefacts = here.narrowed(tenant), here.artefacts
    found = known(here)
    accepted = {KINDS[what].named_by(one.activation) for one in found.published}
    artefact_id = stored(artefacts, what, name, accepted)
    policy_id, bundle_id = (artefact_id if what == kind else None for kind in What)
    draft = words.draft(whom, lead * 1000, bundle_id=bundle_id, policy_id=policy_id)
    raise typer.Exit(publish_change(here, found, draft, yes=yes, as_json=as_json))
