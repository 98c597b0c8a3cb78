"""The review queue: what was referred to a person, and what persons decided, as the warehouse has it.

A review is a decision `refer`: the first record of the highest revision of an application. Its id is the decision's.
It waits until a human decision on that revision is recorded.

Which of several human decisions counts is the same for whoever asks, whatever order he reads them in: the first record
of the revision. All of them have one key, so they stand in one partition, and a record's place there never changes.
The warehouse's view `human_decisions` says the same in SQL.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, TypedDict, cast

import orjson

from schemas.problem import Problem
from schemas.records import Place
from schemas.values import ms_of_utc
from stores.warehouse.plain import rows

Row = Mapping[str, Any]
Order = Literal["newest", "oldest"]
State = Literal["waiting", "decided", "superseded"]

PAGE_MOST = 200
"""Reviews in one answer."""

_REVIEW_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)


class CursorWrong(Problem):
    """A cursor that no page of this queue gave."""


class Cursor(NamedTuple):
    """Behind which review the next page begins; written `accepted_at in ms`-`id`.

    >>> str(Cursor.parse("1770715800120-b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50"))
    '1770715800120-b5b4a9b6-5a3b-5f0e-8d2a-6f1c2d3e4f50'
    """

    accepted_ms: int
    review_id: str

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """The cursor that `text` writes. Raises `CursorWrong`."""
        milliseconds, _, review_id = text.partition("-")
        if not re.fullmatch("[0-9]{1,13}", milliseconds, re.ASCII) or not _REVIEW_ID.fullmatch(review_id):
            raise CursorWrong("no cursor; expected `next` of an earlier page")
        return cls(int(milliseconds), review_id)

    def __str__(self) -> str:
        return f"{self.accepted_ms}-{self.review_id}"


class Waiting(TypedDict):
    """A review in the queue, with what tells which to take up first."""

    review_id: str
    application_id: str
    revision: int
    accepted_at: str
    score_final: float | None
    verification_result: str
    basis: list[str]
    first_reason: str


class HumanDecision(TypedDict):
    """What a person decided. `place` is the record's; `counts` is true for one of a revision's."""

    at: str
    decision: str
    actor: str
    asserted_by: str | None
    reason: str
    place: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some reviews that wait; `following` is the cursor of the next page, None where there is none."""

    reviews: Sequence[Waiting]
    following: str | None

    def as_json(self) -> dict[str, Any]:
        """As both doors write it."""
        return {"reviews": list(self.reviews), "next": self.following}


@dataclass(frozen=True, slots=True)
class Review:
    """One review: the decision event, what persons decided (in the order of their records), the revision that came
    after it.
    """

    tenant: str
    application_id: str
    revision: int
    decision: Row
    human_decisions: Sequence[HumanDecision]
    superseded_by: int | None

    @property
    def review_id(self) -> str:
        """The decision's id."""
        return str(self.decision["decision_id"])

    @property
    def counts(self) -> HumanDecision | None:
        """The human decision that counts."""
        return next((one for one in self.human_decisions if one["counts"]), None)

    @property
    def state(self) -> State:
        """What was decided stays decided; what was not, and has a newer revision, is no longer asked."""
        if self.counts is not None:
            return "decided"
        return "waiting" if self.superseded_by is None else "superseded"

    @property
    def closed(self) -> str | None:
        """Why it cannot be decided, who decided it when; None where it waits."""
        found = self.counts
        if found is not None:
            return f"it was decided at {found['at']} by {found['actor']}: {found['decision']}"
        if self.superseded_by is not None:
            return f"revision {self.superseded_by} of the application was decided since; its review counts"
        return None

    def as_json(self) -> dict[str, Any]:
        """As both doors write it."""
        return {
            "review_id": self.review_id,
            "application_id": self.application_id,
            "revision": self.revision,
            "state": self.state,
            "superseded_by": self.superseded_by,
            "decision": dict(self.decision),
            "human_decisions": list(self.human_decisions),
        }


def by_record(found: Iterable[Row]) -> list[Row]:
    """Rows of one revision's outcomes in the order of their records.

    >>> first, later = {"kafka_offset": 4, "kafka_partition": 1}, {"kafka_offset": 7, "kafka_partition": 1}
    >>> by_record([later, first]) == by_record([first, later]) == [first, later]
    True
    """
    return sorted(found, key=lambda row: (row["kafka_offset"], row["kafka_partition"]))


def counting(found: Iterable[Row]) -> Row | None:
    """The human decision that counts, of all outcomes of one revision in any order; None where there is none."""
    return next((row for row in by_record(found) if row["kind"] == "human_decision"), None)


def human_decisions(found: Iterable[Row]) -> list[HumanDecision]:
    """The human decisions among one revision's outcomes, in the order of their records: the first counts."""
    people = [row for row in by_record(found) if row["kind"] == "human_decision"]
    return [_human(row, counts=row is people[0]) for row in people]


