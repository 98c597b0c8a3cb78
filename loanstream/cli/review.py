"""`loanstream review`: what was referred to a person, and deciding it."""

import sys
import time
from contextlib import closing
from enum import StrEnum
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, State, Yes, confirm, installation_of, verb
from loanstream.cli.publishing import Reason, Words
from loanstream.cli.review_text import decided_text, planned_text, queue_table, review_text
from loanstream.cli.words import Actor
from loanstream.installation import Installation
from loanstream.terminal import console, emit
from producers.outcomes import send_outcome
from schemas.operations import LoanOutcome
from schemas.problem import Problem
from schemas.values import utc_of_ms
from stores.reviews import PAGE_MOST, Review, ReviewQueue

app = verb()

Bank = Annotated[str | None, typer.Option("--tenant", help="the bank (default: the first that is served)")]
ReviewId = Annotated[str, typer.Argument(help="the review's id, as `review list` has it: the decision's")]


class Order(StrEnum):
    """Which come first."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Verdict(StrEnum):
    """What a person decides."""

    APPROVE = "approve"
    DECLINE = "decline"


@app.callback()
def review() -> None:
    """What was referred to a person: list, show, decide."""


@app.command("list")
def list_reviews(
    tenant: Bank = None,
    order: Annotated[Order, typer.Option(help="by when the application was accepted")] = Order.NEWEST,
    limit: Annotated[int, typer.Option(min=1, max=PAGE_MOST, help="at most so many")] = 20,
    after: Annotated[str | None, typer.Option(metavar="CURSOR", help="go on where an earlier page ended")] = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """What was referred and waits for a person."""
    here = installation_of(state)
    bank = here.tenant(tenant)
    with closing(here.warehouse()) as client:
        page = ReviewQueue(client).waiting(bank, limit, order=order.value, after=after)
    emit(page.as_json(), queue_table(bank, page, console().width), as_json=as_json)


@app.command()
def show(review_id: ReviewId, tenant: Bank = None, state: State = None, as_json: AsJson = False) -> None:
    """One review: why it was referred, and what persons decided."""
    here = installation_of(state)
    found = _found(here, here.tenant(tenant), review_id)
    emit(found.as_json(), review_text(found), as_json=as_json)


@app.command()
def decide(
    review_id: ReviewId,
    verdict: Annotated[Verdict, typer.Argument(metavar="approve|decline", help="what you decide")],
    reason: Reason,
    tenant: Bank = None,
    actor: Actor = None,
    yes: Yes = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Decide what was referred: shows what will be recorded, asks, and sends it."""
    words = Words.of(actor, reason)
    here = installation_of(state)
    bank = here.tenant(tenant)
    asked = _open(here, bank, review_id)
    sys.stderr.write(f"{planned_text(asked, verdict.value, words.actor, words.reason)}\n")
    if not yes:
        confirm("record it?", "run it with --yes")
        _open(here, bank, review_id)  # somebody may have decided while the question stood
    outcome = LoanOutcome(
        tenant=bank,
        application_id=asked.application_id,
        revision=asked.revision,
        at=utc_of_ms(time.time_ns() // 1_000_000),
        kind="human_decision",
        decision=verdict.value,
        actor=words.actor,
        reason=words.reason,
    )
    place = str(send_outcome(here.producer_settings(bank), outcome))
    said = {"review_id": review_id, **outcome.model_dump(mode="json", include=_TOLD), "place": place}
    emit(said, decided_text(asked, outcome, place), as_json=as_json)


_TOLD = {"application_id", "revision", "at", "decision", "actor", "asserted_by", "reason"}


def _found(here: Installation, tenant: str, review_id: str) -> Review:
    with closing(here.warehouse()) as client:
        found = ReviewQueue(client).one(tenant, review_id)
    if found is None:
        raise Problem(f"{tenant} has no review of this id; loanstream review list has those that wait")
    return found


def _open(here: Installation, tenant: str, review_id: str) -> Review:
    """The review, where it can be decided. Problem where it cannot."""
    found = _found(here, tenant, review_id)
    if found.closed is not None:
        raise Problem(f"nothing is recorded: {found.closed}")
    return found
