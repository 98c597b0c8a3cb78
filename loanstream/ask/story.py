"""The whole story of one application: what was claimed and found, what was decided and why, how long it took."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from loanstream.ask.activated import Activated
from loanstream.ask.claim_names import claim_of
from loanstream.ask.evidence import may_be_of, origin_of, place_of, receipt_names
from loanstream.ask.held import Held, held
from loanstream.ask.sameness import differing, likeness
from schemas.problem import Problem
from schemas.records import Place
from schemas.verification import ApplicationVerified
from scoring.receipt import ReceiptKey
from stores.reviews import counting
from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.plain import rows
from stores.warehouse.sealed import opened

Record = dict[str, Any]
Keys = Callable[[str], ReceiptKey]

NOT_READABLE = "(not readable with this column key)"

KnownBy = Literal["origin", "receipt", "only", "unknown"]
"""How the claims of a decision are known: by the place of the application's record; where a row is older than those
places, by the hash in the decision's receipt; because no others came; or not."""

_STEPS = (
    ("waited for verify", "accepted_at", "verify_started_at"),
    ("verify", "verify_started_at", "verify_finished_at"),
    ("waited for score", "verify_finished_at", "score_started_at"),
    ("score", "score_started_at", "score_finished_at"),
    ("in all", "accepted_at", "score_finished_at"),
)
_NO_CLAIMS = frozenset({"accepted_at", "submitted_at"})
_OF_KAFKA = ("kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp")
_OUTCOME = ("at", "kind", "decision", "actor", "asserted_by", "reason", "repayment", "days_past_due", "balance")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A later decision record that does not say what the first says. `claims_differ` names the claims in which its
    application differs, None where one of the two is not known.
    """

    decision: Record
    place: str
    origin: str | None
    kind: str
    differs: tuple[str, ...]
    claims_differ: tuple[str, ...] | None = None


@dataclass(slots=True)
class Chapter:
    """One revision. `verified` is the whole verified event, `application` alone where it was never verified;
    `decision` the one that counts, `repeats` the records that said the same again, `conflicting` those that did not.

    `sent` are the places of all applications that came under this id and revision; `origin` is that one which the
    decision was made from, `known_by` how that is known. Before there is a decision the first application is told.

    `altered` names rows that do not say what was recorded, `unproven` what could not be held against anything.
    """

    tenant: str
    application_id: str
    revision: int
    application: Record | None = None
    verified: Record | None = None
    decision: Record | None = None
    place: str | None = None
    origin: str | None = None
    known_by: KnownBy = "unknown"
    sent: list[str] = field(default_factory=list)
    repeats: int = 0
    conflicting: list[Conflict] = field(default_factory=list)
    outcomes: list[Record] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)

    @property
    def human_decision(self) -> Record | None:
        """What a person decided, and counts: the first record."""
        return next((row for row in self.outcomes if row.get("counts")), None)

    @property
    def timings_ms(self) -> dict[str, float]:
        """How long each step took, in milliseconds, from acceptance to the decision."""
        if self.decision is None:
            return {}
        times = {"accepted_at": self.decision["accepted_at"], **self.decision["processing"]}
        return {name: _milliseconds(times[begin], times[end]) for name, begin, end in _STEPS}


@dataclass(slots=True)
class Story:
    """Everything known about an application id, revision by revision; `dead_letters` name no revision."""

    application_id: str
    chapters: list[Chapter] = field(default_factory=list)
    dead_letters: list[Record] = field(default_factory=list)

    @property
    def known(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.chapters or self.dead_letters)

    @property
    def complete(self) -> bool:
        """Whether all that is known has an end; otherwise something of it may not be recorded yet."""
        return self.known and all(chapter.decision is not None for chapter in self.chapters)


def story(
    client: Any,
    cipher: ColumnCipher,
    application_id: str,
    tenant: str | None = None,
    keys: Keys | None = None,
    history: Callable[[], Activated] | None = None,
) -> Story:
    """What the warehouse knows about `application_id` (of `tenant`, or of every tenant that has one).

    `keys` gives a tenant's receipt key: with it a decision that is older than the places of its application's record
    finds its claims by the hash in its receipt. `history` tells what was in force when, and is asked
    where there is a decision.
    """
    teller = _Teller(client, cipher, application_id, tenant, keys)
    letters = [_letter(row) for row in teller.of("dead_letters", "at, stage")]
    told = Story(application_id, teller.chapters(), letters)
    if told.chapters:
        found = held(client, cipher, application_id, tenant, keys, history)
        for chapter in told.chapters:
            of_it = found.get((chapter.tenant, chapter.revision), Held())
            chapter.altered, chapter.unproven = of_it.altered, of_it.unproven
    return told


Revision = tuple[str, int]


@dataclass(slots=True)
class _Rows:
    """The rows of one revision."""

    applications: list[Record] = field(default_factory=list)
    verifications: list[Record] = field(default_factory=list)
    decisions: list[Record] = field(default_factory=list)
    outcomes: list[Record] = field(default_factory=list)


class _Teller:
    def __init__(
        self, client: Any, cipher: ColumnCipher, application_id: str, tenant: str | None, keys: Keys | None
    ) -> None:
        self._client, self._cipher, self._keys = client, cipher, keys
        self._application_id = application_id
        self._parameters = {"application": application_id, "tenant": tenant or ""}

    def of(self, name: str, order: str = "tenant, revision, kafka_offset") -> list[Record]:
        """The application's rows of a view or table."""
        found = self._client.query(
            f"SELECT * FROM loanstream.{name} WHERE application_id = {{application:String}} "  # noqa: S608 - fixed names
            f"AND ({{tenant:String}} = '' OR tenant = {{tenant:String}}) ORDER BY {order}",
            parameters=self._parameters,
        )
        return rows(found)

    def chapters(self) -> list[Chapter]:
        """One for each revision of each tenant."""
        found: dict[Revision, _Rows] = {}
        for name, table, order in _READ:
            for row in self.of(table, order):
                of_revision = found.setdefault((row["tenant"], row["revision"]), _Rows())
                getattr(of_revision, name).append(row)
        return [self._chapter(tenant, revision, found[tenant, revision]) for tenant, revision in sorted(found)]

    def _chapter(self, tenant: str, revision: int, known: _Rows) -> Chapter:
        chapter = Chapter(tenant, self._application_id, revision)
        chapter.sent = [str(place_of(row)) for row in known.applications]
        counts = counting(known.outcomes)
        chapter.outcomes = [_outcome(row, counts=row is counts) for row in known.outcomes]
        if known.decisions:
            self._decided(chapter, known)
        else:
            chapter.application = self._with_person(_first(known.applications))
            chapter.verified = self._event(_first(known.verifications))
        return chapter

    def _decided(self, chapter: Chapter, known: _Rows) -> None:
        """The first record is the decision; its claims are those that it was made from."""
        first, *others = known.decisions
        origin = origin_of(first)
        chapter.decision, chapter.place = _decision(first), str(place_of(first))
        rows = may_be_of(origin, known.verifications)
        events = [event for event in map(self._event, rows) if event is not None]
        if origin is None:
            self._by_other_means(chapter, known, events)
        else:
            chapter.known_by, chapter.origin = "origin", str(origin)
            chapter.application = self._with_person(_at(known.applications, origin))
            certain = [row for row in rows if origin_of(row) is not None]
            chapter.verified = events[0] if certain else self._named_by_receipt(chapter, events)
        for row in others:
            conflict = self._conflict(chapter, row, known)
            if conflict is None:
                chapter.repeats += 1
            else:
                chapter.conflicting.append(conflict)

    def _by_other_means(self, chapter: Chapter, known: _Rows, events: Sequence[Record]) -> None:
        """Of a decision that does not name its application's record; nothing is concluded from a time."""
        named = self._named_by_receipt(chapter, events)
        if named is not None:
            chapter.known_by, chapter.verified = "receipt", named
        elif len(known.applications) <= 1 and len(events) <= 1:
            chapter.known_by = "only"
            chapter.application = self._with_person(_first(known.applications))
            chapter.verified = _first(events)

    def _named_by_receipt(self, chapter: Chapter, events: Sequence[Record]) -> Record | None:
        receipt = (chapter.decision or {})["receipt"]
        return next((event for event in events if self._receipt_names(chapter.tenant, receipt, event)), None)

    def _receipt_names(self, tenant: str, receipt: Mapping[str, str], event: Record) -> bool:
        if self._keys is None:
            return False
        try:
            return receipt_names(
                receipt, ApplicationVerified.model_validate_json(orjson.dumps(event)), self._keys(tenant)
            )
        except (ValidationError, Problem):  # not readable, or no key to prove it by
            return False

    def _conflict(self, chapter: Chapter, row: Record, known: _Rows) -> Conflict | None:
        decision, origin = _decision(row), origin_of(row)
        alike = likeness(chapter.decision or {}, decision)
        if not alike.kind.matters:
            return None
        other = None if origin is None else self._with_person(_at(known.applications, origin))
        mine = chapter.application
        claims = None if mine is None or other is None else tuple(differing(_claims(mine), _claims(other)))
        place = str(place_of(row))
        return Conflict(decision, place, None if origin is None else str(origin), alike.kind.name, alike.names, claims)

    def _with_person(self, row: Record | None) -> Record | None:
        if row is None:
            return None
        personal = self._open("applications_log", row)
        kept = {name: value for name, value in row.items() if name not in _OF_KAFKA}
        return {**kept, "personal_encrypted": None, "personal": personal, "place": str(place_of(row))}

    def _event(self, row: Record | None) -> Record | None:
        if row is None:
            return None
        event = self._open("verifications_log", row)
        return event if isinstance(event, dict) else {"unreadable": event}

    def _open(self, table: str, row: Record) -> Record | str:
        try:
            plain: Record = orjson.loads(opened(table, row, self._cipher))
        except SealBroken:
            return NOT_READABLE
        return plain


