"""Was each bank told of its rejected records, once and rightly? Letters against the topic of rejections.

A letter says whether its sender was told, and what it was told follows from the letter alone. Verify writes both in one
transaction, so there is one rejection for each letter. Record has none: after a crash it may write both again, so there
is at least one. What is read is what stood there at the start; what came since only completes it.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from loanstream.ask.difference import Difference, Kind
from processors.rejections import TOPIC, is_told, rejection_of
from schemas.decode import Undecodable, decode_own
from schemas.headers import header
from schemas.operations import DeadLetter
from schemas.records import Message, Partition, Place
from schemas.rejections import RecordRejected
from schemas.topics import TOPICS
from stores.topics import Bounds, TopicReader

LETTERS = ("applications_dlq", "outcomes_dlq")
"""Topic families of the letters of which banks are told."""

ONCE = "applications"
"""The family whose letters and rejections are written in one transaction."""

TABLE = "rejections"
WITHDRAWN = TOPIC.beside[0].encode()
_POLL_S = 0.1

Turn = tuple[Place, int]
"""Where a bank's record stands, and which processing of it is meant."""


class _Said(NamedTuple):
    """What was to be told, or was; and where that stands."""

    digest: bytes
    application_id: str | None
    place: Place


@dataclass(slots=True)
class Told:
    """`counts`: rejections and withdrawals on the topic, and letters of a sender's making whose sender was not told."""

    differences: list[Difference] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


def told(topics: TopicReader, tenant: str, patience_s: float) -> Told:
    """Hold a tenant's letters against its rejections. Raises `TopicsUnreadable`."""
    books = _Books(tenant)
    names = [TOPICS[key].name(tenant) for key in LETTERS]
    bounds = topics.bounds(names)
    bounds |= topics.bounds([TOPIC.name(tenant)])
    for partition, within in bounds.items():
        for message in topics.read(partition, within):
            books.enter(message)
    whole = all(within.low == 0 for (topic, _), within in bounds.items() if topic in names)
    deadline = time.monotonic() + patience_s
    while books.are_open(whole=whole) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
        for message in _since(topics, bounds, [*names, TOPIC.name(tenant)]):
            books.enter(message, late=True)
            deadline = time.monotonic() + patience_s
    return Told(list(books.differences(whole=whole)), books.counts)


def _since(topics: TopicReader, bounds: dict[Partition, Bounds], names: list[str]) -> Iterator[Message]:
    """What has come behind `bounds`, which move on."""
    for partition, now in topics.bounds(names).items():
        known = bounds.get(partition, Bounds(0, 0))
        yield from topics.read(partition, Bounds(known.end, now.end))
        bounds[partition] = Bounds(known.low, max(known.end, now.end))


class _Books:
    """What was to be told and what was, by the record it is about."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._due: dict[Turn, list[_Said]] = defaultdict(list)
        self._said: dict[Turn, list[_Said]] = defaultdict(list)
        self._late_due: dict[Turn, list[_Said]] = defaultdict(list)
        self._late_said: dict[Turn, list[_Said]] = defaultdict(list)
        self.counts: Counter[str] = Counter()

    def enter(self, message: Message, *, late: bool = False) -> None:
        """A letter or what was told; `late` is what came after the start."""
        if message.topic() == TOPIC.name(self._tenant):
            self._enter_told(message, late=late)
        else:
            self._enter_letter(message, late=late)

    def _enter_letter(self, message: Message, *, late: bool) -> None:
        try:
            letter = decode_own(DeadLetter, message.value())
        except Undecodable:
            return
        due = rejection_of(letter)
        if due is not None and letter.sender_told:
            _put(self._late_due if late else self._due, due, message)
        elif is_told(letter.origin.topic, letter.cause) and not late:
            self.counts["not_told"] += 1

    def _enter_told(self, message: Message, *, late: bool) -> None:
        withdrawn = header(message.headers(), "ce_type") == WITHDRAWN
        if not late:
            self.counts["withdrawn" if withdrawn else "rejected"] += 1
        if withdrawn:
            return
        try:
            found = decode_own(RecordRejected, message.value())
        except Undecodable:
            return
        _put(self._late_said if late else self._said, found, message)

    def are_open(self, *, whole: bool) -> bool:
        """Whether something is still to come: its transaction's end may reach one topic before another."""
        return next(self.differences(whole=whole), None) is not None

    def differences(self, *, whole: bool) -> Iterator[Difference]:
        """What was not told, told otherwise, or told too often. `whole` says that no letter has been deleted by
        retention: only then is a rejection without a letter one too many.
        """
        for turn in self._due.keys() | self._said.keys():
            yield from self._of(turn, whole=whole)

    def _of(self, turn: Turn, *, whole: bool) -> Iterator[Difference]:
        once = TOPICS[ONCE].tenant_of(turn[0].topic) is not None
        due, said = self._due.get(turn, []), self._said.get(turn, [])
        all_due, all_said = due + self._late_due.get(turn, []), said + self._late_said.get(turn, [])
        lost, more = _less(due, all_said), _less(said, all_due)
        known = {one.digest for one in all_due}
        if not once and known & {one.digest for one in all_said}:
            return  # written again after a crash, each with its own moment
        strange = [one for one in more if one.digest not in known]
        found: dict[Kind, list[_Said]] = {
            "duplicated": [one for one in more if one.digest in known],
            "altered": strange[: len(lost)],
            "extra": strange[len(lost) :] if whole else [],
            "lost": lost[len(strange) :],
        }
        for kind, those in found.items():
            yield from (self._difference(kind, one) for one in those)

    def _difference(self, kind: Kind, one: _Said) -> Difference:
        return Difference(kind, TABLE, self._tenant, one.application_id, None, *one.place)


def _put(books: Mapping[Turn, list[_Said]], what: RecordRejected, message: Message) -> None:
    origin = what.origin
    turn = Place(origin.topic, origin.partition, origin.offset), what.attempts
    digest = blake2b(what.model_dump_json().encode(), digest_size=12).digest()
    place = Place(message.topic(), message.partition(), message.offset())
    books[turn].append(_Said(digest, what.application_id, place))


def _less(some: list[_Said], others: list[_Said]) -> list[_Said]:
    """Those of `some` that have no equal among `others`, one for one."""
    left = Counter(one.digest for one in others)
    rest = []
    for one in some:
        if left[one.digest]:
            left[one.digest] -= 1
        else:
            rest.append(one)
    return rest
