"""The poll thread of a worker: its consumer's life, from the subscription to the last call. Nothing else touches it.

What a turn does, and what becomes of open work when the assignment changes, is told to it (`Turns`).
"""

import logging
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processors.transport.coverage import Coverage, first_look_s
from processors.transport.logs import place_of
from processors.transport.lookout import Lookout
from processors.transport.membership import committed_positions, open_consumer, poll_records, refusal
from processors.transport.parts import WorkerParts
from processors.transport.passage import SHARE, Passage
from processors.transport.runtime import TURN_LIMIT_S, Watchdog
from processors.transport.standstill import POSITIONS_S
from schemas.records import Message, Partition

log = logging.getLogger(__name__)

POLL_S = 0.2
BESIDE_S = 0.001
"""Of a poll that need not wait, because there is something to give out in any case."""
SEEK_WAIT_S = 5.0
REFUSED_PAUSES_S = (2.0, 4.0, 8.0, 15.0, 30.0)
"""Between two attempts of a worker whose account has no right to its group: who grants it sees it work soon."""
MARKERS_S = 600.0
"""How often the ends behind markers are committed. Seldom: it costs a transaction, and only retention asks for it."""
DRAIN_S = 10.0
"""How long open work may take to be finished before its partitions go."""


@dataclass(frozen=True, slots=True)
class Turns:
    """What differs between the kinds of worker; all of it is called in the poll thread.

    `turn`, called again and again, polls once and does what there is to do. `assigned` is told the partitions from now
    on, at their committed offsets (with metadata). Once `revoked` returns there are none any more: it finishes what is
    open, or gives it up, also at the end. `lost` learns that there have been none for some time. `read_over` commits
    partitions up to ends before which no record is left. `open_batches` are polled and not yet committed.
    """

    turn: Callable[[], None]
    assigned: Callable[[list[TopicPartition]], None]
    revoked: Callable[[], None]
    lost: Callable[[], None]
    read_over: Callable[[Mapping[Partition, int]], None]
    open_batches: Callable[[], int]


