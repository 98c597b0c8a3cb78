"""What the topics hold of what was there at the start. Retention goes on meanwhile: lower ends rise."""

from collections.abc import Iterator, Mapping

from loanstream.ask.waiting import Say
from schemas.records import Message, Partition
from stores.topics import Bounds, RetentionMoved, TopicReader


class Retained:
    """`bounds` of each partition, as they are by now; `say` is told where records went meanwhile."""

    def __init__(self, topics: TopicReader, bounds: Mapping[Partition, Bounds], say: Say) -> None:
        self._topics, self.bounds, self._say = topics, dict(bounds), say

    def partitions(self, topic: str) -> list[tuple[Partition, Bounds]]:
        """The partitions of a topic."""
        return [(place, bounds) for place, bounds in self.bounds.items() if place[0] == topic]

    def records(self, partition: Partition, bounds: Bounds) -> Iterator[Message]:
        """The records within `bounds`; where retention takes the next ones, those from its new lower end on."""
        at = bounds.low
        while True:
            try:
                for message in self._topics.read(partition, Bounds(at, bounds.end)):
                    at = message.offset() + 1
                    yield message
            except RetentionMoved as moved:
                self._say(
                    f"retention took records of {partition[0]}[{partition[1]}] meanwhile; "
                    f"going on from offset {moved.low}, where it begins now"
                )
                at = moved.low
                if partition in self.bounds:
                    self.bounds[partition] = Bounds(at, max(at, self.bounds[partition].end))
            else:
                return
