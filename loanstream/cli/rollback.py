"""`loanstream rollback`: what decided before decides again."""

import typer

from loanstream.ask.activations import known
from loanstream.cli.options import AsJson, State, TenantOption, Yes, installation_of, verb
from loanstream.cli.publishing import Reason, Words, publish_change
from loanstream.cli.words import Actor
from registry.change import concerned, taken_back
from schemas.operations import ACTIVATION_LEAD_MS

app = verb()


@app.command()
def rollback(
    reason: Reason,
    tenant: TenantOption = None,
    actor: Actor = None,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Let what decided before decide again, as a new activation: one step back from what is in force."""
    words = Words.of(actor, reason)
    here = installation_of(state)
    whom, _ = here.narrowed(tenant), here.artefacts
    found = known(here)
    tenants = concerned(found.published, whom, found.served)
    now, before = taken_back(found.published, tenants, found.now_ms + ACTIVATION_LEAD_MS, found.named)
    draft = words.draft(
        whom,
        ACTIVATION_LEAD_MS,
        bundle_id=before.bundle_id if before.bundle_id != now.bundle_id else None,
        policy_id=before.policy_id if before.policy_id != now.policy_id else None,
    )
    raise typer.Exit(publish_change(here, found, draft, yes=yes, as_json=as_json))
