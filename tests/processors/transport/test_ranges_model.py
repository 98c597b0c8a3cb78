"""The real range source and planner in one thread, against every order of plans, writes, crashes and rebalances.

Kafka is in memory (`memory_kafka`), and so is the warehouse: it takes a token once. The agent's writes are steps taken
when a work is delivered and while the source keeps its group alive.
"""

import logging

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from memory_kafka import Broker, Clock, Crash, Fault, MemoryConsumer, MemoryLooker, Rebalance, die
from worker_model import FAULTS as POLL_THREAD
from worker_model import PARTITIONS, SETTINGS, A, all_markers_are_passed, look_for_markers, places

from processors.transport import passage, range_source
from processors.transport.membership import Member
from processors.transport.meters import Meters
from processors.transport.parts import WorkerParts
from processors.transport.range_source import RangeSource
from processors.transport.ranges import plan_range, read_cursor
from processors.transport.runtime import Progress
from processors.transport.specs import RangeSpec, WorkerKafka

ENDS = ("finish", "finish", "crash", "bug", "give up")

faults = st.one_of(
    st.none(),
    st.none(),
    st.builds(Fault, st.just("commit"), st.sampled_from(["retriable", "fatal", "plain"]), st.booleans()),
)
rebalances = st.builds(Rebalance, st.frozensets(places, min_size=1), st.booleans(), st.booleans(), st.integers(0, 2))


class Record(RuleBasedStateMachine):
    """One worker of a record stage; `rows` holds what the warehouse has, by token."""

    def __init__(self):
        super().__init__()
        self.look_for(self)
        self.broker = Broker(PARTITIONS)
        self.rows = {}
        for place in PARTITIONS:
            self.broker.publish(place, [b""] * 5, hole=False)
            if place == A:
                self.broker.poison(place, 5, b"")
            self.broker.publish(place, [b""], hole=True)
        self.boot()

    @property
    def progress(self):
        return self.parts.progress

    def boot(self, assigned=PARTITIONS):
        """A new process: it reads from the committed offsets."""
        self.fault, self.skip, self.change, self.pace, self.end, self.work = None, 0, None, 9, "finish", None
        spec = RangeSpec("record", ("in",), lambda *_: None, max_records=3)
        self.source = RangeSource(spec, self.parts)
        self.source._deliver = self.deliver
        self.consumer = self.source._thread.consumer = MemoryConsumer(self.broker, self)
        self.consumer.announce(Rebalance(frozenset(assigned)))
        self.attempt(self.turn_once, 0)

    def deliver(self, work):
        self.work = work
        self.write(self.pace)

    def write(self, most):
        """The agent writes so many ranges more; it is finished after the last, or after one that it gave up."""
        left = self.work.ranges[self.work.written :]
        for planned, messages in left[:most]:
            self.insert(planned, [message.offset() for message in messages])
            self.work.written += 1
        if len(left) <= most or self.work.given_up:
            self.work.finished()

    def insert(self, planned, offsets):
        there = self.rows.setdefault(planned.token, offsets)
        assert there == offsets, f"other rows under the token {planned.token}"

    def decide_elsewhere(self, most):
        """Another owner plans, writes and commits so many ranges of each partition, and leaves one planned."""
        for place in PARTITIONS if most else ():
            for ends in [True] * (most - 1) + [False]:
                self.one_elsewhere(place, ends=ends)

    def one_elsewhere(self, place, *, ends):
        cursor = read_cursor(*self.broker.offsets[place])
        offsets = [record.offset() for record in self.broker.since(place, cursor.start)]
        planned = plan_range(*place, cursor, offsets, 2)
        if planned is not None:
            self.insert(planned, [offset for offset in offsets if offset < planned.end])
            self.broker.offsets[place] = (planned.end, "") if ends else (planned.start, planned.plan)

    def called(self, what):
        if what == "keep alive":
            self.while_it_lasts()
        if self.fault is None or self.fault.call != what:
            return None
        self.skip -= 1
        if self.skip >= 0:
            return None
        fault, self.fault = self.fault, None
        if fault.late:
            return fault
        raise fault.error()

    def while_it_lasts(self):
        """The write was not finished at once: the group changes, then the agent ends as it was told."""
        if self.change:
            change, self.change = self.change, None
            self.consumer.announce(change._replace(late=False))
        elif self.end == "crash":
            raise Crash
        elif self.end == "bug":
            self.work.finished()
        elif self.end == "give up" and not self.source._thread.stopping:
            self.source.halt()
        elif self.end == "give up":
            self.clock.now += 10
        else:
            self.write(9)

    def turn_once(self, found):
        self.consumer.found = found
        self.source._write_ranges()
        if self.end != "finish":
            raise Crash  # it failed or was stopped
        if self.work:
            self.write(1)  # what was given up may still be under way
            self.work = None

    def attempt(self, step, *arguments):
        assigned = tuple(self.source._cursors) or PARTITIONS
        try:
            step(*arguments)
        except Crash:
            self.boot(assigned)
        self.fault, self.skip, self.change, self.pace, self.end, self.work = None, 0, None, 9, "finish", None

    @rule(place=places, count=st.integers(0, 4), hole=st.integers(0, 3))
    def publish(self, place, count, hole):
        self.broker.publish(place, [b""] * count, hole)

    @rule(place=places, count=st.integers(1, 6))
    def poison(self, place, count):
        """A batch that the client library cannot unpack: what stands for its records is written as they would be."""
        self.broker.poison(place, count, b"")

    @rule(
        found=st.integers(1, 7),
        first=places,
        pace=st.sampled_from([0, 1, 9]),
        end=st.sampled_from(ENDS),
        fault=faults,
        skip=st.integers(0, 1),
        change=st.one_of(st.none(), rebalances),
    )
    def turn(self, found, first, pace, end, fault, skip, change):
        self.consumer.order = (first, *(place for place in PARTITIONS if place != first))
        self.pace, self.end, self.fault, self.skip, self.change = pace, end, fault, skip, change
        self.attempt(self.turn_once, found)

    @rule(known=st.frozensets(places), fault=faults)
    def pass_markers(self, known, fault):
        """The poll thread looks for ends behind markers; of the partitions in `known` they were asked for just now."""
        self.fault = fault
        self.attempt(look_for_markers, self, known)

    @rule()
    def refuse(self):
        """To where records wait unwritten before the markers that were read over, so that such stories are told often."""
        self.fault = Fault("commit", "plain")
        self.attempt(self.turn_once, 9)
        self.attempt(look_for_markers, self, PARTITIONS)

    @rule(change=rebalances)
    def announce(self, change):
        if self.consumer.coming is None:
            self.consumer.announce(change)

    @invariant()
    def no_record_is_written_twice_and_what_is_committed_is_written(self):
        for place in PARTITIONS:
            written = self.written(place)
            assert len(written) == len(set(written)), f"{place} has records twice"
            assert set(self.broker.before(place, self.broker.committed(place))) <= set(written), f"{place} has a gap"

    def written(self, place):
        topic, number = place
        return [
            offset for token, rows in self.rows.items() if token.startswith(f"{topic}/{number}/") for offset in rows
        ]

    def teardown(self):
        """Nothing disturbs any more: every record is written, and committed."""
        self.drain()
        self.consumer.announce(Rebalance(frozenset(PARTITIONS)))
        self.drain()
        self.turn_once(9)
        look_for_markers(self, PARTITIONS)
        all_markers_are_passed(self)

    def drain(self):
        for _ in range(60):
            self.attempt(self.turn_once, 9)
            self.no_record_is_written_twice_and_what_is_committed_is_written()
            if self.consumer.coming is None and all(self.all_committed(place) for place in self.source._cursors):
                return
        raise AssertionError("the worker never finished")

    def all_committed(self, place):
        return not self.broker.since(place, self.broker.committed(place))