class PollThread:
    """Subscribes, then takes `turns` until it is stopped; whatever fails in them ends the worker.

    For the turns: `consumer`, `starts` (the assignment, and where reading it began), its `generation`, and the methods
    below `stop`. Who pauses partitions names them where it polls.
    """

    consumer: Consumer

    def __init__(
        self, parts: WorkerParts, topics: Sequence[str], turns: Turns, fetch: Mapping[str, str | int] | None = None
    ) -> None:
        self._parts, self._topics, self._turns = parts, topics, turns
        self._coverage = Coverage(parts.member, topics)
        self._fetch = fetch
        self._positions_due = 0.0
        self._markers_due = 0.0
        looks = {"what the group reads": self._coverage.look, "where partitions end": parts.progress.standstill.look}
        self._lookout = Lookout(parts.kafka, looks, first_look_s(parts.member), parts.progress.reach)
        self.starts: dict[Partition, int] = {}
        self.generation = 0
        self._is_refused = False
        self._pauses = iter(REFUSED_PAUSES_S)
        self._passage = Passage(parts)
        self._ready: Callable[[float], bool] = lambda _: True
        self._watchdog = Watchdog(parts.die, TURN_LIMIT_S)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="poll", daemon=True)

    def start(self, ready: Callable[[float], bool] = lambda _: True) -> None:
        """Subscribe, once `ready` (which waits for so many seconds) says so, and begin to poll."""
        self._ready = ready
        self._watchdog.start()
        self._lookout.start()
        self._thread.start()

    def halt(self) -> None:
        """Begin no further turn."""
        self._stopping.set()

    def stop(self) -> None:
        """Begin no further turn; returns when nothing is open any more and the consumer is closed (13 s at most)."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(DRAIN_S + 3.0)
        self._watchdog.stop()
        self._lookout.stop()

    @property
    def stopping(self) -> bool:
        """Whether no further turn begins."""
        return self._stopping.is_set()

    def rest(self, seconds: float) -> None:
        """Wait so long, or until it is stopped."""
        self._stopping.wait(seconds)

    def poll(self, timeout: float, limit: int, paused: Container[Partition] = ()) -> list[Message] | None:
        """At most `limit` records (see `poll_records`); None where the assignment changed meanwhile.

        Then reading has begun again at its start: of what was polled some may be older than it, and none is given out.
        Among the records are those that stand for unreadable ones, but of no `paused` partition.
        """
        waiting = self._passage.waiting(paused)
        share = max(1, limit // SHARE // len(waiting)) if waiting else 0
        messages = self._poll(BESIDE_S if waiting else timeout, max(1, limit - share * len(waiting)))
        if messages is None or not waiting:
            return messages
        for place in waiting:
            stand_ins, passed = self._passage.stand_ins(place, share)
            self._parts.progress.standstill.gave(stand_ins)
            messages += stand_ins
            if passed:
                self.seek(self._passage.end(place))
        return messages

    def seek(self, place: TopicPartition) -> None:
        """Read a partition on from an offset."""
        standing = self._passage.standing(place)
        if standing is None:
            self._seek(place)
        else:
            self.consumer.assign(standing)
        if self._passage.sought((place.topic, place.partition), place.offset):
            self.consumer.resume([place])

    def _seek(self, place: TopicPartition) -> None:
        deadline = time.monotonic() + SEEK_WAIT_S
        while True:
            try:
                self.consumer.seek(place)
            except KafkaException as error:
                # A partition that was assigned a moment ago cannot seek until its fetcher has started.
                if error.args[0].code() != KafkaError._STATE or time.monotonic() > deadline:  # noqa: SLF001 - its name
                    raise
                time.sleep(0.01)
            else:
                return

    def keep_alive(self, until: Callable[[], bool], paused: Container[Partition] = ()) -> Iterator[list[Message]]:
        """Serve the group and read nothing: without polls the broker would take us for dead, or wait for us.

        Gives out what was read in spite of it. Afterwards all partitions but the `paused` ones are read on. Ends before
        `until` says so when the assignment changes.
        """
        places = [TopicPartition(*place) for place in self.starts]
        self.consumer.pause(places)
        while not until():
            self._came_round()
            self._tell_positions()  # a range may be written for hours, and what waits meanwhile is to be seen
            strays = self._poll(0, 1)
            if strays is None:
                return  # a new assignment is not paused
            yield strays
        stay = self._passage.held
        self.consumer.resume(
            [place for place in places if (key := (place.topic, place.partition)) not in paused and key not in stay]
        )

    def _poll(self, timeout: float, limit: int) -> list[Message] | None:
        generation = self.generation
        polled = poll_records(self.consumer, timeout, limit, self._parts.die, self._refused)
        if generation == self.generation:
            messages = self._passage.take(self.consumer, polled)
            self._parts.progress.standstill.gave(messages)
            return messages
        self._begin_again()
        return None

    def _run(self) -> None:
        try:
            while not self._ready(POLL_S):
                self._came_round()
                if self.stopping:
                    return
            self.consumer = open_consumer(self._parts.kafka, self._parts.member, self._fetch)
            self._join()
            while not self.stopping:
                self._came_round()
                if self._is_refused:
                    self._ask_later()
                    continue
                self._look_out()
                self._turns.turn()
            self._turns.revoked()
            self._passage.close()
            self.consumer.close()
        except KafkaException as error:
            self._parts.die(f"the consumer failed: {error.args[0].str()}")
        except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a worker that does nothing
            self._parts.die(f"the poll thread failed: {place_of(error)}")

    def _join(self) -> None:
        self.consumer.subscribe(
            list(self._topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def _refused(self, error: KafkaError) -> None:
        """The broker refuses the group, or a topic. Without its group the member has nothing to do here."""
        line = refusal(self._parts.member, error)
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            self._parts.progress.refused(line)
            self._is_refused = True
        else:
            log.warning("%s", line)

    def _ask_later(self) -> None:
        """Ask the group again, by another consumer, after a pause that grows: the client would ask twice a second, and
        each attempt is a line in the broker's log.
        """
        self._is_refused = False
        pause = next(self._pauses, REFUSED_PAUSES_S[-1])
        log.warning("group %s is asked again in %.0f s", self._parts.member.group, pause)
        self._turns.revoked()
        self.consumer.close()
        until = time.monotonic() + pause
        while not self.stopping and time.monotonic() < until:
            self._came_round()
            self.rest(min(POLL_S, max(0.0, until - time.monotonic())))
        self.consumer = open_consumer(self._parts.kafka, self._parts.member, self._fetch)
        self._join()

    def _look_out(self) -> None:
        """Begin to look beside the reading once there is an assignment; do what was seen to be needed."""
        if self.generation:
            self._lookout.watch()
            self._tell_positions()
            self._pass_markers()
        if self._coverage.wants_to_join():
            self._join()

    def _tell_positions(self) -> None:
        now = time.monotonic()
        if now >= self._positions_due:
            self._positions_due = now + POSITIONS_S
            places = self.consumer.position([TopicPartition(*place) for place in self.starts])
            self._parts.progress.standstill.read({(at.topic, at.partition): at.offset for at in places})

    def _pass_markers(self) -> None:
        """A committed position on a marker is lost with it: retention takes markers as it takes records."""
        now = time.monotonic()
        if now < self._markers_due:
            return
        self._markers_due = now + MARKERS_S
        found = self._parts.progress.standstill.read_over()
        ends = {place: end for place, end in found.items() if not self._passage.has_met(place)}
        if ends:
            self._turns.read_over(ends)

    def _came_round(self) -> None:
        self._parts.progress.looped(self._turns.open_batches())
        self._watchdog.busy("a turn of the poll thread")

    def _begin_again(self) -> None:
        self._passage.begin(self.starts)
        self.consumer.assign([TopicPartition(*place, offset) for place, offset in self.starts.items()])

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        parts = self._parts
        parts.progress.refused(None)
        self._pauses = iter(REFUSED_PAUSES_S)
        places = committed_positions(consumer, parts.kafka, parts.member, partitions, parts.die)
        self._turns.assigned(places)
        consumer.assign([TopicPartition(place.topic, place.partition, place.offset) for place in places])
        consumer.resume(places)
        self._reassigned(places)

    def _on_revoke(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("partitions revoked: %d", len(partitions))
        self._turns.revoked()
        self._reassigned([])

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions lost: %d", len(partitions))
        self._turns.lost()
        self._reassigned([])

    def _reassigned(self, places: list[TopicPartition]) -> None:
        self.generation += 1
        self.starts = {(place.topic, place.partition): place.offset for place in places}
        self._passage.begin(self.starts)
        # For a moment the client still tells how far it had read before, and what was given out then is forgotten.
        self._markers_due = time.monotonic() + MARKERS_S
        self._parts.progress.reassigned(self.starts)
        self._parts.meters.set("assigned_partitions", len(places))
        log.info("partitions assigned: %d", len(places))
