"""The whole story of one application: what was claimed and found, what was decided and why, how long it took."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.plain import rows
from stores.warehouse.sealed import opened

Record = dict[str, Any]

NOT_READABLE = "(not readable with this column key)"

_STEPS = (
    ("waited for verify", "accepted_at", "verify_started_at"),
    ("verify", "verify_started_at", "verify_finished_at"),
    ("waited for score", "verify_finished_at", "score_started_at"),
    ("score", "score_started_at", "score_finished_at"),
    ("in all", "accepted_at", "score_finished_at"),
)


@dataclass(slots=True)
class Chapter:
    """One revision. `verified` is the whole verified event, `application` alone where it was never verified;
    `decision` the one that counts, `repeats` the records that said the same again, `conflicting` those that did not.
    """

    tenant: str
    application_id: str
    revision: int
    application: Record | None = None
    verified: Record | None = None
    decision: Record | None = None
    repeats: int = 0
    conflicting: list[Record] = field(default_factory=list)
    outcomes: list[Record] = field(default_factory=list)

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


def story(client: Any, cipher: ColumnCipher, application_id: str, tenant: str | None = None) -> Story:
    """What the warehouse knows about `application_id` (of `tenant`, or of every tenant that has one)."""
    teller = _Teller(client, cipher, application_id, tenant)
    return Story(application_id, teller.chapters(), teller.of("dead_letters", "at, stage"))


class _Teller:
    def __init__(self, client: Any, cipher: ColumnCipher, application_id: str, tenant: str | None) -> None:
        self._client, self._cipher = client, cipher
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
        told: dict[tuple[str, int], Chapter] = {}

        def chapter(row: Record) -> Chapter:
            place = (row["tenant"], row["revision"])
            return told.setdefault(place, Chapter(row["tenant"], row["application_id"], row["revision"]))

        for row in self.of("applications_log"):
            found = chapter(row)
            found.application = found.application or self._with_person(row)
        for row in self.of("decisions_log"):
            _decided(chapter(row), orjson.loads(row["event"]))
        for row in self.of("verifications_log"):
            self._verified(chapter(row), row)
        for row in self.of("outcomes", "tenant, revision, at"):
            chapter(row).outcomes.append(row)
        return [told[place] for place in sorted(told)]

    def _with_person(self, row: Record) -> Record:
        personal = self._open("applications_log", row)
        return {**row, "personal_encrypted": None, "personal": personal}

    def _verified(self, chapter: Chapter, row: Record) -> None:
        """Of several verified events that one is told that became the decision."""
        event = self._open("verifications_log", row)
        accepted_at = chapter.decision["accepted_at"] if chapter.decision else None
        if chapter.verified is None or (isinstance(event, dict) and event.get("accepted_at") == accepted_at):
            chapter.verified = event if isinstance(event, dict) else {"unreadable": event}

    def _open(self, table: str, row: Record) -> Record | str:
        try:
            plain: Record = orjson.loads(opened(table, row, self._cipher))
        except SealBroken:
            return NOT_READABLE
        return plain


def _decided(chapter: Chapter, decision: Record) -> None:
    """The first record is the decision."""
    if chapter.decision is None:
        chapter.decision = decision
    elif decision["decision_id"] == chapter.decision["decision_id"]:
        chapter.repeats += 1
    else:
        chapter.conflicting.append(decision)


def _milliseconds(begin: str, end: str) -> float:
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() * 1000, 3)
