"""From a drafted activation to a published one: what it changes is shown, a person asked, the record sent and seen."""

import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Self

import typer

from loanstream.ask.activations import Known, told_changes
from loanstream.cli.activation_text import ANY_OTHER, change_lines, step_lines, taken_back_lines, void_lines
from loanstream.cli.options import confirm
from loanstream.cli.range_words import blind, range_unknown
from loanstream.cli.words import actor_of, reason_of
from loanstream.installation import Installation
from loanstream.terminal import emit
from registry.change import Change, Tenants, changes, concerned, concerning, whom
from registry.history import Published, history_of
from registry.pairs import fault_of_pair
from registry.publish import activations, publish, seen
from registry.rollback import void_for
from registry.scorers import Scorers
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from schemas.problem import Problem
from schemas.values import SENTENCE_MAX, rfc3339_of_ms
from scoring.decision import Scorer

Reason = Annotated[str, typer.Option(help=f"why, in at most {SENTENCE_MAX} characters; it is recorded")]
LEAD_LEAST_S, LEAD_MOST_S = ACTIVATION_LEAD_MS // 1000, 24 * 60 * 60
"""The bounds of an activation's lead, in seconds."""
Lead = Annotated[
    int,
    typer.Option(min=LEAD_LEAST_S, max=LEAD_MOST_S, help="seconds from its publication until it takes effect"),
]


@dataclass(frozen=True, slots=True)
class Words:
    """Who activates, and why: as it is recorded."""

    actor: str
    reason: str

    @classmethod
    def of(cls, actor: str | None, reason: str) -> Self:
        """Both checked. BadParameter for what cannot be recorded."""
        return cls(actor_of(actor), reason_of(reason))

    def draft(
        self,
        tenant: str | None,
        lead_ms: int,
        *,
        bundle_id: str | None,
        policy_id: str | None,
        rolls_back: str | None = None,
    ) -> Activation:
        """An activation with these words, under an id of its own."""
        return Activation(
            activation_id=str(uuid.uuid4()),
            tenant=tenant,
            bundle_id=bundle_id,
            policy_id=policy_id,
            lead_ms=lead_ms,
            actor=self.actor,
            reason=self.reason,
            rolls_back=rolls_back,
        )


def publish_change(here: Installation, found: Known, draft: Activation, *, yes: bool, as_json: bool) -> int:
    """Publish `draft`, unless all is as it says already. Nothing is published where an artefact is missing or does not
    load, where a person says no, and where somebody else published meanwhile: Problem or Abort.

    The exit code: 1 where it was published and is void for one of its banks, because somebody was quicker all the same.
    """
    tenants = concerned(found.published, draft.tenant, found.served)
    planned = changes(found.published, Published(draft, found.now_ms), tenants)
    if not planned:
        return _nothing(found, tenants, as_json=as_json)
    scorers = Scorers(here.artefacts)
    for pair in dict.fromkeys(change.after for change in planned if change.after is not None):
        _check_pair(scorers.of(pair), draft)
        _check_range(scorers.of(pair))
    when = f"from {draft.lead_ms // 1000} s after its publication on"
    _say("\n".join([*taken_back_lines(found.published, draft), *change_lines(planned, found.named, when)]))
    if not yes:
        confirm("publish it?", "run it with --yes")
    publish(here.bootstrap, here.security, draft, here.artefacts, partial(_look_again, here, found, draft.tenant))
    *earlier, mine = seen(here.bootstrap, here.security, draft.activation_id)
    tenants = concerned(earlier, draft.tenant, found.served)
    made, void = changes(earlier, mine, tenants), void_for([*earlier, mine], draft.activation_id, tenants)
    published = f"published at {rfc3339_of_ms(mine.at_ms)} as {draft.activation_id}, by {draft.actor}"
    text = "\n".join([published, *change_lines(made, found.named)])
    emit(_value(mine, made, void, found), text, as_json=as_json)
    if void:
        _say("\n".join(_mending([*earlier, mine], void, draft, found)))
    return 1 if void else 0


def _check_pair(scorer: Scorer, draft: Activation) -> None:
    """Problem where the two would decide together and the policy is meant for another bundle."""
    if fault := fault_of_pair(scorer.bundle, scorer.policy):
        first = f"bundle {scorer.policy.bundle}" if draft.bundle_id is None else "a policy that is meant for it"
        raise Problem(f"{fault}, which would decide with it: activate {first} first")


def _check_range(scorer: Scorer) -> None:
    """Problem where the policy asks for the range of what the bundle was not trained on. One from before there were
    ranges states none of any feature, another one none of a ratio; it is told, and decisions say so
    (`training_range_unknown`).
    """
    if not scorer.bundle.ranges or not (unknown := scorer.not_looked_at):
        return
    if unseen := blind(scorer):
        raise Problem(range_unknown(unseen, scorer))
    _say(range_unknown(unknown, scorer))


def _look_again(here: Installation, found: Known, tenant: str | None) -> None:
    """Problem where somebody published what concerns these banks since the plan was made."""
    now = activations(here.bootstrap, here.security)
    if concerning(now, tenant) != concerning(found.published, tenant):
        raise Problem("somebody published an activation meanwhile, and nothing was published here: run it again")


def _mending(published: Sequence[Published], void: Sequence[str | None], draft: Activation, found: Known) -> list[str]:
    """What decides for those for whom a rollback came too late, and the commands for what to do."""
    history, lines = history_of(published), void_lines(void, draft)
    now_ms = max(found.now_ms, published[-1].at_ms)
    for tenant in void:
        option = f" --tenant {tenant}" if tenant else ""
        lines += step_lines(tenant or ANY_OTHER, history.steps(tenant), now_ms, found.named)
        for top in history.stands(tenant)[-1:]:
            lines += [
                f"  if that is not as it should be, look: loanstream history{option}",
                f"  and take back what is on top: loanstream rollback{option} --of {top.activation_id} --reason '...'",
            ]
    return lines


def _nothing(found: Known, tenants: Tenants, *, as_json: bool) -> int:
    history = found.history
    banks = [tenant for tenant in tenants if tenant is not None]
    lines = [line for bank in banks for line in step_lines(bank, history.steps(bank), found.now_ms, found.named)]
    value: dict[str, Any] = {"published": False, "activation_id": None, "published_at": None, "rolls_back": None}
    value |= {"changes": [], "void_for": []}
    emit(value, "\n".join(["nothing is published: it decides already, or will", *lines]), as_json=as_json)
    return 0


def _value(mine: Published, made: list[Change], void: Sequence[str | None], found: Known) -> Mapping[str, Any]:
    return {
        "published": True,
        "activation_id": mine.activation.activation_id,
        "published_at": rfc3339_of_ms(mine.at_ms),
        "rolls_back": mine.activation.rolls_back,
        "changes": told_changes(made, found.named),
        "void_for": [whom(tenant) for tenant in void],
    }


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