class ReviewQueue:
    """The queue behind `client`, a reader's. Every answer is bounded: in rows here, in time by the reader's account,
    which may not change its limit.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def waiting(self, tenant: str, limit: int, *, order: Order = "newest", after: str | None = None) -> Page:
        """At most `limit` (1 to PAGE_MOST) reviews that wait, from the cursor `after` on. Raises `CursorWrong`."""
        assert 1 <= limit <= PAGE_MOST
        direction, beyond = _ORDERS[order]
        cursor = Cursor.parse(after) if after is not None else None
        begin = "" if cursor is None else _BEGIN.format(beyond=beyond)
        parameters = {"tenant": tenant, "limit": limit + 1}
        parameters |= {"ms": cursor.accepted_ms, "id": cursor.review_id} if cursor is not None else {}
        found = self._ask(_WAITING.format(direction=direction, begin=begin), parameters)
        reviews = [cast("Waiting", row) for row in found[:limit]]
        if len(found) <= limit:
            return Page(reviews, None)
        return Page(reviews, str(Cursor(_milliseconds(reviews[-1]["accepted_at"]), reviews[-1]["review_id"])))

    def one(self, tenant: str, review_id: str) -> Review | None:
        """The review of this id; None where the tenant has none."""
        if not _REVIEW_ID.fullmatch(review_id):
            return None
        revisions = self._ask(_REVISIONS, {"tenant": tenant, "id": review_id})
        row = next((row for row in revisions if row["decision_id"] == review_id), None)
        if row is None or row["outcome"] != "refer":
            return None
        application_id, revision = row["application_id"], row["revision"]
        asked = {"tenant": tenant, "application": application_id, "revision": revision}
        newest = max(found["revision"] for found in revisions)
        return Review(
            tenant,
            application_id,
            revision,
            orjson.loads(row["event"]),
            human_decisions(self._ask(_OUTCOMES, asked)),
            newest if newest > revision else None,
        )

    def _ask(self, sql: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        return rows(self._client.query(sql, parameters=dict(parameters)))


_ORDERS: Mapping[Order, tuple[str, str]] = {"newest": ("DESC", "<"), "oldest": ("ASC", ">")}
"""How a page is sorted, and on which side of the cursor it lies."""

_BEGIN = "AND (accepted_at, decision_id) {beyond} (fromUnixTimestamp64Milli({{ms:Int64}}, 'UTC'), {{id:String}})"

# A tenant's rows are read by the table's order, in narrow columns; the wide ones of a page's rows alone. The first
# record of the highest revision: the view `decisions` has that of every revision, and would read every tenant's.
_WAITING = """
SELECT
    decision_id AS review_id, application_id, revision, accepted_at, score_final, verification_result, basis,
    if(empty(principal_reasons), reasons[1].text, principal_reasons[1].text) AS first_reason
FROM loanstream.decisions_log
WHERE tenant = {{tenant:String}} AND (application_id, revision, kafka_offset) IN
(
    SELECT application_id, revision, kafka_offset
    FROM
    (
        SELECT application_id, revision, kafka_offset, decision_id, outcome, accepted_at
        FROM loanstream.decisions_log
        WHERE tenant = {{tenant:String}}
        ORDER BY application_id, revision DESC, kafka_offset
        LIMIT 1 BY application_id
    )
    WHERE outcome = 'refer' {begin} AND (application_id, revision) NOT IN
    (
        SELECT application_id, revision
        FROM loanstream.outcomes_log
        WHERE tenant = {{tenant:String}} AND kind = 'human_decision'
    )
    ORDER BY accepted_at {direction}, decision_id {direction}
    LIMIT {{limit:UInt32}}
)
ORDER BY accepted_at {direction}, decision_id {direction}
LIMIT 1 BY decision_id
"""

_REVISIONS = """
SELECT application_id, revision, decision_id, outcome, event
FROM loanstream.decisions_log
WHERE tenant = {tenant:String} AND application_id IN
(
    SELECT application_id FROM loanstream.decisions_log WHERE tenant = {tenant:String} AND decision_id = {id:String}
)
ORDER BY revision, kafka_offset
LIMIT 1 BY revision
"""

# The same content sent again is the same outcome, as in the view `outcomes`.
_OUTCOMES = """
SELECT kind, at, decision, actor, asserted_by, reason, kafka_topic, kafka_partition, kafka_offset
FROM loanstream.outcomes_log
WHERE tenant = {tenant:String} AND application_id = {application:String} AND revision = {revision:UInt32}
ORDER BY kafka_offset, kafka_partition
LIMIT 1 BY content_sha256
LIMIT 1000
"""


def _human(row: Row, *, counts: bool) -> HumanDecision:
    return HumanDecision(
        at=row["at"],
        decision=row["decision"],
        actor=row["actor"],
        asserted_by=row["asserted_by"],
        reason=row["reason"],
        place=str(Place(row["kafka_topic"], row["kafka_partition"], row["kafka_offset"])),
        counts=counts,
    )


def _milliseconds(moment: str) -> int:
    return ms_of_utc(datetime.fromisoformat(moment))
