"""Past what the client library cannot hand over: where reading of each partition stands, and what stands for a batch.

A batch that cannot be unpacked holds its partition up for ever: the client gives an error that names the batch's first
offset, again and again. Where it ends is looked up beside the group, by a consumer of its own. Then the partition is
paused, an `Unreadable` is given out for each of its offsets, a share of each poll, and behind the last one the
partition is read on. What was given out may be read again (an abort, a new owner in the midst of it): what is given out
follows from where reading stands, and from nothing else.
"""

import logging
from collections.abc import Container, Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from processors.transport.parts import WorkerParts
from schemas.records import Message, Partition, Unreadable, partition_of
from stores.unreadable import LOOK, EndNotFound, UnreadableBatch, as_read, is_unreadable_batch, unreadable_batch

log = logging.getLogger(__name__)

SHARE = 4
"""Of a poll's records this part may stand for unreadable ones: the others' go on beside millions of them."""


class Passage:
    """Where each assigned partition stands. Everything here is called in the poll thread."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._at: dict[Partition, int] = {}
        self._batches: dict[Partition, UnreadableBatch] = {}
        self.held: set[Partition] = set()
        """Partitions that are paused because the client would only give the same error again."""
        self._looker: Any = None

    def begin(self, starts: Mapping[Partition, int]) -> None:
        """Reading begins at these offsets."""
        self._at = dict(starts)
        self._batches.clear()
        self.held.clear()

    def sought(self, place: Partition, offset: int) -> bool:
        """A partition is read on from `offset`; whether it was held, which is over."""
        self._at[place] = offset
        was_held = place in self.held
        self.held.discard(place)
        return was_held

    def take(self, consumer: Any, polled: Iterable[Any]) -> list[Message]:
        """The records in what the consumer gave; what cannot be unpacked is noted."""
        taken: list[Message] = []
        for message in polled:
            if is_unreadable_batch(message):
                self._meet(consumer, message)
                continue
            record = as_read(message)
            if isinstance(record, Unreadable):
                self._parts.meters.add("unreadable")
            self._at[partition_of(record)] = record.offset() + 1
            taken.append(record)
        return taken

    def waiting(self, paused: Container[Partition]) -> list[Partition]:
        """The partitions that stand in an unreadable batch, but for the `paused` ones."""
        return [place for place, batch in self._batches.items() if place not in paused and self._is_in(batch)]

    def stand_ins(self, place: Partition, most: int) -> tuple[list[Unreadable], bool]:
        """What stands for the next records of a partition, at most `most`; and whether the batch ends there."""
        at, batch = self._at[place], self._batches[place]
        made = list(batch.records(at, at + most))
        self._at[place] = at + len(made)
        self._parts.meters.add("unreadable", len(made))
        return made, self._at[place] == batch.end

    def close(self) -> None:
        """Let go of the broker."""
        if self._looker is not None:
            self._looker.close()

    def end(self, place: Partition) -> TopicPartition:
        """Where a partition is to be read on behind its batch."""
        return TopicPartition(*place, self._batches[place].end)

    def _is_in(self, batch: UnreadableBatch) -> bool:
        return batch.base <= self._at[batch.partition] < batch.end

    def _meet(self, consumer: Any, told: Any) -> None:
        place = (told.topic(), told.partition())
        if place not in self._at:
            return
        batch = self._batches.get(place)
        if batch is None or batch.base != told.offset():
            batch = self._look(told)
            if batch is None:
                return  # the client says it again
            self._batches[place] = batch
        # Between what was read last and this batch there may be a transaction's marker.
        self._at[place] = max(self._at[place], batch.base)
        if self._is_in(batch):
            consumer.pause([TopicPartition(*place)])
            self.held.add(place)

    def _look(self, told: Any) -> UnreadableBatch | None:
        try:
            if self._looker is None:
                settings = {**LOOK, **self._parts.kafka.settings, "group.id": self._parts.member.group}
                self._looker = Consumer(settings, logger=logging.getLogger("librdkafka"))
            batch = unreadable_batch(self._looker, told)
        except (KafkaException, EndNotFound):
            log.warning("%s[%d]@%d cannot be unpacked: %s", *_where(told), told.error().str())
            return None
        log.error("%s[%d]@%d to %d cannot be unpacked: %s", *_where(told), batch.end - 1, told.error().str())
        return batch


def _where(told: Any) -> tuple[str, int, int]:
    return told.topic(), told.partition(), told.offset()
