"""The source: the poll thread, from a subscription to batches. The only thread that touches the consumer.

Two paces. Who keeps up polls once for each transaction, when the sink has rested: one batch of all that came meanwhile
costs less than several small ones, and is seldom committed later. Who is behind (a poll gave a full batch, or a batch
takes long) polls ahead, so that batches are processed while the last ones are committed.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processors.transport.journal import InFlightJournal
from processors.transport.ledger import OUTDATED, Ledger, Rewind
from processors.transport.logs import place_of
from processors.transport.membership import Member, committed_positions, open_consumer, poll_records
from processors.transport.messages import Batch, Message, Partition, spans
from processors.transport.meters import Meters
from processors.transport.runtime import TURN_LIMIT_S, Die, Progress, Watchdog
from processors.transport.specs import StageSpec, WorkerKafka

log = logging.getLogger(__name__)

POLL_S = 0.2
DRAIN_S = 10.0
SEEK_WAIT_S = 5.0
LONG_S = 1.0
"""A batch that is open for so long is not waited for: more are polled beside it, or the group is served without."""


class KafkaSource:
    """Polls batches and hands each to `deliver` (called in the poll thread; it must not block).

    `stop` ends polling, waits until open batches are committed, and closes.
    """

    def __init__(
        self,
        spec: StageSpec,
        kafka: WorkerKafka,
        slot: int,
        ledger: Ledger,
        journal: InFlightJournal,
        meters: Meters,
        progress: Progress,
        die: Die,
    ) -> None:
        self._spec, self._kafka, self._member = spec, kafka, Member(spec.name, slot)
        self._ledger, self._journal, self._meters, self._progress, self._die = ledger, journal, meters, progress, die
        self._deliver: Callable[[Batch], None] = lambda _: None
        self._ready: Callable[[float], bool] = lambda _: True
        self._rest: Callable[[], None] = lambda: None
        self._out_of_reach: Callable[[], None] = lambda: None
        self._starts: dict[Partition, int] = {}
        self._paused_until: dict[Partition, float] = {}
        self._generation = 0
        self._most_open = 1
        self._drain_s = DRAIN_S
        self._watchdog = Watchdog(die, TURN_LIMIT_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

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
        self._deliver, self._ready, self._rest, self._out_of_reach = deliver, ready, rest, out_of_reach
        self._watchdog.start()
        self._thread.start()

    def halt(self) -> None:
        """Poll no more, and do not wait for open batches: the stage failed."""
        self._drain_s = 0.0
        self._stopping.set()

    def stop(self) -> None:
        """Poll no more; returns when open batches are committed (at most 10 s) and the consumer is closed."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(DRAIN_S + 3.0)
        self._watchdog.stop()

    def _run(self) -> None:
        try:
            while not self._ready(POLL_S):
                self._turns()
                if self._stopping.is_set():
                    return
            self._consumer = open_consumer(self._kafka, self._member)
            self._consumer.subscribe(
                list(self._spec.topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
            )
            while not self._stopping.is_set():
                self._turn()
            self._ledger.wait_until_empty(self._drain_s)
            self._ledger.abandon()
            self._consumer.close()
        except KafkaException as error:
            self._die(f"the consumer failed: {error.args[0].str()}")
        except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a worker that does nothing
            self._die(f"the poll thread failed: {place_of(error)}")

    def _turn(self) -> None:
        self._turns()
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
        generation = self._generation
        messages = self._poll(POLL_S, self._spec.max_records)
        if generation != self._generation:
            self._begin_again()
            return
        behind = len(messages) == self._spec.max_records
        self._most_open = self._spec.max_in_flight if behind else 1
        if messages:
            self._admit(messages, version)

    def _turns(self) -> None:
        self._progress.looped(self._ledger.open_batches)
        self._watchdog.busy("a turn of the poll thread")

    def _poll(self, timeout: float, limit: int) -> list[Message]:
        return poll_records(self._consumer, self._spec.name, timeout, limit, self._die)

    def _begin_again(self) -> None:
        """Read from the assignment's start: of what was polled some may be older than it, and none was admitted."""
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in self._starts.items()])

    def _admit(self, messages: list[Message], version: int) -> None:
        covered = spans(messages)
        fence = self._consumer.consumer_group_metadata()
        number = self._ledger.admit(covered, version)
        if number is not None:
            self._deliver(Batch(messages, number, covered, fence))

    def _keep_alive(self) -> None:
        """Serve the group while no slot is free: without polls the broker would take us for dead, or wait for us."""
        places = [TopicPartition(*place) for place in self._starts]
        self._consumer.pause(places)
        while not self._stopping.is_set() and not self._ledger.wait_for_slot(self._most_open, POLL_S):
            self._turns()
            generation = self._generation
            strays = self._poll(0, 1)
            if generation != self._generation:
                self._begin_again()  # and a new assignment is not paused
                return
            if strays:
                self._ledger.admit(spans(strays), OUTDATED)  # read in spite of the pause: to be read again
        self._consumer.resume([place for place in places if (place.topic, place.partition) not in self._paused_until])

    def _rewind(self, rewinds: dict[Partition, Rewind]) -> None:
        for place, rewind in rewinds.items():
            if place not in self._starts:
                continue
            self._seek(TopicPartition(*place, rewind.offset))
            if rewind.deferred:
                self._consumer.pause([TopicPartition(*place)])
                self._paused_until[place] = time.monotonic() + self._spec.defer_s
        self._meters.add("rewinds", len(rewinds))

    def _seek(self, place: TopicPartition) -> None:
        deadline = time.monotonic() + SEEK_WAIT_S
        while True:
            try:
                self._consumer.seek(place)
            except KafkaException as error:
                # A partition that was assigned a moment ago cannot seek until its fetcher has started.
                if error.args[0].code() != KafkaError._STATE or time.monotonic() > deadline:  # noqa: SLF001 - its name
                    raise
                time.sleep(0.01)
            else:
                return

    def _resume_due(self) -> None:
        now = time.monotonic()
        due = [place for place, until in self._paused_until.items() if until <= now]
        for place in due:
            del self._paused_until[place]
        if due:
            self._consumer.resume([TopicPartition(*place) for place in due])

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._ledger.abandon()
        places = committed_positions(consumer, self._kafka, self._member, partitions, self._die)
        for place in places:
            self._journal.passed((place.topic, place.partition), place.offset)
        consumer.assign(places)
        consumer.resume(places)
        self._assigned({(place.topic, place.partition): place.offset for place in places})

    def _on_revoke(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        drained = self._ledger.wait_until_empty(self._drain_s)
        self._ledger.abandon()
        self._assigned({})
        log.info("partitions revoked: %d, drained: %s", len(list(partitions)), drained)

    def _on_lost(self, _: Consumer, partitions: Iterable[TopicPartition]) -> None:
        self._ledger.abandon()
        self._assigned({})
        self._out_of_reach()
        log.warning("partitions lost: %d", len(list(partitions)))

    def _assigned(self, starts: dict[Partition, int]) -> None:
        self._generation += 1
        self._starts = starts
        self._paused_until.clear()
        self._progress.reassigned(len(starts))
        self._meters.set("assigned_partitions", len(starts))
        log.info("partitions assigned: %d", len(starts))
