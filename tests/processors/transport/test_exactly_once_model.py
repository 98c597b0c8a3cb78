"""The real source, agent and sink of a stage in one thread, against every order of events that hypothesis can think of.

Kafka is in memory. What two other threads do while one of them calls Kafka is a step taken within that call, so that
races are plain sequences, and a fault is found again by the same steps.
"""

import logging
from collections import deque

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from memory_kafka import Broker, Clock, Crash, Fault, MemoryConsumer, MemoryLooker, MemoryProducer, Rebalance, die
from worker_model import FAULTS as POLL_THREAD
from worker_model import PARTITIONS, SETTINGS, A, all_markers_are_passed, look_for_markers, places

from processors.transport import hosts, parts, passage, sink, source
from processors.transport.batches import Output, Processed
from processors.transport.hosts import StageHost
from processors.transport.ledger import Ledger
from processors.transport.meters import Meters
from processors.transport.passage import Passage
from processors.transport.poll_thread import PollThread
from processors.transport.sink import TransactionalSink
from processors.transport.source import KafkaSource
from processors.transport.specs import StageSpec, WorkerKafka

OPEN_MOST = 3
CALLS = ("begin_transaction", "produce", "send_offsets", "commit_transaction", "abort_transaction", "list_topics")

faults = st.one_of(
    st.none(),
    st.builds(Fault, st.sampled_from(CALLS), st.sampled_from(["retriable", "abortable", "fatal"])),
    st.builds(Fault, st.just("commit_transaction"), st.sampled_from(["retriable", "fatal"]), st.just(True)),
)
polls = st.lists(st.integers(1, 4), min_size=1, max_size=2)
rebalances = st.builds(Rebalance, st.frozensets(places, min_size=1), st.booleans(), st.booleans(), st.integers(0, 3))


