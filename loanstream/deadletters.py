"""Dead letters for people: list them, look at one, send them back to where they came from."""

import base64
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from processors.transport.messages import MemoryMessage, Message
from schemas.decode import Undecodable, decode
from schemas.headers import ATTEMPTS
from schemas.operations import DeadLetter
from schemas.topics import RECORD_MAX_BYTES, topic_of

GROUP = "dlq-redrive"
"""Its committed offsets say what was redriven already."""

BATCH = 500
RECORD = "record"


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


class LetterProblem(ValueError):
    """A dead letter that is asked for by a wrong id, or that is not there; one line for a person."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter with the place it lies at, by which `dlq show` and `dlq redrive --id` ask for it."""

    id: LetterId
    letter: DeadLetter
    redriven: bool


@dataclass
class Redriven:
    """What a redrive did: letters sent back, letters recorded after all, and those that neither can be done with."""

    sent: int = 0
    recorded: int = 0
    not_redrivable: int = 0


RecordAgain = Callable[[Message], bool]
"""Puts a record into the warehouse that refused it before; whether it is there now."""


class DeadLetterBox:
    """The dead letters of a broker, as far as they are retained."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], record_again: RecordAgain | None = None) -> None:
        # librdkafka writes to stderr; what matters of it comes back as an error.
        self._connection = {**security, "bootstrap.servers": bootstrap, "log_level": 2}
        self._record_again = record_again

    def letters(self, tenant: str | None = None) -> Iterator[Letter]:
        """Every dead letter up to the ends seen at the start, a partition after the other."""
        consumer = self._consumer()
        try:
            for partition, redriven_to in self._partitions(consumer, tenant):
                for message in _read(consumer, partition):
                    letter = _letter(message)
                    if letter is not None:
                        place = LetterId(partition.topic, partition.partition, message.offset())
                        yield Letter(place, letter, place.offset < redriven_to)
        finally:
            consumer.close()

    def letter(self, wanted: LetterId) -> Letter:
        """One dead letter. LetterProblem where none lies there."""
        consumer = self._consumer()
        try:
            for partition, redriven_to in self._partitions(consumer, None):
                letter = _letter(_at(consumer, wanted)) if _holds(partition, wanted) else None
                if letter is not None:
                    return Letter(wanted, letter, wanted.offset < redriven_to)
        finally:
            consumer.close()
        raise LetterProblem(f"no dead letter {wanted}; see dlq list")

    def redrive(self, tenant: str | None = None, only: LetterId | None = None) -> Redriven:
        """Send back what was not sent back yet, in transactions with the offsets that say so.

        With `only` exactly that letter, whether it was redriven before or not; LetterProblem where none lies there.
        """
        done = Redriven()
        consumer, producer = self._consumer(), self._producer()
        try:
            producer.init_transactions(30)
            for batch in self._of_one(consumer, tenant, only) if only else self._waiting(consumer, tenant):
                self._send(producer, consumer, batch, done, moves_on=only is None)
        finally:
            consumer.close()
        return done

    def _waiting(self, consumer: Any, tenant: str | None) -> Iterator[list[Any]]:
        """The records that were not sent back yet, in batches of one partition each."""
        for partition, redriven_to in self._partitions(consumer, tenant):
            partition.offset = redriven_to
            records = _read(consumer, partition)
            while batch := list(islice(records, BATCH)):
                yield batch

    def _of_one(self, consumer: Any, tenant: str | None, only: LetterId) -> Iterator[list[Any]]:
        found = [_at(consumer, only) for partition, _ in self._partitions(consumer, tenant) if _holds(partition, only)]
        if not any(found):
            raise LetterProblem(f"no dead letter {only}{f' of {tenant}' if tenant else ''}; see dlq list")
        yield found

    def _send(self, producer: Any, consumer: Any, batch: list[Any], done: Redriven, *, moves_on: bool) -> None:
        producer.begin_transaction()
        try:
            for message in batch:
                self._send_one(producer, _letter(message), done)
            if moves_on:
                last = batch[-1]
                position = TopicPartition(last.topic(), last.partition(), last.offset() + 1)
                producer.send_offsets_to_transaction([position], consumer.consumer_group_metadata(), 30)
            producer.commit_transaction(30)
        except KafkaException:
            producer.abort_transaction(30)
            raise

    def _send_one(self, producer: Any, letter: DeadLetter | None, done: Redriven) -> None:
        if letter is None or letter.value_base64 is None:
            done.not_redrivable += 1
        elif letter.stage == RECORD:
            # Its event was decided, or read downstream, long ago: on its topic it would be so twice.
            if self._record_again is not None and self._record_again(_original(letter)):
                done.recorded += 1
            else:
                done.not_redrivable += 1
        else:
            producer.produce(
                letter.origin.topic,
                key=_bytes(letter.key_base64),
                value=_bytes(letter.value_base64),
                headers=_headers(letter),
            )
            producer.poll(0)
            done.sent += 1

    def _consumer(self) -> Any:
        return Consumer(
            {
                **self._connection,
                "group.id": GROUP,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                # The end of a partition is told after an empty fetch: with the default each would take half a second.
                "fetch.wait.max.ms": 10,
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

    def _partitions(self, consumer: Any, tenant: str | None) -> Iterator[tuple[TopicPartition, int]]:
        """The partitions of the dead letter topics, each with the offset up to which it was redriven."""
        found = consumer.list_topics(timeout=15).topics
        for name in sorted(name for name in found if name.endswith(".dlq")):
            try:
                topic, owner = topic_of(name)
            except LookupError:
                continue
            if not topic.is_dlq or (tenant is not None and owner != tenant):
                continue
            wanted = [TopicPartition(name, number) for number in sorted(found[name].partitions)]
            for committed in consumer.committed(wanted, timeout=15):
                yield TopicPartition(name, committed.partition, 0), max(committed.offset, 0)


def _holds(partition: TopicPartition, wanted: LetterId) -> bool:
    return (partition.topic, partition.partition) == wanted[:2]


def _at(consumer: Any, wanted: LetterId) -> Any:
    """The record at a place; None where retention, or a transaction's marker, left none there."""
    first = next(_read(consumer, TopicPartition(*wanted)), None)
    return first if first is not None and first.offset() == wanted.offset else None


def _read(consumer: Any, partition: TopicPartition) -> Iterator[Any]:
    """The records from `partition.offset` to the end seen now."""
    first, end = consumer.get_watermark_offsets(partition, timeout=15)
    partition.offset = max(partition.offset, first)
    if partition.offset >= end:
        return
    consumer.assign([partition])
    while True:
        message = consumer.poll(15)
        if message is None:
            raise TimeoutError(f"the broker stopped answering while {partition.topic} was read")
        if message.error() is not None:
            if message.error().name() == "_PARTITION_EOF":
                return
            raise KafkaException(message.error())
        if message.offset() >= end:
            return
        yield message


def _letter(message: Any) -> DeadLetter | None:
    if message is None:
        return None
    try:
        return decode(DeadLetter, message.value())
    except Undecodable:
        return None


def _original(letter: DeadLetter) -> Message:
    """The record as it stood in its topic."""
    origin = letter.origin
    headers = [(header.name, _bytes(header.value_base64) or b"") for header in letter.headers]
    key, value = _bytes(letter.key_base64), _bytes(letter.value_base64)
    return MemoryMessage(origin.topic, origin.partition, origin.offset, key, value, headers, (2, origin.timestamp_ms))


def _headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    kept = [(header.name, _bytes(header.value_base64)) for header in letter.headers if header.name != ATTEMPTS]
    return [*kept, (ATTEMPTS, str(letter.attempts).encode())]


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