_BY_OFFSET = "tenant, revision, kafka_offset"
_READ = (
    ("applications", "applications_log", _BY_OFFSET),
    ("verifications", "verifications_log", _BY_OFFSET),
    ("decisions", "decisions_log", _BY_OFFSET),
    ("outcomes", "outcomes", "tenant, revision, at, kafka_offset"),
)
"""Which rows of a revision are read from where, in which order."""


def _decision(row: Record) -> Record:
    try:
        event: Record = orjson.loads(row["event"])
    except orjson.JSONDecodeError:
        raise Problem(f"the warehouse's row of {place_of(row)} was altered: its event is no decision") from None
    return event


def _first(found: Sequence[Record]) -> Record | None:
    return found[0] if found else None


def _at(found: Sequence[Record], place: Place) -> Record | None:
    return next((row for row in found if place_of(row) == place), None)


def _claims(application: Record) -> Record:
    """What a bank said, without when and where."""
    kept = (name for name in application if name not in _NO_CLAIMS and name != "place")
    return {claim_of(name): application[name] for name in kept}


def _outcome(row: Record, *, counts: bool) -> Record:
    """What became of a loan, or what a person decided: of several human decisions one `counts`."""
    told = {name: row[name] for name in _OUTCOME} | {"place": str(place_of(row))}
    return told | ({"counts": counts} if row["kind"] == "human_decision" else {})


def _letter(row: Record) -> Record:
    """A dead letter with the id that `dlq show` takes, and the place of the record that it is about."""
    kept = {name: value for name, value in row.items() if name not in _OF_KAFKA}
    return {"id": str(place_of(row)), "origin": str(origin_of(row)), **kept}


def _milliseconds(begin: str, end: str) -> float:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() * 1000, 3)
