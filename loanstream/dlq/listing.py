"""What `dlq list` tells of letters: one row each, the newest of those about one record, and how many of which kind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loanstream.dlq.asked import Asked
from loanstream.dlq.letters import STATES, Letter, LetterId, State
from schemas.operations import DeadLetterHandled
from schemas.values import rfc3339

Row = dict[str, Any]
"""A letter as JSON, without its record."""


@dataclass(frozen=True, slots=True)
class Listed:
    """As little of a letter as must be held of all; `row` of those alone that were asked for."""

    id: LetterId
    at: datetime
    state: State
    about: tuple[str, str]
    thread: tuple[str, str]
    row: Row | None


def listed(letters: Iterable[Letter], asked: Asked) -> list[Row]:
    """The rows of the letters that are asked for, oldest first.

    A letter that was sent back and came back as another is told by the newer one alone; one that waits is always told.
    """
    rows = (
        Listed(one.id, one.letter.at, one.state, one.about, one.thread, row_of(one) if asked.means(one) else None)
        for one in letters
    )
    # They come a partition after the other. What was written twice is one letter.
    found = {one.about: one for one in sorted(rows, key=lambda one: (one.at, one.id))}
    newest = {one.thread: one.id for one in found.values()}
    kept = (one for one in found.values() if one.state != "redriven" or newest[one.thread] == one.id)
    return [one.row for one in kept if one.row is not None]


def row_of(letter: Letter) -> Row:
    """A letter as `dlq list --json` writes it."""
    made = letter.letter
    return {
        "id": str(letter.id),
        "state": letter.state,
        "at": rfc3339(made.at),
        "tenant": made.tenant,
        "stage": made.stage,
        "cause": made.cause,
        "application_id": next(iter(letter.application_ids), None),
        "errors": [error.model_dump(mode="json") for error in made.errors],
        "attempts": made.attempts,
        "origin": letter.origin,
        "first_origin": letter.thread[0],
        "has_original": letter.has_original,
        "last_action": done_row(letter.done[-1]) if letter.done else None,
    }


def done_row(event: DeadLetterHandled) -> Row:
    """What was done with a letter, by whom, when and why."""
    return event.model_dump(mode="json", include={"action", "actor", "reason", "at"})


def summary(rows: Iterable[Row]) -> list[Row]:
    """How many letters of each tenant and cause stand how; the most first."""
    found: dict[tuple[str | None, str], Counter[str]] = {}
    for row in rows:
        found.setdefault((row["tenant"], row["cause"]), Counter())[row["state"]] += 1
    ordered = sorted(found.items(), key=lambda item: (item[0][0] or "", -item[1].total(), item[0][1]))
    return [
        {"tenant": tenant, "cause": cause, **{state: states[state] for state in STATES}}
        for (tenant, cause), states in ordered
    ]
