"""Every event, one row each: its CloudEvents type, its model, and on which side of the contract we stand."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel

from schemas.application import ApplicationAccepted, LoanApplication
from schemas.decision import LoanDecision
from schemas.gateway import GatewayClaim
from schemas.operations import Activation, DeadLetter, DeadLetterHandled, LoanOutcome, ServiceMetric
from schemas.rejections import RecordRejected, RejectionWithdrawn
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
        EventType("loan.record.rejected", RecordRejected, "written"),
        EventType("loan.rejection.withdrawn", RejectionWithdrawn, "written"),
        EventType("loan.dead_letter", DeadLetter, "internal"),
        EventType("loan.dead_letter.handled", DeadLetterHandled, "internal"),
        EventType("loan.outcome.recorded", LoanOutcome, "read"),
        EventType("loan.activation.published", Activation, "internal"),
        EventType("loan.service.measured", ServiceMetric, "internal"),
        EventType("loan.gateway.claimed", GatewayClaim, "internal"),
    )
}


def models() -> dict[str, type[BaseModel]]:
    """Every model that an event is made of, by its name; each after the one that it is a part of.

    >>> list(models())[:3]
    ['LoanApplication', 'Applicant', 'Identifier']
    """
    found: dict[str, type[BaseModel]] = {}
    for event in EVENTS.values():
        _collect(event.model, found)
    return found


def _collect(model: type[BaseModel], found: dict[str, type[BaseModel]]) -> None:
    if found.setdefault(model.__name__, model) is not model:
        raise ValueError(f"two models are called {model.__name__}")
    for field in model.model_fields.values():
        for part in _parts(field.annotation):
            if part.__name__ not in found:
                _collect(part, found)


def _parts(annotation: Any) -> list[type[BaseModel]]:
    """The models within a field's type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [part for inner in get_args(annotation) for part in _parts(inner)]
