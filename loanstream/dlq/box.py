"""Dead letters for people: list them, look at one, send them back to where they came from."""

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from loanstream.dlq.redrive_position import NoRoomForOffsets, RedrivePosition
from schemas.decode import Undecodable, decode
from schemas.headers import ATTEMPTS
from schemas.operations import DeadLetter
from schemas.problem import Problem
from schemas.records import MemoryMessage, Message
from schemas.topics import RECORD_MAX_BYTES, topic_of
from stores.topics import TO_THE_END, Bounds, TopicsUnreadable, read_within

GROUP = "dlq-redrive"
"""Its committed offsets, and their metadata, say what was redriven already."""

ANSWER_S = 15.0
LETTERS_AT_ONCE = 500
RECORD_STAGE = "record"


class LetterId(NamedTuple):
    """Where a dead letter lies. Written `topic/partition/offset`, as `dlq list` shows it.

    >>> str(LetterId.parse("loan.applications.v1.bank-a.dlq/0/5"))
    'loan.applications.v1.bank-a.dlq/0/5'
    """

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "LetterId":
        """The id that `text` writes. LetterProblem for anything else."""
        match text.split("/"):
            case [topic, partition, offset] if topic and partition.isdecimal() and offset.isdecimal():
                return cls(topic, int(partition), int(offset))
            case _:
                raise LetterProblem(f"{text!r} is no dead letter's id; expected topic/partition/offset, see dlq list")

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class LetterProblem(Problem):
    """A dead letter that is asked for by a wrong id, or that is not there; one line for a person."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with the place it lies at, by which `dlq show` and `dlq redrive --id` ask for it."""

    id: LetterId
    letter: DeadLetter
    redriven: bool


@dataclass
class Redriven:
    """What a redrive did: letters sent back, letters recorded after all, and those that neither can be done with.

    `forgotten` are those of the last that the next redrive will not try, as too many are waiting to remember them all.
    """

    sent: int = 0
    recorded: int = 0
    not_redrivable: int = 0
    forgotten: int = 0


RecordAgain = Callable[[Message], bool]
"""Puts a record into the warehouse that refused it before; whether it is there now."""


