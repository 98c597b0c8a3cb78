"""The box of dead letters: look, send back, discard. What is done with one is an event of its own; letters stay."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from loanstream.dlq.asked import EVERY_ONE, Asked
from loanstream.dlq.foresight import RECORD, Refusal, foreseen
from loanstream.dlq.letters import (
    Letter,
    LetterId,
    LetterProblem,
    handled_in,
    id_of,
    is_letters,
    letter_in,
    original,
    redriven_headers,
)
from loanstream.dlq.post import HANDLED, KafkaPost, Post, Record
from loanstream.dlq.redrive_position import RedrivePosition
from processors.identity import code_version
from processors.rejections import TOPIC as REJECTIONS
from processors.rejections import headers_of, key_of, withdrawal_of
from schemas.decode import Undecodable
from schemas.headers import child_traceparent, event_headers
from schemas.operations import DeadLetterHandled, Origin
from schemas.originals import original_headers, original_key, original_value
from schemas.records import Message, Partition
from schemas.topics import MIB
from schemas.values import rfc3339
from stores.topics import Bounds, KafkaTopics, TopicReader

RECORDS_AT_ONCE = 1_000
BYTES_AT_ONCE = 16 * MIB
"""How much goes in one transaction."""

FATES: dict[str, str] = {
    "redriven": "sent back",
    "recorded": "recorded after all",
    "discarded": "discarded",
    "to_record": "to be recorded; the warehouse may refuse some still",
    "refused": "kept, as each would be refused again (--force sends them)",
    "no_original": "kept, as they hold no original: have them sent again",
    "was_redriven": "sent back before (--force sends them once more)",
    "was_recorded": "recorded before",
    "was_discarded": "discarded before",
}
"""What becomes of a letter that a redrive or a discard is about."""

Action = Literal["redriven", "recorded", "discarded"]

DONE: Mapping[str, Action] = {"redriven": "redriven", "recorded": "recorded", "discarded": "discarded"}
"""Fates that are noted, and what the note calls them."""

RecordAgain = Callable[[Message], Undecodable | None]
"""Puts a record into the warehouse, where it is not yet; None once it is there, else why it is not."""

About = tuple[str, str]


class Fate(NamedTuple):
    """What becomes of a letter (a name of `FATES`), and why where the letter does not say it."""

    name: str
    why: str = ""


class Told(NamedTuple):
    """What letters share that are told of together."""

    fate: str
    tenant: str | None
    cause: str
    why: str


@dataclass
class Done:
    """What became of letters: how many of each kind, and the ids of those that something was done with."""

    told: Counter[Told] = field(default_factory=Counter)
    ids: list[LetterId] = field(default_factory=list)

    def note(self, letter: Letter, fate: Fate) -> None:
        """One more."""
        self.told[Told(fate.name, letter.letter.tenant, letter.letter.cause, fate.why)] += 1
        if fate.name in DONE:
            self.ids.append(letter.id)

    def count(self, fate: str) -> int:
        """How many letters of one fate."""
        return sum(number for told, number in self.told.items() if told.fate == fate)

    @property
    def sent(self) -> int:
        """How many were sent back to their topics."""
        return self.count("redriven")

    @property
    def kept(self) -> int:
        """How many nothing could be done with."""
        return self.count("refused") + self.count("no_original")


class DeadLetterBox:
    """The dead letters of a broker, as far as they are retained."""

    def __init__(
        self,
        topics: TopicReader,
        post: Post,
        record_again: RecordAgain | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._topics, self._post, self._record_again, self._now = topics, post, record_again, now
        self._known: frozenset[str] | None = None

    def letters(self, asked: Asked = EVERY_ONE) -> Iterator[Letter]:
        """The letters that are meant, up to the ends seen at the start, a partition after the other.

        Raises `TopicsUnreadable`.
        """
        for _, found in self._read(lambda topic: is_letters(topic, asked.tenant)):
            yield from (letter for letter in found if asked.means(letter))

    def letter(self, wanted: LetterId, tenant: str | None = None) -> Letter:
        """One letter, by where it lies or by the record it is about (the newest). LetterProblem where there is none."""
        (found,) = self._named([wanted], tenant)
        return found

    def thread(self, letter: Letter) -> list[Letter]:
        """All letters of the same stage about the same record and those it was sent back as; oldest first."""
        there = (found for _, part in self._read(letter.id.topic.__eq__) for found in part)
        return sorted(
            (found for found in there if found.thread == letter.thread), key=lambda found: (found.letter.at, found.id)
        )

    def redrive(
        self,
        asked: Asked = EVERY_ONE,
        only: Collection[LetterId] = (),
        *,
        actor: str = "loanstream",
        force: bool = False,
        dry_run: bool = False,
    ) -> Done:
        """Send back the letters that wait, or exactly those of `only`, each in one transaction with the note of it.

        What becomes a dead letter meanwhile is not sent: it ends with the ends seen at the start. With `force` also
        what would be refused again, and of `only` what was handled before. LetterProblem where one of `only` is absent.
        """
        return self._handle(asked, only, _Redrive(self._record_again, force, dry_run), _By(actor), dry_run=dry_run)

    def discard(
        self,
        asked: Asked = EVERY_ONE,
        only: Collection[LetterId] = (),
        *,
        actor: str,
        reason: str,
        dry_run: bool = False,
    ) -> Done:
        """Note of the letters that wait, or exactly of those of `only`, that nothing will be done with them, and why.

        One that was handled before stays as it is. LetterProblem where one of `only` is absent.
        """
        return self._handle(asked, only, _discard, _By(actor, reason), dry_run=dry_run)

    def would(self, letter: Letter) -> Fate:
        """What a redrive of this letter alone would do, without force."""
        return _Redrive(self._record_again, force=False, dry_run=True)(letter)

    def close(self) -> None:
        """Leave the broker."""
        self._topics.close()
        self._post.close()

    def _handle(
        self,
        asked: Asked,
        only: Collection[LetterId],
        fate_of: Callable[[Letter], Fate],
        by: "_By",
        *,
        dry_run: bool,
    ) -> Done:
        done, seen = Done(), set[About]()
        if not dry_run:
            # Before anything is read: whoever handled letters until now has committed or never will.
            self._post.open()
        meant = self._named(only, asked.tenant) if only else self.letters(replace(asked, waiting=True))
        with_records = _Batches(self._post, dry_run=dry_run)
        for letter in meant:
            if letter.about in seen:  # written twice, it is one letter
                continue
            seen.add(letter.about)
            fate = fate_of(letter)
            done.note(letter, fate)
            if fate.name in DONE:
                with_records.put(self._records(letter, fate, by))
        with_records.end()
        return done

    def _records(self, letter: Letter, fate: Fate, by: "_By") -> list[Record]:
        now = self._now()
        note = _note(letter, fate, by, now)
        if fate.name == "redriven":  # its stage tells the bank, once it takes the record
            return [_sent_back(letter), note]
        told = _withdrawn(letter, now) if fate.name == "recorded" else None
        return [note] if told is None or not self._exists(told.topic) else [told, note]

    def _exists(self, topic: str) -> bool:
        if self._known is None:
            self._known = frozenset(self._post.topics())
        return topic in self._known

    def _read(self, wanted: Callable[[str], bool]) -> Iterator[tuple[Partition, Iterator[Letter]]]:
        """The letters of each partition of the topics that are wanted."""
        bounds = self._topics.bounds([topic for topic in self._post.topics() if wanted(topic)])
        done, noted = self._done(), self._post.noted(list(bounds))
        for place, within in bounds.items():
            yield place, self._letters(place, within, done, noted.get(place))

    def _letters(
        self,
        place: Partition,
        within: Bounds,
        done: Mapping[About, Sequence[DeadLetterHandled]],
        noted: RedrivePosition | None,
    ) -> Iterator[Letter]:
        for message in self._topics.read(place, within):
            made = letter_in(message)
            if made is None:
                continue
            before = noted is not None and noted.holds(message.offset())
            letter = Letter(id_of(message), message.timestamp()[1], made, noted=before)
            yield replace(letter, done=tuple(done.get(letter.about, ())))

    def _done(self) -> Mapping[About, Sequence[DeadLetterHandled]]:
        """What was done with letters, in order, by what they are about."""
        found: dict[About, list[DeadLetterHandled]] = defaultdict(list)
        for place, within in self._topics.bounds([HANDLED]).items():
            for message in self._topics.read(place, within):
                event = handled_in(message)
                if event is not None:
                    origin = event.origin
                    found[f"{origin.topic}/{origin.partition}/{origin.offset}", event.stage].append(event)
        return found

    def _named(self, wanted: Collection[LetterId], tenant: str | None) -> list[Letter]:
        """The letters with these ids, in their order."""
        topics = {one.topic if is_letters(one.topic) else f"{one.topic}.dlq" for one in wanted}
        found: dict[str, Letter | None] = dict.fromkeys(map(str, wanted))
        for _, part in self._read(lambda topic: topic in topics and is_letters(topic, tenant)):
            for letter in part:
                # Of a letter about a letter the origin is an id, too: by an id the letter that lies there is meant.
                about = set() if is_letters(letter.letter.origin.topic) else {letter.origin}
                for name in found.keys() & {str(letter.id), *about}:
                    before = found[name]
                    if before is None or before.letter.at <= letter.letter.at:
                        found[name] = letter
        for name, lies_there in found.items():
            if lies_there is None:
                raise LetterProblem(f"no dead letter {name}{f' of {tenant}' if tenant else ''}; see dlq list")
        return [letter for letter in found.values() if letter is not None]


class _By(NamedTuple):
    actor: str
    reason: str | None = None


@dataclass(frozen=True)
class _Redrive:
    """The fate of a letter in a redrive; what is to be recorded is recorded by asking (unless it is `dry_run`)."""

    record_again: RecordAgain | None
    force: bool
    dry_run: bool

    def __call__(self, letter: Letter) -> Fate:
        if letter.state != "waiting" and not self.force:
            return Fate(f"was_{letter.state}")
        if not letter.has_original:
            return Fate("no_original")
        refusal = None if self.force else foreseen(letter.letter)
        if refusal is not None:
            return Fate("refused", str(refusal))
        return self._record(letter) if letter.letter.stage == RECORD else Fate("redriven")

    def _record(self, letter: Letter) -> Fate:
        # Its event was decided, or read downstream, long ago: on its topic it would be so twice.
        if self.dry_run:
            return Fate("to_record")
        if self.record_again is None:
            return Fate("refused", "no warehouse is at hand")
        fault = self.record_again(original(letter.letter))
        return Fate("recorded") if fault is None else Fate("refused", str(Refusal(fault.cause, fault.errors)))


def _discard(letter: Letter) -> Fate:
    return Fate("discarded" if letter.state == "waiting" else f"was_{letter.state}")


class _Batches:
    """Records that go together, in transactions of a bounded size."""

    def __init__(self, post: Post, *, dry_run: bool) -> None:
        self._post, self._dry_run = post, dry_run
        self._held: list[Record] = []
        self._bytes = 0

    def put(self, records: Sequence[Record]) -> None:
        """Records of one letter: they are never parted."""
        if self._dry_run:
            return
        self._held += records
        self._bytes += sum(len(one.value or b"") for one in records)
        if len(self._held) >= RECORDS_AT_ONCE or self._bytes > BYTES_AT_ONCE:
            self.end()

    def end(self) -> None:
        """What is left."""
        if self._held:
            self._post.send(self._held)
        self._held, self._bytes = [], 0


def _sent_back(letter: Letter) -> Record:
    made = letter.letter
    return Record(made.origin.topic, original_key(made), original_value(made), redriven_headers(made))


def _note(letter: Letter, fate: Fate, by: _By, now: datetime) -> Record:
    made, place = letter.letter, str(letter.id)
    event = DeadLetterHandled(
        tenant=made.tenant,
        letter=Origin(**letter.id._asdict(), timestamp_ms=letter.timestamp_ms),
        origin=made.origin,
        stage=made.stage,
        cause=made.cause,
        action=DONE[fate.name],
        actor=by.actor,
        reason=by.reason,
        at=now,
    )
    headers: list[Any] = event_headers(
        event="loan.dead_letter.handled",
        event_id=f"{place}/{len(letter.done) + 1}",
        source="loanstream/dlq",
        subject=place,
        time=rfc3339(now),
        traceparent=child_traceparent(original_headers(made), place, "dlq"),
    )
    return Record(HANDLED, place.encode(), event.model_dump_json().encode(), headers)


def _withdrawn(letter: Letter, now: datetime) -> Record | None:
    """What the bank is told of a record that is recorded after all; None where it was told nothing before."""
    told = withdrawal_of(letter.letter, now, code_version())
    if told is None:
        return None
    headers: list[Any] = headers_of(told, "dlq", original_headers(letter.letter))
    return Record(REJECTIONS.name(told.tenant), key_of(told), told.model_dump_json().encode(), headers)


def kafka_box(bootstrap: str, security: Mapping[str, str], record_again: RecordAgain | None = None) -> DeadLetterBox:
    """The box of a broker; close it."""
    return DeadLetterBox(KafkaTopics(bootstrap, security), KafkaPost(bootstrap, security), record_again)
