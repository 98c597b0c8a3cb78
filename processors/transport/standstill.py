"""Partitions that stand still: records wait in one, and its committed position does not move.

What waits is told by the brokers, up to where a partition could be read (the last stable offset), and by the client: up
to where it has read, and what it gave out. Transaction markers and aborted records are read over: of a partition that
ends in them nothing waits. The brokers are asked because a partition that is not fetched never tells that it has grown.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from confluent_kafka.admin import AdminClient

from processors.transport.look_ups import last_stable_offsets
from schemas.records import Message, Partition

POSITIONS_S = 5.0
"""How often the client is asked how far it has read."""
ENDS_S = 15.0
"""How often the brokers are asked for the ends."""
TOLD = 3


class Stuck(NamedTuple):
    """A partition that stands still: at which committed position, for how many seconds, before how many offsets."""

    place: Partition
    position: int
    seconds: float
    waiting: int


@dataclass(slots=True)
class Place:
    """An assigned partition: its committed position, what was given out and read, its end, since when what waits."""

    position: int
    given: int = 0
    read_to: int = 0
    end: int = 0
    since: float | None = None
    waiting: int = 0


class Standstill:
    """The assigned partitions, each with its committed position and since when something waits for it to move.

    Every method may be called from any thread.
    """

    def __init__(self, patience_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.patience_s, self._now = patience_s, now
        self._lock = threading.Lock()
        self._places: dict[Partition, Place] = {}

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """These are the partitions from now on, at these positions."""
        with self._lock:
            self._places = {place: Place(position) for place, position in starts.items()}

    def committed(self, ends: Mapping[Partition, int]) -> None:
        """So far these partitions are committed now."""
        now = self._now()
        with self._lock:
            for partition, end in ends.items():
                place = self._places.get(partition)
                if place is not None and end > place.position:
                    place.waiting = max(0, place.waiting - (end - place.position))
                    place.position = end
                    place.since = now if place.since is not None else None

    def gave(self, messages: Iterable[Message]) -> None:
        """The client gave out these records, in offset order within each partition."""
        ends = {(message.topic(), message.partition()): message.offset() + 1 for message in messages}
        with self._lock:
            for partition, end in ends.items():
                place = self._places.get(partition)
                if place is not None:
                    place.given = max(place.given, end)

    def read(self, positions: Mapping[Partition, int]) -> None:
        """The client has read so far in these partitions, markers and aborted records included."""
        now = self._now()
        with self._lock:
            for partition, position in positions.items():
                place = self._places.get(partition)
                if place is None:
                    continue
                place.read_to = position
                place.waiting = waiting(place, position)
                if not place.waiting:
                    place.since = None
                elif place.since is None:
                    place.since = now

    def look(self, admin: AdminClient) -> float:
        """Ask the brokers where the partitions end; seconds until the next look (one of the worker's `Lookout`)."""
        with self._lock:
            asked = list(self._places)
        self.grew(last_stable_offsets(admin, asked))
        return ENDS_S

    def grew(self, ends: Mapping[Partition, int]) -> None:
        """A read_committed consumer could read so far in these partitions."""
        with self._lock:
            for partition, end in ends.items():
                if partition in self._places:
                    self._places[partition].end = end

    def read_over(self) -> dict[Partition, int]:
        """The partitions whose committed position stands before markers and aborted records alone, and their ends."""
        with self._lock:
            return {partition: place.end for partition, place in self._places.items() if has_read_over(place)}

    @property
    def waiting(self) -> int:
        """How many offsets wait in all partitions, markers and aborted records among them."""
        with self._lock:
            return sum(place.waiting for place in self._places.values())

    def stuck(self) -> list[Stuck]:
        """The partitions that have not moved for longer than the patience, the longest first."""
        now = self._now()
        with self._lock:
            found = [
                Stuck(partition, place.position, now - place.since, place.waiting)
                for partition, place in self._places.items()
                if place.since is not None and now - place.since > self.patience_s
            ]
        return sorted(found, key=lambda stuck: -stuck.seconds)


def waiting(place: Place, read_to: int) -> int:
    """How many offsets wait beyond the committed position of a place that the client has read so far.

    Read to its end, which is a marker; a record given out and not committed; not read to the end; nothing read yet:

    >>> end = 9
    >>> waiting(Place(8, end=end), 9), waiting(Place(7, given=8, end=end), 9), waiting(Place(7, end=end), 7)
    (0, 2, 2)
    >>> waiting(Place(7, end=end), -1001), waiting(Place(9, end=end), -1001)
    (2, 0)
    """
    at = max(read_to, place.position)  # a client that has read nothing yet has a negative one
    waits = place.given > place.position or at < place.end
    return max(place.given, place.end) - place.position if waits else 0


def has_read_over(place: Place) -> bool:
    """Whether the client has read a place to its end and found no record behind the committed position.

    A position is passed in order: what lies before it was given out, or is no record. A marker behind the last record;
    the record not committed yet; not read to the end; a position beyond the end, which is not to be trusted:

    >>> has_read_over(Place(8, given=8, read_to=9, end=9)), has_read_over(Place(7, given=8, read_to=9, end=9))
    (True, False)
    >>> has_read_over(Place(8, given=8, read_to=9, end=11)), has_read_over(Place(8, given=8, read_to=99, end=11))
    (False, False)
    """
    return place.given <= place.position < place.read_to == place.end


def sentence(stuck: list[Stuck]) -> str | None:
    """The partitions in words, the first few by name; None where there are none.

    >>> sentence([Stuck(("loan.applications.v1.bank-a", 2), 17, 31.4, 5)])
    'loan.applications.v1.bank-a[2] stands still at offset 17 for 31 s, and records wait in it'
    """
    if not stuck:
        return None
    told = "; ".join(
        f"{topic}[{number}] stands still at offset {position} for {seconds:.0f} s, and records wait in it"
        for (topic, number), position, seconds, _ in stuck[:TOLD]
    )
    return told + (f"; and {len(stuck) - TOLD} more partitions" if len(stuck) > TOLD else "")
