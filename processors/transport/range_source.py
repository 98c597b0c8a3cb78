"""The source of a stage that writes planned ranges (see `ranges`): what its poll thread does.

One turn: poll, plan a range for each partition that has enough, commit the plans, have them written, commit the ends.
While the writing lasts (the warehouse may be down for hours) the partitions are paused and the group is served. Who
keeps up rests after a turn: what came meanwhile makes larger ranges, which cost the warehouse and everybody beside it
less.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaException, TopicPartition

from processors.transport.membership import PATIENT_FETCH
from processors.transport.parts import WorkerParts
from processors.transport.poll_thread import DRAIN_S, POLL_S, PollThread, Turns
from processors.transport.ranges import Cursor, OffsetRange, RangeLostError, plan_range, read_cursor
from processors.transport.runtime import give_back_memory
from processors.transport.specs import RangeSpec
from schemas.records import Message, Partition, named, partition_of

log = logging.getLogger(__name__)

KEEP_ALIVE_AFTER_S = 1.0
MAX_WAITING = 20_000
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""What may wait in memory, whichever comes first; a poll adds at most what librdkafka has fetched ahead (64 MiB)."""
REST_SHARE, REST_MOST_S = 2.0, 2.0
"""A rest is so many times as long as the writing was, and at most so many seconds."""
BURST_RECORDS = 5_000
"""A work of so many records leaves tens of megabytes behind; without giving them back a worker that catches up on a
million records grows by 15 MB a minute."""


def rest_s(took_s: float, records: Sequence[int], max_records: int) -> float:
    """How long to rest after writing ranges of so many `records` took so long.

    >>> rest_s(0.3, [40, 70], 1000), rest_s(5.0, [40, 70], 1000)
    (0.6, 2.0)

    A full range says that more is waiting, and so do as many records as a burst has, in however many partitions; no
    range says that there was nothing to do:

    >>> rest_s(0.3, [40, 1000], 1000), rest_s(0.3, [700] * 8, 1000), rest_s(0.3, [], 1000)
    (0.0, 0.0, 0.0)
    """
    if not records or max(records) >= max_records or sum(records) >= BURST_RECORDS:
        return 0.0
    return min(took_s * REST_SHARE, REST_MOST_S)


@dataclass(slots=True)
class Burst:
    """When there is memory to give back: after each large work, and once when there is nothing left to do.

    The large works alone do not do: what librdkafka had fetched ahead is free only after the last, small ones.

    >>> burst = Burst()
    >>> [burst.leaves_memory(records) for records in (0, 300, 9_000, 300, 0, 0)]
    [False, False, True, False, True, False]
    """

    _under_way: bool = False

    def leaves_memory(self, records: int) -> bool:
        """Whether there is some now, after a turn that wrote so many records."""
        large, over = records >= BURST_RECORDS, self._under_way and records == 0
        self._under_way = large or (self._under_way and not over)
        return large or over


@dataclass(slots=True)
class RangeWork:
    """Planned ranges with their messages, on their way through the agent.

    The agent writes them in order, counts `written`, and calls `finished`; it looks at `given_up` between attempts.
    """

    ranges: list[tuple[OffsetRange, list[Message]]]
    written: int = 0
    _finished: threading.Event = field(default_factory=threading.Event)
    _given_up: threading.Event = field(default_factory=threading.Event)

    def finished(self) -> None:
        """The agent is done with it, having written the first `written` ranges."""
        self._finished.set()

    def wait(self, timeout: float) -> bool:
        """Wait until it is finished; False after `timeout` seconds."""
        return self._finished.wait(timeout)

    def give_up(self) -> None:
        """The partitions are going away: attempt no more writes."""
        self._given_up.set()

    @property
    def given_up(self) -> bool:
        """Whether no more writes are to be attempted."""
        return self._given_up.is_set()


