"""The source of a stage: from a subscription to batches, in the poll thread.

Two paces. Who keeps up polls once for each transaction, when the sink has rested: one batch of all that came meanwhile
costs less than several small ones, and is seldom committed later. Who is behind (a poll gave a full batch, or a batch
takes long) polls ahead, so that batches are processed while the last ones are committed.
"""

import logging
import time
from collections.abc import Callable, Mapping

from confluent_kafka import TopicPartition

from processors.transport.batches import Batch, Span, spans
from processors.transport.journal import InFlightJournal
from processors.transport.ledger import OUTDATED, Ledger, Rewind
from processors.transport.parts import WorkerParts
from processors.transport.poll_thread import DRAIN_S, POLL_S, PollThread, Turns
from processors.transport.specs import StageSpec
from schemas.records import Message, Partition

log = logging.getLogger(__name__)

LONG_S = 1.0
"""A batch that is open for so long is not waited for: more are polled beside it, or the group is served without."""


class KafkaSource:
    """Polls batches and hands each to `deliver` (called in the poll thread; it must not block).

    `stop` ends polling, waits until open batches are committed, and closes.
    """

    def __init__(self, spec: StageSpec, parts: WorkerParts, ledger: Ledger, journal: InFlightJournal) -> None:
        self._spec, self._meters, self._ledger, self._journal = spec, parts.meters, ledger, journal
        turns = Turns(
            self._turn, self._assigned, self._revoked, self._lost, self._read_over, lambda: ledger.open_batches
        )
        self._thread = PollThread(parts, spec.topics, turns)
        self._deliver: Callable[[Batch], None] = lambda _: None
        self._rest: Callable[[], None] = lambda: None
        self._out_of_reach: Callable[[], None] = lambda: None
        self._paused_until: dict[Partition, float] = {}
        self._most_open = 1
        self._drain_s = DRAIN_S

    def start(
        self,
        deliver: Callable[[Batch], None],
        ready: Callable[[float], bool],
        rest: Callable[[], None],
        out_of_reach: Callable[[], None],
    ) -> None:
        """Subscribe, once `ready` (which waits for some seconds) says so, and begin to poll.

        `rest` waits, for a moment, until what is polled then can be committed without waiting.
        `out_of_reach` is told when the group gave its member up because it had not heard of it for so long.
        """
        self._deliver, self._rest, self._out_of_reach = deliver, rest, out_of_reach
        self._thread.start(ready)

    def halt(self) -> None:
        """Poll no more, and do not wait for open batches: the stage failed."""
        self._drain_s = 0.0
        self._thread.halt()

    def stop(self) -> None:
        """Poll no more; returns when open batches are committed (at most 10 s) and the consumer is closed."""
        self._thread.stop()

    def _turn(self) -> None:
        if not self._ledger.wait_for_slot(self._most_open, LONG_S):
            self._most_open = self._spec.max_in_flight
            if not self._ledger.wait_for_slot(self._most_open, 0):
                self._keep_alive()
                return
        if self._most_open == 1:
            self._rest()
        version, rewinds = self._ledger.take_rewinds()
        self._rewind(rewinds)
        self._resume_due()
        messages = self._thread.poll(POLL_S, self._spec.max_records, self._paused_until)
        if messages is None:
            return
        behind = len(messages) >= self._spec.max_records
        self._most_open = self._spec.max_in_flight if behind else 1
        if messages:
            self._admit(messages, version)

    def _assigned(self, places: list[TopicPartition]) -> None:
        self._forget()
        for place in places:
            self._journal.passed((place.topic, place.partition), place.offset)

    def _revoked(self) -> None:
        if not self._ledger.wait_until_empty(self._drain_s):
            log.info("open batches are given up")
        self._forget()

    def _lost(self) -> None:
        self._forget()
        self._out_of_reach()

    def _read_over(self, ends: Mapping[Partition, int]) -> None:
        """A batch without messages: it is fenced, voided and committed as any other, and read again from its ends."""
        version, rewinds = self._ledger.take_rewinds()
        self._rewind(rewinds)
        self._open([], {place: Span(end, end) for place, end in ends.items()}, version)

    def _forget(self) -> None:
        self._ledger.abandon()
        self._paused_until.clear()

    def _admit(self, messages: list[Message], version: int) -> None:
        self._open(messages, spans(messages), version)

    def _open(self, messages: list[Message], covered: dict[Partition, Span], version: int) -> None:
        fence = self._thread.consumer.consumer_group_metadata()
        number = self._ledger.admit(covered, version)
        if number is not None:
            self._deliver(Batch(messages, number, covered, fence))

    def _keep_alive(self) -> None:
        """Serve the group while no slot is free."""
        for strays in self._thread.keep_alive(self._may_poll, paused=self._paused_until):
            if strays:
                self._ledger.admit(spans(strays), OUTDATED)  # read in spite of the pause: to be read again

    def _may_poll(self) -> bool:
        return self._thread.stopping or self._ledger.wait_for_slot(self._most_open, POLL_S)

    def _rewind(self, rewinds: dict[Partition, Rewind]) -> None:
        for place, rewind in rewinds.items():
            if place not in self._thread.starts:
                continue
            self._thread.seek(TopicPartition(*place, rewind.offset))
            if rewind.deferred:
                self._thread.consumer.pause([TopicPartition(*place)])
                self._paused_until[place] = time.monotonic() + self._spec.defer_s
        self._meters.add("rewinds", len(rewinds))

    def _resume_due(self) -> None:
        now = time.monotonic()
        due = [place for place, until in self._paused_until.items() if until <= now]
        for place in due:
            del self._paused_until[place]
        if due:
            self._thread.consumer.resume([TopicPartition(*place) for place in due])
