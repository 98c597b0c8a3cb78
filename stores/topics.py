"""Reading topics as they stood at one moment: a port, Kafka behind it, and its twin in memory."""

import time
from bisect import bisect_left
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


class RetentionMoved(TopicsUnreadable):
    """What was to be read next is no longer there: `partition` begins at the offset `low` by now."""

    def __init__(self, partition: Partition, low: int) -> None:
        super().__init__(
            f"retention took records of {partition[0]}[{partition[1]}] while they were read: it begins at {low} now; "
            "run it again"
        )
        self.partition, self.low = partition, low


class TopicReader(Protocol):
    """Topics as a read_committed consumer sees them."""

    def bounds(self, topics: Iterable[str]) -> dict[Partition, Bounds]:
        """What each partition of `topics` holds now; a topic that does not exist has none."""
        ...

    def read(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The committed records within `bounds`, in order. RetentionMoved where the next ones are gone."""
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


def read_within(consumer: Any, partition: Partition, bounds: Bounds, answer_s: float = _ANSWER_S) -> Iterator[Message]:
    """The committed records within `bounds`, by a consumer with the settings TO_THE_END, which is assigned to that
    partition; an `Unreadable` for each that the client library cannot hand over. Raises `TopicsUnreadable` after
    `answer_s` seconds without an answer, `RetentionMoved` where the next record is gone.
    """
    if bounds.low >= bounds.end:
        return
    consumer.assign([TopicPartition(*partition, bounds.low)])
    at, heard = bounds.low, time.monotonic()
    while True:
        message = consumer.poll(1.0)
        if message is None:
            if time.monotonic() - heard > answer_s:
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
        if error is not None:
            _check_is_the_end(consumer, partition, at, error)
        if error is None and message.offset() < bounds.end:
            at = message.offset() + 1
            yield as_read(message)
        if error is not None or message.offset() >= bounds.end - 1:
            return


def _check_is_the_end(consumer: Any, partition: Partition, at: int, error: Any) -> None:
    """A partition may end in transaction markers: then its end comes without a last record."""
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - that is how confluent_kafka names client errors
        return
    if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001
        _check_still_there(consumer, partition, at)
    raise TopicsUnreadable(f"{partition[0]}[{partition[1]}]: {error.str()}")


def _check_still_there(consumer: Any, partition: Partition, at: int) -> None:
    try:
        low, _ = consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_ANSWER_S)
    except KafkaException as error:
        raise TopicsUnreadable(f"{partition[0]}[{partition[1]}]: {error.args[0].str()}") from None
    if low > at:
        raise RetentionMoved(partition, low)


def _unreadable(consumer: Any, told: Any, at: int) -> UnreadableBatch:
    try:
        return unreadable_batch(consumer, told, at)
    except KafkaException as error:
        raise TopicsUnreadable(f"{told.topic()}[{told.partition()}]: {error.args[0].str()}") from None
    except EndNotFound as error:
        raise TopicsUnreadable(str(error)) from None


class KafkaTopics:
    """A broker's topics; reads without joining a group. An answer may take `answer_s` seconds."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], answer_s: float = _ANSWER_S) -> None:
        self._answer_s = answer_s
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
            known = self._consumer.list_topics(timeout=self._answer_s).topics
            return {
                (topic, number): Bounds(
                    *self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=self._answer_s)
                )
                for topic in topics
                if topic in known
                for number in sorted(known[topic].partitions)
            }
        except KafkaException as error:
            raise TopicsUnreadable(f"the broker does not tell its offsets: {error.args[0].str()}") from None

    def read(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The committed records within `bounds`. Raises `TopicsUnreadable` after `answer_s` seconds
        without an answer, `RetentionMoved` where the next record is gone.
        """
        yield from read_within(self._consumer, partition, bounds, self._answer_s)

    def recorded(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """The record group's committed offsets."""
        try:
            found = self._consumer.committed([TopicPartition(*place) for place in partitions], timeout=self._answer_s)
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
        """The records within `bounds`, as they stand when each is asked for."""
        at = bounds.low
        while (low := self._low(partition)) <= at:
            following = bisect_left(self.records[partition], at, key=lambda record: record.offset())
            if following == len(self.records[partition]):
                return
            found = self.records[partition][following]
            if found.offset() >= bounds.end:
                return
            yield found
            at = found.offset() + 1
        if at < bounds.end:
            raise RetentionMoved(partition, low)

    def _low(self, partition: Partition) -> int:
        found = self.records[partition]
        return found[0].offset() if found else 0

    def recorded(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """All of them."""
        ends: dict[str, Any] = {topic: None for topic, _ in partitions}
        return {place: bounds.end for place, bounds in self.bounds(ends).items()}

    def close(self) -> None:
        """Nothing is held."""
