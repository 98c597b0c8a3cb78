"""What a downstream service remembers of decisions, and how a decision stands against it: pure, and behind a port."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal, Protocol

from pydantic import Field

from schemas.decision import LoanDecision, Outcome
from schemas.operations import LoanOutcome
from schemas.values import OwnEvent

Standing = Literal["current", "superseded", "conflict", "waiting"]
"""`current`: it counts. `superseded`: a decision on a higher revision came before it. `conflict`: another decision of
its kind (the service's, or a person's) on the same revision came first, and that one counts. `waiting`: a person's, on
a revision of which no decision is known; if one comes, it comes with the person's outcome.
"""

IDS_MOST = 16
"""Decisions on one revision that are remembered; a repeat of one beyond them is told as a conflict again."""

APPLICATIONS_MOST = 100_000
"""Applications that are remembered in memory, for about 1 kB each."""


class Known(OwnEvent):
    """What is remembered of one revision of an application; a row of the service's own table, as JSON, if it likes.

    Of `decision_ids` the first counts, and `machine` is its outcome. Of what persons said the first counts, too:
    `human`, at `human_at`; `human_conflicts` are the others.
    """

    decision_ids: Annotated[tuple[str, ...], Field(max_length=IDS_MOST)] = ()
    machine: Outcome | None = None
    human: Literal["approve", "decline"] | None = None
    human_at: datetime | None = None
    human_conflicts: Annotated[tuple[str, ...], Field(max_length=IDS_MOST)] = ()

    @property
    def outcome(self) -> Outcome | None:
        """What counts: a person's decision, else the service's."""
        return self.human or self.machine


class Seen(Protocol):
    """Where it is remembered. The service may back it by a table of its own: one look-up and an upsert."""

    def revisions(self, application_id: str) -> Mapping[int, Known]:
        """What is known of an application, by revision."""
        ...

    def note(self, application_id: str, revision: int, known: Known) -> None:
        """Remember it; called once the handler has returned, before the offset is committed."""
        ...


class MemorySeen:
    """In memory, for the applications that were heard of last. A restart forgets it, and so does another process."""

    def __init__(self, applications_most: int = APPLICATIONS_MOST) -> None:
        self._most = applications_most
        self._applications: OrderedDict[str, dict[int, Known]] = OrderedDict()

    def revisions(self, application_id: str) -> Mapping[int, Known]:
        """What is known of an application, by revision."""
        return self._applications.get(application_id, {})

    def note(self, application_id: str, revision: int, known: Known) -> None:
        """Remember it, and forget the application that was not heard of for longest."""
        self._applications.setdefault(application_id, {})[revision] = known
        self._applications.move_to_end(application_id)
        if len(self._applications) > self._most:
            self._applications.popitem(last=False)


def judged(event: LoanDecision | LoanOutcome, seen: Seen) -> tuple[Standing, Known] | None:
    """How a decision, or a human one, stands against what was seen, and what is known with it; None for a repeat.

    What a person says of a revision that nobody decided moves nothing: the bank may have mistyped it.
    """
    revisions = seen.revisions(event.application_id)
    before = revisions.get(event.revision, Known())
    highest = max((revision for revision, known in revisions.items() if known.decision_ids), default=0)
    newest: Standing = "superseded" if highest > event.revision else "current"
    if isinstance(event, LoanDecision):
        return _of_machine(event, before, newest)
    return _of_human(event, before, newest if before.decision_ids else "waiting")


def _of_machine(event: LoanDecision, before: Known, newest: Standing) -> tuple[Standing, Known] | None:
    if event.decision_id in before.decision_ids:
        return None
    ids = (*before.decision_ids, event.decision_id)[:IDS_MOST]
    if before.decision_ids:
        return "conflict", before.model_copy(update={"decision_ids": ids})
    return newest, before.model_copy(update={"decision_ids": ids, "machine": event.outcome})


def _of_human(event: LoanOutcome, before: Known, newest: Standing) -> tuple[Standing, Known] | None:
    if before.human is None:
        return newest, before.model_copy(update={"human": event.decision, "human_at": event.at})
    other = f"{event.decision} {event.at.isoformat()}"
    if (event.decision, event.at) == (before.human, before.human_at) or other in before.human_conflicts:
        return None
    return "conflict", before.model_copy(update={"human_conflicts": (*before.human_conflicts, other)[:IDS_MOST]})