class RangeSource:
    """Polls, plans, hands `RangeWork` to `deliver` (one at a time; it must not block), and commits."""

    def __init__(self, spec: RangeSpec, parts: WorkerParts) -> None:
        self._spec, self._meters, self._progress, self._die = spec, parts.meters, parts.progress, parts.die
        turns = Turns(
            self._turn,
            self._assigned,
            self._revoked,
            self._revoked,
            self._read_over,
            lambda: int(self._work is not None),
        )
        self._thread = PollThread(parts, spec.topics, turns, PATIENT_FETCH)
        self._deliver: Callable[[RangeWork], None] = lambda _: None
        self._cursors: dict[Partition, Cursor] = {}
        self._read: dict[Partition, list[Message]] = {}
        self._work: RangeWork | None = None
        self._took_s = 0.0
        self._burst = Burst()

    def start(self, deliver: Callable[[RangeWork], None]) -> None:
        """Subscribe and begin to poll."""
        self._deliver = deliver
        self._thread.start()

    def halt(self) -> None:
        """Poll no more: the stage failed."""
        self._thread.halt()

    def stop(self) -> None:
        """Poll no more; returns when the ranges in hand are written or given up (at most 10 s) and all is closed."""
        self._thread.stop()

    def _turn(self) -> None:
        written = self._write_ranges()
        if self._burst.leaves_memory(sum(written)):
            give_back_memory()
        self._thread.rest(rest_s(self._took_s, written, self._spec.max_records))

    def _assigned(self, places: list[TopicPartition]) -> None:
        self._cursors = {(place.topic, place.partition): read_cursor(place.offset, place.metadata) for place in places}
        self._read = {place: [] for place in self._cursors}

    def _revoked(self) -> None:
        work = self._work
        if work is not None:
            work.give_up()  # its plan is committed: the next owner writes the same ranges under the same tokens
            work.wait(DRAIN_S)
        self._assigned([])

    def _read_over(self, ends: Mapping[Partition, int]) -> None:
        """The next range begins there. Not where one is planned: its records are there, or lost."""
        free = {place: end for place, end in ends.items() if self._cursors[place].planned_end is None}
        if free and self._commit([TopicPartition(*place, end) for place, end in free.items()], "ends"):
            self._cursors |= {place: Cursor(end) for place, end in free.items()}

    def _write_ranges(self) -> list[int]:
        """Poll, plan and write once; returns how many records each range had."""
        room = self._room()
        messages = self._thread.poll(POLL_S, room) if room > 0 else []
        if messages is None:
            return []
        for message in messages:
            self._read[partition_of(message)].append(message)
        ranges = self._plan()
        if not ranges or not self._commit([self._plan_of(planned) for planned, _ in ranges], "the plan"):
            return []
        for planned, _ in ranges:
            self._cursors[planned.topic, planned.partition] = Cursor(planned.start, planned.end)
        self._write(RangeWork(ranges))
        return [len(messages) for _, messages in ranges]

    def _room(self) -> int:
        """How many records more may wait in memory; a range that was planned before needs all of its own, uncounted."""
        waiting = [read for place, read in self._read.items() if self._cursors[place].planned_end is None]
        if sum(len(message.value() or b"") for read in waiting for message in read) > MAX_WAITING_BYTES:
            return 0
        return MAX_WAITING - sum(map(len, waiting))

    def _plan(self) -> list[tuple[OffsetRange, list[Message]]]:
        planned: list[tuple[OffsetRange, list[Message]]] = []
        for place, read in self._read.items():
            offsets = [message.offset() for message in read]
            try:
                found = plan_range(*place, self._cursors[place], offsets, self._spec.max_records)
            except RangeLostError as error:
                self._die(str(error))
            if found is not None:
                count = sum(offset < found.end for offset in offsets)
                planned.append((found, read[:count]))
        return planned

    def _write(self, work: RangeWork) -> None:
        began = time.monotonic()
        generation = self._thread.generation
        self._work = work
        self._deliver(work)
        if not work.wait(KEEP_ALIVE_AFTER_S):
            self._keep_alive(work)
        self._work = None
        if generation == self._thread.generation:
            self._settle(work, began)
        self._took_s = time.monotonic() - began

    def _settle(self, work: RangeWork, began: float) -> None:
        written = work.ranges[: work.written]
        ends = [TopicPartition(done.topic, done.partition, done.end) for done, _ in written]
        if not ends or not self._commit(ends, "what is written"):
            return
        for done, messages in written:
            place = (done.topic, done.partition)
            self._cursors[place] = Cursor(done.end)
            self._read[place] = self._read[place][len(messages) :]
        self._count(written, began)

    def _keep_alive(self, work: RangeWork) -> None:
        """Serve the group while a write lasts; records that come in spite of the pause are kept for the next range."""
        deadline: float | None = None
        for strays in self._thread.keep_alive(lambda: work.wait(POLL_S)):
            for stray in strays:
                self._read[partition_of(stray)].append(stray)
            if self._thread.stopping:
                deadline = deadline or time.monotonic() + DRAIN_S / 2
                if time.monotonic() > deadline:
                    work.give_up()
                    work.wait(DRAIN_S / 2)
                    return

    def _plan_of(self, planned: OffsetRange) -> TopicPartition:
        return TopicPartition(planned.topic, planned.partition, planned.start, planned.plan)

    def _commit(self, offsets: list[TopicPartition], what: str) -> bool:
        """Commit; False where it failed: then the same ranges are planned and written again, under the same tokens.

        `what` is committed, in words. Why it failed is not asked: errors of a commit carry no flags. A fenced member
        hears of it at its next poll.
        """
        self._progress.doing(f"committing {what} of {named([(at.topic, at.partition) for at in offsets])}")
        try:
            self._thread.consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as raised:
            log.warning("offsets were not committed: %s", raised.args[0].str())
            return False
        finally:
            self._progress.doing(None)
        self._progress.committed({(at.topic, at.partition): at.offset for at in offsets})
        return True

    def _count(self, written: list[tuple[OffsetRange, list[Message]]], began: float) -> None:
        self._meters.add("batches", len(written))
        self._meters.add("records_in", sum(len(messages) for _, messages in written))
        self._meters.observe("commit_seconds", time.monotonic() - began)
        kind, stamp = written[0][1][0].timestamp()
        if kind:
            self._meters.observe("lag_seconds", max(0.0, time.time() - stamp / 1000))
