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

from processors.transport.membership import gap, is_out_of_range
from processors.transport.parts import WorkerParts
from schemas.records import Message, Partition, Unreadable, partition_of
from stores.unreadable import LOOK, EndNotFound, UnreadableBatch, as_read, holds_up, unreadable_batch

log = logging.getLogger(__name__)

SHARE = 4
"""Of a poll's records this part may stand for unreadable ones: the others' go on beside millions of them."""


class Passage:
    """Where each assigned partition stands. Everything here is called in the poll thread."""

    def __init__(self, parts: WorkerParts) -> None:
        self._parts = parts
        self._at: dict[Partition, int] = {}
        self._batches: dict[Partition, UnreadableBatch] = {}
        self._forged: dict[Partition, int] = {}
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

    def standing(self, place: TopicPartition) -> list[TopicPartition] | None:
        """Where all partitions are to be read on when `place` is sought; None where a seek does.

        A client that was told a forged offset, and is out of range by it, no longer seeks.
        """
        key = (place.topic, place.partition)
        if key not in self._forged:
            return None
        return [TopicPartition(*other, at) for other, at in (self._at | {key: place.offset}).items()]

    def take(self, consumer: Any, polled: Iterable[Any]) -> list[Message]:
        """The records in what the consumer gave; what holds a partition up is noted.

        A lost position ends the worker. Of a partition that is held nothing more is taken.
        """
        taken: list[Message] = []
        for message in polled:
            place = partition_of(message)
            if place in self.held:
                continue  # what the client had fetched behind: it is read again when the batch is passed
            if is_out_of_range(message):
                self._check_reach(consumer, place, message)
                continue
            # A record from where it is expected needs no further look, and nearly all of them come from there.
            if (message.error() is not None or message.offset() != self._at.get(place)) and holds_up(consumer, message):
                self._meet(consumer, place, message)
                continue
            record = as_read(message)
            if isinstance(record, Unreadable):
                self._parts.meters.add("unreadable")
            self._at[place] = record.offset() + 1
            taken.append(record)
        return taken

    def waiting(self, paused: Container[Partition]) -> list[Partition]:
        """The partitions that stand in an unreadable batch, but for the `paused` ones."""
        return [place for place, batch in self._batches.items() if place not in paused and self._is_in(batch)]

    def has_met(self, place: Partition) -> bool:
        """Whether such a batch was met in a partition: the position that the client tells of it does not count then."""
        return place in self._batches

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

    def _check_reach(self, consumer: Any, place: Partition, told: Any) -> None:
        """A client that was told a forged offset asks for what follows it; whoever else is out of range is lost."""
        if told.offset() != self._forged.get(place, told.offset()) + 1:
            self._parts.die(gap(consumer, self._parts.member.group, place, told.error()))

    def _meet(self, consumer: Any, place: Partition, told: Any) -> None:
        if place not in self._at:
            return
        batch = self._batches.get(place)
        if batch is None or not (self._is_in(batch) or (told.error() and batch.base == told.offset())):
            batch = self._look(told)
            if batch is None:
                # An error the client says again. Past a forged record it reads on, and what stands there would be lost.
                if told.error() is None:
                    self._parts.die(f"{place[0]}[{place[1]}] cannot be passed now; this worker starts anew")
                return
            self._batches[place] = batch
        if told.error() is None:
            self._forged[place] = told.offset()
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
            batch = unreadable_batch(self._looker, told, self._at[told.topic(), told.partition()])
        except (KafkaException, EndNotFound):
            log.warning("%s[%d] cannot be read at %d: %s", *_where(told), _why(told))
            return None
        log.error("%s[%d] cannot be read at %d to %d: %s", *batch.partition, batch.base, batch.end - 1, _why(told))
        return batch


def _where(told: Any) -> tuple[str, int, int]:
    return told.topic(), told.partition(), told.offset()


def _why(told: Any) -> str:
    error = told.error()
    return "a record from beyond its end" if error is None else str(error.str())
