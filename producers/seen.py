"""What a downstream service remembers of decisions, and how a decision stands against it: pure, and behind a port."""

from collections import OrderedDict
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import Field

from schemas.decision import LoanDecision, Outcome
from schemas.operations import LoanOutcome
from schemas.values import OwnEvent

Standing = Literal["current", "superseded", "conflict"]
"""`current`: it counts. `superseded`: a higher revision, or a later human decision, came before it. `conflict`: another
decision on the same revision came first, and that one counts.
"""

IDS_MOST = 16
"""Decisions on one revision that are remembered; a repeat of one beyond them is told as a conflict again."""

APPLICATIONS_MOST = 100_000
"""Applications that are remembered in memory, for about 1 kB each."""


class Known(OwnEvent):
    """What is remembered of one revision of an application; a row of the service's own table, as JSON, if it likes.

    Of `decision_ids` the first counts, and `machine` is its outcome; `human` is the newest human decision by its `at`.
    """

    decision_ids: Annotated[tuple[str, ...], Field(max_length=IDS_MOST)] = ()
    machine: Outcome | None = None
    human: Literal["approve", "decline"] | None = None
    human_at: datetime | None = None

    @property
    def outcome(self) -> Outcome | None:
        """What counts: a person's decision, else the service's."""
        return self.human or self.machine


class Seen(Protocol):
    """Where it is remembered. The service may back it by a table of its own: two look-ups and an upsert."""

    def known(self, application_id: str, revision: int) -> Known | None:
        """What is known of a revision."""
        ...

    def highest(self, application_id: str) -> int | None:
        """The highest revision of which anything is known."""
        ...

    def note(self, application_id: str, revision: int, known: Known) -> None:
        """Remember it; called once the handler has returned, before the offset is committed."""
        ...


class MemorySeen:
    """In memory, for the applications that were heard of last. A restart forgets it, and so does another process."""

    def __init__(self, applications_most: int = APPLICATIONS_MOST) -> None:
        self._most = applications_most
        self._applications: OrderedDict[str, dict[int, Known]] = OrderedDict()

    def known(self, application_id: str, revision: int) -> Known | None:
        """What is known of a revision."""
        return self._applications.get(application_id, {}).get(revision)

    def highest(self, application_id: str) -> int | None:
        """The highest revision of which anything is known."""
        return max(self._applications.get(application_id, ()), default=None)

    def note(self, application_id: str, revision: int, known: Known) -> None:
        """Remember it, and forget the application that was not heard of for longest."""
        self._applications.setdefault(application_id, {})[revision] = known
        self._applications.move_to_end(application_id)
        if len(self._applications) > self._most:
            self._applications.popitem(last=False)


def judged(event: LoanDecision | LoanOutcome, seen: Seen) -> tuple[Standing, Known] | None:
    """How a decision, or a human one, stands against what was seen, and what is known with it; None for a repeat."""
    before = seen.known(event.application_id, event.revision) or Known()
    highest = seen.highest(event.application_id) or event.revision
    newest: Standing = "superseded" if highest > event.revision else "current"
    if isinstance(event, LoanDecision):
        return _of_machine(event, before, newest)
    return _of_human(event, before, newest)


def _of_machine(event: LoanDecision, before: Known, newest: Standing) -> tuple[Standing, Known] | None:
    if event.decision_id in before.decision_ids:
        return None
    ids = (*before.decision_ids, event.decision_id)[:IDS_MOST]
    if before.decision_ids:
        return "conflict", before.model_copy(update={"decision_ids": ids})
    return newest, before.model_copy(update={"decision_ids": ids, "machine": event.outcome})


def _of_human(event: LoanOutcome, before: Known, newest: Standing) -> tuple[Standing, Known] | None:
    if (event.decision, event.at) == (before.human, before.human_at):
        return None
    if before.human_at is not None and event.at < before.human_at:
        return "superseded", before
    return newest, before.model_copy(update={"human": event.decision, "human_at": event.at})
