"""What the gateway is made of: the composition root hands each part in, so that none of them is imported here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from producers.gateway.callers import Verifier
from schemas.application import LoanApplication
from schemas.operations import LoanOutcome
from schemas.records import Place
from stores.reviews import Order, Page, Review


class Documents(Protocol):
    """The document store."""

    def put(self, tenant: str, data: bytes) -> str:
        """Store it, and give its SHA-256. Blocks; OSError where the store is away."""


class Sender(Protocol):
    """Sends to Kafka, and returns when every replica that it waits for has the record."""

    async def send(self, application: LoanApplication, traceparent: str | None = None) -> Place:
        """Where the application's record stands. ProblemError `unavailable` where no broker confirms it."""

    async def send_outcome(self, outcome: LoanOutcome) -> Place:
        """The same, of an outcome."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an `Idempotency-Key` was used for: the answer's id and revision; whether it was by this very request
    (`is_first`), with this body (`is_same_body`), and whether the application is known to have been sent (`is_sent`).
    """

    application_id: str
    revision: int
    is_first: bool
    is_same_body: bool
    is_sent: bool


class Claims(Protocol):
    """What was claimed by (tenant, client, key) within 24 hours; the first record of a claim wins."""

    async def claim(
        self, tenant: str, client_id: str, key: str, body: bytes, application_id: str, revision: int
    ) -> Claim:
        """The claim that holds: this one, or an earlier one. ProblemError `unavailable`."""

    async def sent(self, tenant: str, client_id: str, key: str) -> None:
        """Note that the claim's application was confirmed."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision, as JSON has the event (`LoanDecision`); `conflicting` where its revision was decided in another way,
    too. The first decision of a revision counts.
    """

    event: Mapping[str, Any]
    conflicting: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """How a revision stands: accepted, decided (with its decision), or rejected (with the errors, none of a value)."""

    revision: int | None
    status: Literal["accepted", "decided", "rejected"]
    decided: Decided | None = None
    errors: Sequence[Mapping[str, Any]] = ()


class Decisions(Protocol):
    """Decisions of late from their topic, older ones from the warehouse."""

    def accepted(self, tenant: str, application_id: str, revision: int, place: Place) -> None:
        """Note that an application was confirmed there: the warehouse knows it a moment later only."""

    async def find(self, tenant: str, application_id: str, revision: int | None = None) -> Decided | None:
        """The decision of the highest revision, or of that one. ProblemError `unavailable`."""

    async def by_id(self, tenant: str, decision_id: str) -> Decided | None:
        """The decision of this id. ProblemError `unavailable`."""

    async def wait(self, tenant: str, application_id: str, revision: int, within_s: float) -> Decided | None:
        """The decision, or None where it is not there in time."""

    async def status(self, tenant: str, application_id: str, revision: int | None = None) -> Standing | None:
        """How the highest revision stands, or that one; None where nothing is known. ProblemError `unavailable`."""


class Reviews(Protocol):
    """What was referred to a person, and what persons decided."""

    async def waiting(self, tenant: str, limit: int, order: Order, after: str | None) -> Page:
        """At most `limit` reviews that wait, from the cursor `after` on. ProblemError `parameter-wrong` for a cursor
        that is none, `unavailable`.
        """

    async def one(self, tenant: str, review_id: str) -> Review | None:
        """One review, decided or not. ProblemError `unavailable`."""


Score = Callable[[LoanApplication], Awaitable[Mapping[str, Any]]]
"""What would be decided: pure, nothing is stored, no receipt."""


@dataclass(frozen=True, slots=True)
class Parts:
    """All of them; `healthy` gives what is wrong, by the name of the part."""

    verifier: Verifier
    documents: Documents
    sender: Sender
    claims: Claims
    decisions: Decisions
    reviews: Reviews
    score: Score
    healthy: Callable[[], Awaitable[Mapping[str, str]]]
