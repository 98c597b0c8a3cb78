"""The review queue as text for a terminal; nothing here asks anything."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from loanstream.ask.story_text import WIDE, human_sentence, principal_lines
from loanstream.cli.activation_text import shown
from loanstream.terminal import four_decimals, table
from schemas.operations import LoanOutcome
from schemas.values import rfc3339
from stores.reviews import Page, Review

_NARROW = 110
_LESS = frozenset({"revision", "score", "documents"})
_HEADINGS = ("review", "application", "revision", "accepted", "score", "documents", "first reason")


def queue_table(tenant: str, page: Page, width: int) -> Table:
    """The reviews that wait; a narrow screen has less of what `review show` tells."""
    kept = [index for index, heading in enumerate(_HEADINGS) if width >= _NARROW or heading not in _LESS]
    rows = [
        (
            row["review_id"],
            shown(row["application_id"]),
            row["revision"],
            row["accepted_at"],
            four_decimals(row["score_final"]),
            row["verification_result"],
            shown(row["first_reason"]),
        )
        for row in page.reviews
    ]
    title = f"{len(rows)} of {tenant} wait for a person"
    made = table(
        title,
        *(_HEADINGS[index] for index in kept),
        rows=[tuple(row[index] for index in kept) for row in rows],
        copied=frozenset({"review", "application"}),
    )
    if page.following is not None:
        made.caption = f"there are more: --after {page.following}"
        made.caption_justify = "left"
    return made


def review_text(review: Review) -> str:
    """One review: what the machine decided and why, then what persons decided."""
    decision = review.decision
    probability, score = (four_decimals(decision[name]) for name in ("p_calibrated", "score_final"))
    lines = [
        f"{review.tenant}  {review.application_id}  revision {review.revision}  {_STATES[review.state](review)}",
        "",
        f"Decision: {decision['outcome'].upper()}   basis {', '.join(decision['basis'])}",
        f"  accepted {decision['accepted_at']}, documents {decision['verification_result']}",
        f"  probability of approval {probability}, score {score}",
        *principal_lines(decision, WIDE),
        "Points",
        *map(_reason, decision["reasons"]),
        f"  receipt: bundle {decision['receipt']['bundle_id']}",
        f"           policy {decision['receipt']['policy_id']}",
    ]
    people = [f"  {row['at']}  {human_sentence(row)}" for row in review.human_decisions]
    return "\n".join([*lines, *(["", "Persons decided", *people] if people else [])])


_STATES: Mapping[str, Any] = {
    "waiting": lambda _: "waits for a person",
    "decided": lambda review: f"decided: {review.counts['decision']}",
    "superseded": lambda review: f"not asked any more: revision {review.superseded_by} was decided since",
}


def _reason(reason: Mapping[str, Any]) -> str:
    points = "" if reason["points"] is None else f"  {reason['points']:+.2f}"
    return f"  {'decided by: ' if reason['decisive'] else ''}{shown(reason['text'])}{points}"


def planned_text(review: Review, verdict: str, actor: str, reason: str) -> str:
    """What will be recorded."""
    first = next(iter(review.decision.get("principal_reasons") or review.decision["reasons"]), None)
    because = "" if first is None else f": {shown(first['text'])}"
    return (
        f"{review.tenant}  {review.application_id}  revision {review.revision}\n"
        f"  referred{because}\n  {verdict.upper()} by {actor}: {reason}"
    )


def decided_text(review: Review, outcome: LoanOutcome, place: str) -> str:
    """What was recorded, and where."""
    return (
        f"{review.application_id} revision {review.revision}: {outcome.decision} by {outcome.actor}, "
        f"recorded at {rfc3339(outcome.at)} as {place}\n"
        f"where somebody else decided at the same moment, the first record counts: "
        f"loanstream review show {review.review_id}"
    )