@pytest.fixture
def record(monkeypatch, caplog):
    """The machine, over a clock of its own; nothing waits."""
    caplog.set_level(logging.CRITICAL, "processors")
    clock = Clock()
    for name in ("POLL_S", "KEEP_ALIVE_AFTER_S"):
        monkeypatch.setattr(range_source, name, 0.0001)
    monkeypatch.setattr(range_source, "DRAIN_S", 0.001)
    monkeypatch.setattr(range_source, "time", clock)
    member = Member("record", 0)
    parts = WorkerParts(WorkerKafka("127.0.0.1:9"), member, Meters("record", 0), Progress(30.0), die)

    def look_for(_, running):
        monkeypatch.setattr(passage, "Consumer", lambda *_, **__: MemoryLooker(running))

    return type("Model", (Record,), {"clock": clock, "parts": parts, "look_for": look_for})


FIFTEEN_STEPS = settings(SETTINGS, stateful_step_count=15)
HUNT = settings(FIFTEEN_STEPS, max_examples=150, phases=[Phase.generate])


def test_every_record_is_written_once_whatever_happens_around_a_range(record):
    """Crashes and refusals at plan, write and end, writes given up and zombies, rebalances: no row twice, none lost."""
    run_state_machine_as_test(record, settings=FIFTEEN_STEPS)


FAULTS = POLL_THREAD | {
    "the plan is not committed": (
        RangeSource,
        "_write_ranges",
        'not ranges or not self._commit([self._plan_of(planned) for planned, _ in ranges], "the plan")',
        "not ranges",
    ),
    "a refused plan is written": (
        RangeSource,
        "_write_ranges",
        "not ranges or not self",
        "not ranges or not ranges and self",
    ),
    "a plan is not read": (RangeSource, "_assigned", "place.metadata", "None"),
    "unwritten ranges are settled": (RangeSource, "_settle", "work.ranges[: work.written]", "work.ranges"),
    "a stale generation settles": (RangeSource, "_write", "generation == self._thread.generation", "True"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_range_source_without_one_of_its_rules_is_caught(record, plant, fault):
    """Each rule taken out writes a record twice or never, and the same model finds the steps to it."""
    plant(*FAULTS[fault])
    with pytest.raises((AssertionError, KeyError)):
        run_state_machine_as_test(record, settings=HUNT)