class DeadLetterBox:
    """The dead letters of a broker, as far as they are retained."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], record_again: RecordAgain | None = None) -> None:
        self._connection = {**security, "bootstrap.servers": bootstrap, "log_level": 2}
        self._record_again = record_again

    def letters(self, tenant: str | None = None) -> Iterator[Letter]:
        """Every dead letter up to the ends seen at the start, a partition after the other."""
        consumer = self._consumer()
        try:
            for part in _parts(consumer, tenant):
                for message in _read(consumer, part, part.first):
                    letter = _letter(message)
                    if letter is not None:
                        place = LetterId(part.topic, part.partition, message.offset())
                        yield Letter(place, letter, _was_redriven(part, place.offset, letter))
        finally:
            consumer.close()

    def letter(self, wanted: LetterId) -> Letter:
        """One dead letter. LetterProblem where none lies there."""
        consumer = self._consumer()
        try:
            part, message = _find(consumer, _parts(consumer, None), wanted)
            letter = _letter(message)
            if letter is None:
                raise LetterProblem(f"no dead letter {wanted}; see dlq list")
            return Letter(wanted, letter, _was_redriven(part, wanted.offset, letter))
        finally:
            consumer.close()

    def redrive(self, tenant: str | None = None, only: LetterId | None = None) -> Redriven:
        """Send back what was not sent back yet, in transactions with the offsets that say so.

        What becomes a dead letter meanwhile is not sent: it ends with the ends seen at the start. What is refused again
        waits for the next redrive.
        With `only` exactly that letter, whether it was redriven before or not; LetterProblem where none lies there.
        """
        done = Redriven()
        consumer, producer = self._consumer(), self._producer()
        try:
            producer.init_transactions(30)
            parts = _parts(consumer, tenant)
            if only is None:
                for part in parts:
                    self._redrive_waiting(producer, consumer, part, done)
            else:
                self._redrive_one(producer, consumer, *_find(consumer, parts, only, tenant), done)
        finally:
            consumer.close()
        return done

    def _redrive_waiting(self, producer: Any, consumer: Any, part: "_Part", done: Redriven) -> None:
        records = _read(consumer, part, part.redriven.first_waiting)
        refused: set[int] = set()
        while batch := list(islice(records, LETTERS_AT_ONCE)):
            with _transaction(producer):
                for message in batch:
                    if part.redriven.holds(message.offset()):
                        continue
                    letter = _letter(message)
                    if not self._send_one(producer, letter, done) and _has_original(letter):
                        refused.add(message.offset())
                tried = part.redriven.tried(batch[-1].offset() + 1, refused)
                _commit(producer, consumer, part, tried)
            done.forgotten += len(refused - tried.refused)
            refused &= tried.refused

    def _redrive_one(self, producer: Any, consumer: Any, part: "_Part", message: Any, done: Redriven) -> None:
        with _transaction(producer):
            if self._send_one(producer, _letter(message), done):
                _commit(producer, consumer, part, part.redriven.with_one(message.offset()))

    def _send_one(self, producer: Any, letter: DeadLetter | None, done: Redriven) -> bool:
        """Whether it was sent back or recorded."""
        if letter is None or not _has_original(letter):
            done.not_redrivable += 1
            return False
        if letter.stage == RECORD_STAGE:
            # Its event was decided, or read downstream, long ago: on its topic it would be so twice.
            recorded = self._record_again is not None and self._record_again(_original(letter))
            done.recorded += recorded
            done.not_redrivable += not recorded
            return recorded
        producer.produce(
            letter.origin.topic,
            key=_bytes(letter.key_base64),
            value=_bytes(letter.value_base64),
            headers=_headers(letter),
        )
        producer.poll(0)
        done.sent += 1
        return True

    def _consumer(self) -> Any:
        return Consumer(
            {
                **self._connection,
                "group.id": GROUP,
                **TO_THE_END,
                "auto.offset.reset": "earliest",
            }
        )

    def _producer(self) -> Any:
        return Producer(
            {
                **self._connection,
                "transactional.id": GROUP,
                "message.max.bytes": RECORD_MAX_BYTES,
                "retry.backoff.ms": 5,
            }
        )


@dataclass(frozen=True, slots=True)
class _Part:
    """A partition of dead letters as it stood at the start: it holds the offsets from `first` to below `end`."""

    topic: str
    partition: int
    first: int
    end: int
    redriven: RedrivePosition


def _parts(consumer: Any, tenant: str | None) -> list[_Part]:
    """The partitions of the dead letter topics, seen before any is read: what is sent back may return as a letter."""
    found = consumer.list_topics(timeout=ANSWER_S).topics
    names = [name for name in sorted(found) if _has_letters(name, tenant)]
    places = [TopicPartition(name, number) for name in names for number in sorted(found[name].partitions)]
    return [_part(consumer, committed) for committed in consumer.committed(places, timeout=ANSWER_S)] if places else []


def _part(consumer: Any, committed: TopicPartition) -> _Part:
    place = TopicPartition(committed.topic, committed.partition)
    first, end = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
    try:
        noted = RedrivePosition.read(committed.offset, committed.metadata)
    except ValueError:
        raise TopicsUnreadable(f"group {GROUP} has a foreign note on {place.topic}/{place.partition}") from None
    # What retention took needs no mention any more.
    return _Part(place.topic, place.partition, first, end, noted.without_below(first))


def _was_redriven(part: _Part, offset: int, letter: DeadLetter) -> bool:
    # A redrive passes a letter without its original, since nothing could ever be sent of it.
    return _has_original(letter) and part.redriven.holds(offset)


def _has_original(letter: DeadLetter | None) -> bool:
    return letter is not None and letter.value_base64 is not None


def _has_letters(name: str, tenant: str | None) -> bool:
    try:
        topic, owner = topic_of(name)
    except LookupError:
        return False
    return topic.is_dlq and tenant in (None, owner)


def _find(consumer: Any, parts: Iterable[_Part], wanted: LetterId, tenant: str | None = None) -> tuple[_Part, Any]:
    """The record at a place. LetterProblem where retention, or a transaction's marker, left none there."""
    for part in parts:
        if (part.topic, part.partition) == wanted[:2]:
            message = next(_read(consumer, part, wanted.offset), None)
            if message is not None and message.offset() == wanted.offset:
                return part, message
    raise LetterProblem(f"no dead letter {wanted}{f' of {tenant}' if tenant else ''}; see dlq list")


def _read(consumer: Any, part: _Part, start: int) -> Iterator[Any]:
    """The records of `part` from the offset `start` on. Raises `TopicsUnreadable`."""
    return read_within(consumer, (part.topic, part.partition), Bounds(max(start, part.first), part.end))


@contextmanager
def _transaction(producer: Any) -> Iterator[None]:
    """All that is produced and committed within, or nothing of it."""
    producer.begin_transaction()
    try:
        yield
        producer.commit_transaction(30)
    except Exception:
        producer.abort_transaction(30)
        raise


def _commit(producer: Any, consumer: Any, part: _Part, redriven: RedrivePosition) -> None:
    try:
        position = TopicPartition(part.topic, part.partition, redriven.below, redriven.metadata)
    except NoRoomForOffsets:
        raise LetterProblem(
            f"too many letters of {part.topic}/{part.partition} were sent back one by one to remember another; "
            "send all that wait with: loanstream dlq redrive"
        ) from None
    producer.send_offsets_to_transaction([position], consumer.consumer_group_metadata(), 30)


def _letter(message: Any) -> DeadLetter | None:
    try:
        return decode(DeadLetter, message.value())
    except Undecodable:
        return None


def _original(letter: DeadLetter) -> Message:
    """The record as it stood in its topic."""
    origin = letter.origin
    headers = [(header.name, _bytes(header.value_base64) or b"") for header in letter.headers or ()]
    key, value = _bytes(letter.key_base64), _bytes(letter.value_base64)
    return MemoryMessage(origin.topic, origin.partition, origin.offset, key, value, headers, (2, origin.timestamp_ms))


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    kept = [(header.name, _bytes(header.value_base64)) for header in letter.headers or () if header.name != ATTEMPTS]
    return [*kept, (ATTEMPTS, str(letter.attempts).encode())]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
