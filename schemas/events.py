"""Every event, one row each: its CloudEvents type, its model, and on which side of the contract we stand."""

from dataclasses import dataclass
from typing import Literal

from schemas.application import ApplicationAccepted, LoanApplication
from schemas.decision import LoanDecision
from schemas.operations import Activation, DeadLetter, DeadLetterHandled, LoanOutcome, ServiceMetric
from schemas.values import Event
from schemas.verification import ApplicationVerified

Side = Literal["read", "written", "internal"]


@dataclass(frozen=True, slots=True)
class EventType:
    """`side`: events we `read` from others must stay easy to send, events `written` for others easy to read; an
    `internal` one passes between our own stages, of which two versions may run at once: both rules hold for it. All but
    the application in it is open, as everything that we write: readers ignore what they do not know.
    """

    name: str
    model: type[Event]
    side: Side
    version: int = 1


EVENTS: dict[str, EventType] = {
    event.name: event
    for event in (
        EventType("loan.application.submitted", LoanApplication, "read"),
        EventType("loan.application.accepted", ApplicationAccepted, "internal"),
        EventType("loan.application.verified", ApplicationVerified, "internal"),
        EventType("loan.decision.made", LoanDecision, "written"),
        EventType("loan.dead_letter", DeadLetter, "internal"),
        EventType("loan.dead_letter.handled", DeadLetterHandled, "internal"),
        EventType("loan.outcome.recorded", LoanOutcome, "read"),
        EventType("loan.activation.published", Activation, "internal"),
        EventType("loan.service.measured", ServiceMetric, "internal"),
    )
}