class Stage(RuleBasedStateMachine):
    """One worker of a stage; `answered` holds the origins of committed outputs, in order."""

    def __init__(self):
        super().__init__()
        self.journal.unlink(missing_ok=True)
        self.broker = Broker(PARTITIONS)
        self.answered = {place: [] for place in PARTITIONS}
        self.topics = {"out"}
        for place in PARTITIONS:
            self.broker.publish(place, [b"out", b"lost" if place == A else b"out", *[b"out"] * 4], hole=False)
            self.broker.poison(place, 3, b"out")
            self.broker.publish(place, [b"out"], hole=True)
        self.host = None
        self.boot()
        self.turn_once()

    @property
    def progress(self):
        return self.host.progress

    @property
    def journal(self):
        return self.directory / "score-0.inflight"

    def boot(self, assigned=PARTITIONS):
        """A new process: it fences the one before it, then reads from the committed offsets."""
        self.end()
        spec = StageSpec(
            "score", ("in",), self.stage, max_records=3, max_in_flight=OPEN_MOST, commit_records=4, defer_s=5.0
        )
        self.fault, self.company, self.deferring, self.dies = None, {}, frozenset(), False
        self.channel, self.committing = deque(), False
        self.host = StageHost(spec, WorkerKafka("127.0.0.1:9"), 0, self.directory, die)
        self.source, self.sink = self.host._source, self.host._sink
        self.source._deliver, self.source._drain_s = self.channel.append, 0
        self.sink._renew()
        self.consumer = self.source._thread.consumer = MemoryConsumer(self.broker, self)
        self.consumer.announce(Rebalance(frozenset(assigned)))

    def end(self):
        if self.host:
            self.host._journal.close()

    def renewed(self, *_, **__):
        return MemoryProducer(self.broker, self)

    async def stage(self, batch):
        if self.dies:
            raise Crash
        kept = [m for m in batch.messages if (m.topic(), m.partition()) not in self.deferring]
        outputs = [
            Output((m.value() or b"out").decode(), None, (m.partition(), m.offset()), [], (m.topic(), m.partition()))
            for m in kept
        ]
        return Processed(outputs, dict.fromkeys(self.deferring & batch.spans.keys()))

    def answer(self, outputs):
        for partition, offset in outputs:
            self.answered["in", partition].append(offset)

    def decide_elsewhere(self, most):
        for place in PARTITIONS:
            for record in self.broker.since(place, self.broker.committed(place))[:most]:
                self.answered[place].append(record.offset())
                self.broker.offsets[place] = (record.offset() + 1, "")

    def called(self, what):
        """What happens while a thread calls Kafka: first what the others do, then the call's own failure."""
        if what == "keep alive":
            self.make_room()
        for step in self.company.pop(what, ()):
            step()
        fault = self.fault
        if fault is None or fault.call != what:
            return None
        self.fault = None
        if fault.late:
            return fault
        raise fault.error()

    def make_room(self):
        assert self.channel or self.to_commit, "no slot will ever be free"
        self.work()
        self.commit_one()

    @property
    def to_commit(self):
        return self.sink._next is not None or not self.sink._work.empty()

    def work(self):
        if self.channel:
            running = self.host.work(self.channel.popleft())
            with pytest.raises(StopIteration):
                running.send(None)

    def defer(self, deferring):
        self.deferring = deferring
        self.work()
        self.deferring = frozenset()

    def commit_one(self):
        """What the commit thread does with a group; as in `_run`."""
        if self.committing or not self.to_commit:
            return
        self.committing = True
        group = self.sink._next_group()
        if self.sink._doubted.is_set():
            self.sink._renew()
        self.sink._commit_or_abort(group)
        self.committing = False

    def turn_once(self, found=5):
        if self.committing and self.host._ledger.open_batches >= OPEN_MOST:
            return  # the poll thread would wait for the commit that this is a part of
        self.consumer.found = found
        self.source._turn()

    def attempt(self, step, *arguments):
        assigned = tuple(self.source._thread.starts) or PARTITIONS
        try:
            step(*arguments)
        except Crash:
            self.boot(assigned)
        self.fault, self.company = None, {}

    @rule(place=places, values=st.lists(st.sampled_from([b"out", b"out", b"lost"]), max_size=4), hole=st.integers(0, 3))
    def publish(self, place, values, hole):
        self.broker.publish(place, values, hole)

    @rule(place=places, count=st.sampled_from([1, 1, 2, 5]))
    def poison(self, place, count):
        """A batch that the client library cannot unpack; each of its records is answered, by what stands for it."""
        self.broker.poison(place, count, b"out")

    @rule(
        found=st.integers(0, 5),
        first=places,
        half=st.one_of(st.none(), polls),
        company=st.sampled_from([(), ("work",), ("commit",), ("abort",), ("work", "abort")]),
    )
    def turn(self, found, first, half, company):
        """A turn of the poll thread, while the others process and commit between its poll and what it makes of it."""
        self.consumer.order = (first, *(place for place in PARTITIONS if place != first))
        if half:
            self.go_half(half, frozenset())
        steps = {"work": self.work, "commit": self.commit_one, "abort": self.commit_in_vain}
        self.company = {"poll": [steps[name] for name in company]}
        self.attempt(self.turn_once, found)

    @rule(known=st.frozensets(places), fault=faults)
    def pass_markers(self, known, fault):
        """The poll thread looks for ends behind markers; of the partitions in `known` they were asked for just now."""
        self.attempt(look_for_markers, self, known)
        self.fault = fault
        self.attempt(self.work)
        self.fault = fault
        self.attempt(self.commit_one)

    def commit_in_vain(self):
        self.fault = Fault("commit_transaction", "abortable")
        self.commit_one()

    @precondition(lambda self: self.channel)
    @rule(deferring=st.frozensets(places), dies=st.sampled_from([False] * 7 + [True]))
    def process(self, deferring, dies):
        self.dies = dies
        self.attempt(self.defer, deferring)
        self.dies = False

    @rule(
        half=st.one_of(st.none(), polls),
        deferring=st.frozensets(places),
        fault=faults,
        call=st.sampled_from(CALLS[:3]),
        change=st.one_of(st.none(), rebalances),
        work=st.booleans(),
    )
    def commit(self, half, deferring, fault, call, change, work):
        """A transaction, while the other threads process a batch and lose or get partitions."""
        if half:
            self.go_half(half, deferring)
        self.fault = fault
        steps = [self.work] if work else []
        if change:
            steps += [lambda: self.change(change), self.turn_once]
        self.company = {call: steps}
        self.attempt(self.commit_one)

    @rule(polled=polls, deferring=st.frozensets(places))
    def go_half(self, polled, deferring):
        """To where a transaction is due, so that long stories are told often."""
        for found in polled:
            self.attempt(self.turn_once, found)
        self.attempt(self.defer, deferring)

    @rule(change=st.one_of(st.none(), st.none(), rebalances))
    def change(self, change):
        if change and self.consumer.coming is None:
            self.consumer.announce(change)

    @rule(kind=st.sampled_from(["time passes"] * 5 + ["crash", "provision"]))
    def disturb(self, kind):
        if kind == "crash":
            self.boot()
        elif kind == "provision":
            self.topics.add("lost")
        else:
            self.clock.now += 10

    @invariant()
    def every_committed_record_is_answered_once_in_order_and_no_other(self):
        for place in PARTITIONS:
            assert self.answered[place] == self.broker.before(place, self.broker.committed(place)), place

    def teardown(self):
        """Nothing disturbs any more: what is assigned is answered, what lacks its topic holds up no other; then all."""
        self.drain()
        self.topics.add("lost")
        self.drain()
        self.consumer.announce(Rebalance(frozenset(PARTITIONS)))
        self.drain()
        self.turn_once()
        self.pass_the_last_markers()
        self.end()

    def pass_the_last_markers(self):
        look_for_markers(self, PARTITIONS)
        self.work()
        self.commit_one()
        all_markers_are_passed(self)

    def drain(self):
        for _ in range(60):
            self.clock.now += 10
            self.attempt(self.turn_once)
            self.attempt(self.work)
            self.attempt(self.commit_one)
            self.every_committed_record_is_answered_once_in_order_and_no_other()
            if self.consumer.coming is None and self.all_answered():
                return
        raise AssertionError("the worker never finished")

    def all_answered(self):
        return not any(self.due(place) for place in self.source._thread.starts)

    def due(self, place):
        """Whether records of a partition are still to be answered, and can be."""
        left = [record.value().decode() for record in self.broker.since(place, self.broker.committed(place))]
        return left and self.topics.issuperset(left)


