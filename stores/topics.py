"""Reading topics as they stood at one moment: a port, Kafka behind it, and its twin in memory."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.problem import Problem
from schemas.records import Message, Partition
from schemas.stages import STAGES
from stores.unreadable import EndNotFound, UnreadableBatch, as_read, holds_up, unreadable_batch

_ANSWER_S = 30.0


class Bounds(NamedTuple):
    """The offsets `[low, end)` that a partition holds; every transaction below `end` is over."""

    low: int
    end: int


class TopicsUnreadable(Problem):
    """The broker did not give what was asked of it."""


class TopicReader(Protocol):
    """Topics as a read_committed consumer sees them."""

    def bounds(self, topics: Iterable[str]) -> dict[Partition, Bounds]:
        """What each partition of `topics` holds now; a topic that does not exist has none."""
        ...

    def read(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The committed records within `bounds`, in order."""
        ...

    def recorded(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The offset up to which the record stage has written each partition into the warehouse."""
        ...

    def close(self) -> None:
        """Let go of the broker."""
        ...


TO_THE_END: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    # The end of a partition is told after an empty fetch: with the default each would take half a second.
    "fetch.wait.max.ms": 10,
    "fetch.error.backoff.ms": 10,  # paid by each look for the end of a batch that cannot be unpacked
    "isolation.level": "read_committed",
    # librdkafka writes to stderr; what matters of it comes back as an error.
    "log_level": 2,
}
"""Settings of a consumer for `read_within`."""


def read_within(consumer: Any, partition: Partition, bounds: Bounds) -> Iterator[Message]:
    """The committed records within `bounds`, by a consumer with the settings TO_THE_END, which is assigned to that
    partition; an `Unreadable` for each that the client library cannot hand over. Raises `TopicsUnreadable` after 30 s
    without an answer.
    """
    if bounds.low >= bounds.end:
        return
    consumer.assign([TopicPartition(*partition, bounds.low)])
    at, heard = bounds.low, time.monotonic()
    while True:
        message = consumer.poll(1.0)
        if message is None:
            if time.monotonic() - heard > _ANSWER_S:
                raise TopicsUnreadable(f"{partition[0]}[{partition[1]}] gives no records")
            continue
        heard = time.monotonic()
        error = message.error()
        if (error is not None or message.offset() >= bounds.end) and holds_up(consumer, message):
            batch = _unreadable(consumer, message, at)
            yield from batch.records(at, bounds.end)
            if batch.end >= bounds.end:
                return
            at = batch.end
            consumer.assign([TopicPartition(*partition, at)])
            continue
        # A partition may end in transaction markers: then its end comes without a last record.
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
            raise TopicsUnreadable(f"{partition[0]}[{partition[1]}]: {error.str()}")
        if error is None and message.offset() < bounds.end:
            at = message.offset() + 1
            yield as_read(message)
        if error is not None or message.offset() >= bounds.end - 1:
            return


def _unreadable(consumer: Any, told: Any, at: int) -> UnreadableBatch:
    try:
        return unreadable_batch(consumer, told, at)
    except KafkaException as error:
        raise TopicsUnreadable(f"{told.topic()}[{told.partition()}]: {error.args[0].str()}") from None
    except EndNotFound as error:
        raise TopicsUnreadable(str(error)) from None


class KafkaTopics:
    """A broker's topics; reads without joining a group."""

    def __init__(self, bootstrap: str, security: Mapping[str, str]) -> None:
        self._consumer: Any = Consumer(
            {
                **security,
                "bootstrap.servers": bootstrap,
                "group.id": STAGES["record"].group,  # its offsets are looked up; nothing is subscribed or committed
                **TO_THE_END,
                "auto.offset.reset": "error",
            }
        )

    def bounds(self, topics: Iterable[str]) -> dict[Partition, Bounds]:
        """What each partition holds now. Raises `TopicsUnreadable`."""
        try:
            known = self._consumer.list_topics(timeout=_ANSWER_S).topics
            return {
                (topic, number): Bounds(
                    *self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ANSWER_S)
                )
                for topic in topics
                if topic in known
                for number in sorted(known[topic].partitions)
            }
        except KafkaException as error:
            raise TopicsUnreadable(f"the broker does not tell its offsets: {error.args[0].str()}") from None

    def read(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The committed records within `bounds`. Raises `TopicsUnreadable` after 30 s without an answer."""
        yield from read_within(self._consumer, partition, bounds)

    def recorded(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The record group's committed offsets."""
        try:
            found = self._consumer.committed([TopicPartition(*place) for place in partitions], timeout=_ANSWER_S)
        except KafkaException as error:
            raise TopicsUnreadable(f"the broker does not tell what is recorded: {error.args[0].str()}") from None
        return {(place.topic, place.partition): place.offset for place in found}

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


class MemoryTopics:
    """The twin in memory: records by partition, everything recorded."""

    def __init__(self, records: Mapping[Partition, Sequence[Message]]) -> None:
        self.records: dict[Partition, list[Message]] = {place: list(found) for place, found in records.items()}

    def bounds(self, topics: Iterable[str]) -> dict[Partition, Bounds]:
        """From the first record to one after the last."""
        wanted = set(topics)
        return {
            place: Bounds(found[0].offset(), found[-1].offset() + 1) if found else Bounds(0, 0)
            for place, found in self.records.items()
            if place[0] in wanted
        }

    def read(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The records within `bounds`."""
        return (record for record in self.records[partition] if bounds.low <= record.offset() < bounds.end)

    def recorded(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """All of them."""
        ends: dict[str, Any] = {topic: None for topic, _ in partitions}
        return {place: bounds.end for place, bounds in self.bounds(ends).items()}

    def close(self) -> None:
        """Nothing is held."""