@pytest.fixture
def stage(tmp_path, monkeypatch, caplog):
    """The machine, over a folder and a clock of its own; nothing waits."""
    caplog.set_level(logging.CRITICAL, "processors")
    clock = Clock()
    machine = type("Model", (Stage,), {"directory": tmp_path, "clock": clock})
    monkeypatch.setattr(source, "LONG_S", 0)
    monkeypatch.setattr(source, "POLL_S", 0.0001)
    meters = Meters("score", 0)
    monkeypatch.setattr(parts, "Meters", lambda *_: meters)  # to make them anew takes longer than all the rest
    monkeypatch.setattr(passage, "Consumer", lambda *_, **__: MemoryLooker(machine.running))
    for module in (source, sink, hosts):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(sink, "Producer", lambda *_, **__: machine.running.renewed())
    monkeypatch.setattr(machine, "__new__", remembered(machine), raising=False)
    return machine


def remembered(machine):
    """A producer is made for the machine that runs."""

    def new(_, *__):
        machine.running = object.__new__(machine)
        return machine.running

    return new


TWENTY_STEPS = settings(SETTINGS, stateful_step_count=20)
HUNT = settings(TWENTY_STEPS, max_examples=400, phases=[Phase.generate])


def test_every_record_is_answered_once_whatever_happens_around_a_stage(stage):
    """Faults in every call, deferrals, a missing topic, rebalances and crashes: committed means answered once, in order."""
    run_state_machine_as_test(stage, settings=TWENTY_STEPS)


POLL = "messages = self._thread.poll(POLL_S, self._spec.max_records, self._paused_until)\n"
NOTHING = "(lambda *_: None)("
FAULTS = POLL_THREAD | {
    "no veto": (Ledger, "_vetoed", "version != self._version", "False"),
    "offsets of void batches": (TransactionalSink, "_commit", "if any(", "if False and any("),
    "no rewind after an abort": (TransactionalSink, "_abort", "self._ledger.abort()", ""),
    "offsets of deferred partitions": (TransactionalSink, "_commit", "in written.handled}", "in written.batch.spans}"),
    "the group's first batch wins": (
        TransactionalSink,
        "_commit",
        "in written.handled}",
        "in written.handled if place not in ends}",
    ),
    "settled before the commit failed": (
        TransactionalSink,
        "_commit_or_abort",
        "except _Abort as abort:\n",
        "except _Abort as abort:\n        self._settle(ready, began)\n",
    ),
    "a missing topic's partition kept in part": (
        TransactionalSink,
        "_without_missing_topics",
        "output.origin not in deferred",
        "output.topic not in missing",
    ),
    "deferred and forgotten": (TransactionalSink, "_without_missing_topics", "self._ledger.defer(", NOTHING),
    "withdrawn and processed": (StageHost, "work", "_part_of(item, live)", "item"),
    "rewinds taken after the poll": (
        KafkaSource,
        "_turn",
        POLL,
        POLL + "    version, rewinds = self._ledger.take_rewinds()\n    self._rewind(rewinds)\n",
    ),
    "open batches survive a revocation": (KafkaSource, "_forget", "self._ledger.abandon()", ""),
    "a batch answered from where it was met": (Passage, "sought", "self._at[place] = offset", "pass"),
    "held for ever": (PollThread, "seek", "self.consumer.resume(", NOTHING),
    "past a batch unanswered": (
        Passage,
        "_meet",
        "self._at[place] = max(self._at[place], batch.base)",
        "self._at[place] = batch.end",
    ),
    "markers stay": (KafkaSource, "_read_over", "self._open(", NOTHING),
    "no seek": (KafkaSource, "_rewind", "self._thread.seek(", NOTHING),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_transport_without_one_of_its_rules_is_caught(stage, plant, fault):
    """Each rule taken out loses, repeats or holds up a record for ever, and the same model finds the steps to it."""
    plant(*FAULTS[fault])
    with pytest.raises(AssertionError):
        run_state_machine_as_test(stage, settings=HUNT)
