"""The ledger alone, and the ledger against every order of events that hypothesis can think of."""

from collections import Counter, deque

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from processors.transport.batches import Span
from processors.transport.ledger import OUTDATED, Ledger, Rewind

A, B = ("in", 0), ("in", 1)
PARTITIONS = (A, B)


def admitted(ledger, spans):
    number = ledger.admit(spans, ledger.take_rewinds()[0])
    assert number is not None
    return number


def test_no_more_batches_are_open_than_may_be_in_flight():
    """A slot is free until as many batches are open as may be, and again when one is settled."""
    ledger = Ledger()
    number = admitted(ledger, {A: Span(0, 3)})
    assert not ledger.wait_for_slot(1, 0)
    ledger.settle(number)
    assert ledger.wait_for_slot(1, 0)
    assert ledger.wait_until_empty(0)


def test_an_abort_reads_every_open_batch_again():
    """After an abort each partition goes back to the first offset that is open, and no open batch may be committed."""
    ledger = Ledger()
    first, second = admitted(ledger, {A: Span(5, 8)}), admitted(ledger, {A: Span(8, 9), B: Span(2, 4)})
    ledger.abort()
    assert ledger.live(first) == ledger.live(second) == frozenset()
    assert ledger.take_rewinds()[1] == {A: Rewind(5), B: Rewind(2)}


def test_what_was_polled_before_an_abort_is_not_admitted_after_it():
    """A batch polled past a rewind is refused and read again: the veto."""
    ledger = Ledger()
    admitted(ledger, {A: Span(5, 8)})
    version, _ = ledger.take_rewinds()
    ledger.abort()
    assert ledger.admit({A: Span(8, 12), B: Span(0, 1)}, version) is None
    assert ledger.take_rewinds()[1] == {A: Rewind(5), B: Rewind(0)}


def test_a_deferred_partition_leaves_its_batch_and_all_later_ones():
    """Later messages of a deferred partition must not overtake it; other partitions go on."""
    ledger = Ledger()
    first, second = admitted(ledger, {A: Span(0, 2), B: Span(0, 1)}), admitted(ledger, {A: Span(2, 3), B: Span(1, 2)})
    ledger.defer(first, {A})
    assert ledger.live(first) == ledger.live(second) == {B}
    assert ledger.take_rewinds()[1] == {A: Rewind(0, deferred=True)}


def test_an_abort_does_not_rewind_what_was_deferred_before():
    """The deferred partition was rewound once; going back further would not be wrong, going forward would lose."""
    ledger = Ledger()
    first = admitted(ledger, {A: Span(0, 2), B: Span(0, 1)})
    ledger.defer(first, {A})
    ledger.abort()
    assert ledger.take_rewinds()[1] == {A: Rewind(0, deferred=True), B: Rewind(0)}


def deferred_before():
    """A ledger whose first batch deferred A, was committed without it, and left a second one open that lost A too."""
    ledger = Ledger()
    first, second = admitted(ledger, {A: Span(0, 2), B: Span(0, 1)}), admitted(ledger, {A: Span(2, 3), B: Span(1, 2)})
    ledger.defer(first, {A})
    assert ledger.take_rewinds()[1] == {A: Rewind(0, deferred=True)}
    ledger.settle(first)
    return ledger, second


def test_an_abort_does_not_rewind_forward_what_a_later_batch_lost():
    """The partition is read from the deferred record on already; going to the later batch's first would lose two."""
    ledger, _ = deferred_before()
    ledger.abort()
    assert ledger.take_rewinds()[1] == {B: Rewind(1)}


def test_a_second_deferral_does_not_rewind_forward_either():
    """A stage may defer in a later batch what was taken out of it meanwhile."""
    ledger, second = deferred_before()
    ledger.defer(second, {A, B})
    assert ledger.take_rewinds()[1] == {B: Rewind(1, deferred=True)}


def test_a_new_assignment_cancels_older_rewinds():
    """Reading begins at the committed offsets; a rewind of the time before would decide records twice."""
    ledger = Ledger()
    admitted(ledger, {A: Span(5, 8)})
    ledger.abort()
    ledger.abandon()
    assert ledger.take_rewinds()[1] == {}


def test_what_was_polled_before_an_assignment_is_not_admitted_after_it():
    """The fence of such a batch would be of the older generation."""
    ledger = Ledger()
    version, _ = ledger.take_rewinds()
    ledger.abandon()
    assert ledger.admit({A: Span(0, 1)}, version) is None


def test_outdated_is_never_admitted():
    """A record that arrives although its partition is paused is read again later."""
    assert Ledger().admit({A: Span(3, 4)}, OUTDATED) is None


def test_settling_a_void_batch_changes_nothing():
    """A batch that was voided while it was processed can be closed like any other."""
    ledger = Ledger()
    number = admitted(ledger, {A: Span(0, 1)})
    ledger.abort()
    ledger.settle(number)
    ledger.defer(number, {A})
    assert ledger.take_rewinds()[1] == {A: Rewind(0)}


class Worker(RuleBasedStateMachine):
    """A poll thread, an agent and a commit thread over one ledger, with a broker in memory; every step is a rule.

    `decided` counts how often each record's output was committed: once each, in order, and never past a gap.
    """

    ledger_type: type[Ledger] = Ledger

    def __init__(self):
        super().__init__()
        self.length = dict.fromkeys(PARTITIONS, 6)
        self.committed = dict.fromkeys(PARTITIONS, 0)
        self.decided = Counter()
        self.boot()

    def boot(self):
        self.ledger = self.ledger_type()
        self.channel, self.processed = deque(), deque()
        self.polling = None
        self.begin_at_committed()

    def begin_at_committed(self):
        self.position = dict(self.committed)
        self.paused = set()

    @rule(place=st.sampled_from(PARTITIONS), count=st.integers(1, 4))
    def publish(self, place, count):
        self.length[place] += count

    @precondition(lambda self: self.polling is None)
    @rule()
    def begin_a_poll(self):
        if not self.ledger.wait_for_slot(2, 0):
            return
        version, rewinds = self.ledger.take_rewinds()
        for place, rewind in rewinds.items():
            self.position[place] = rewind.offset
            if rewind.deferred:
                self.paused.add(place)
        self.polling = version

    @precondition(lambda self: self.polling is not None)
    @rule(take=st.integers(1, 5))
    def end_the_poll(self, take):
        version, self.polling = self.polling, None
        spans = {}
        for place in PARTITIONS:
            start, end = self.position[place], min(self.length[place], self.position[place] + take)
            if place not in self.paused and start < end:
                spans[place], self.position[place] = Span(start, end), end
        number = self.ledger.admit(spans, version) if spans else None
        if number is not None:
            self.channel.append((number, spans))

    @precondition(lambda self: self.channel)
    @rule(deferred=st.sets(st.sampled_from(PARTITIONS)))
    def process(self, deferred):
        number, spans = self.channel.popleft()
        live = self.ledger.live(number)
        if not live:
            self.ledger.settle(number)
            return
        self.ledger.defer(number, deferred)  # of what was taken out meanwhile too: the stage was told before
        self.processed.append((number, spans, live - deferred))

    @precondition(lambda self: self.processed)
    @rule(fails=st.booleans())
    def commit(self, fails):
        number, spans, handled = self.processed.popleft()
        live = self.ledger.live(number)
        if live and (fails or live != handled):
            self.ledger.abort()
            return
        for place in live:
            self.decided.update((place, offset) for offset in range(*spans[place]))
            self.committed[place] = spans[place].next
        self.ledger.settle(number)

    @precondition(lambda self: self.processed)
    @rule()
    def defer_at_commit(self):
        number, _, handled = self.processed[0]
        if handled:
            self.ledger.defer(number, {min(handled)})
            self.processed[0] = (number, self.processed[0][1], handled - {min(handled)})

    @rule(take=st.integers(1, 2))
    def poll(self, take):
        if self.polling is None:
            self.begin_a_poll()
        if self.polling is not None:
            self.end_the_poll(take)

    @precondition(lambda self: self.channel)
    @rule(deferred=st.sets(st.sampled_from(PARTITIONS), min_size=1, max_size=1), fails=st.booleans())
    def defer_and_commit(self, deferred, fails):
        self.process(deferred)
        if self.processed:
            self.commit(fails)

    @rule(kind=st.sampled_from(["resume", "resume", "rebalance", "crash"]), elsewhere=st.integers(0, 3))
    def disturb(self, kind, elsewhere):
        if kind == "resume":
            self.paused.clear()
        elif kind == "crash":
            self.boot()
        else:
            self.polling = None
            self.ledger.abandon()
            self.another_worker_decides(elsewhere)
            self.begin_at_committed()

    def another_worker_decides(self, count):
        for place in PARTITIONS:
            end = min(self.length[place], self.committed[place] + count)
            self.decided.update((place, offset) for offset in range(self.committed[place], end))
            self.committed[place] = end

    @invariant()
    def nothing_is_decided_twice_or_skipped(self):
        for place in PARTITIONS:
            assert all(self.decided[place, offset] == 1 for offset in range(self.committed[place])), self.decided
        assert sum(self.decided.values()) == sum(self.committed.values())

    def teardown(self):
        for _ in range(200):
            self.paused.clear()
            if self.polling is None:
                self.begin_a_poll()
            if self.polling is not None:
                self.end_the_poll(take=5)
            if self.channel:
                self.process(deferred=set())
            if self.processed:
                self.commit(fails=False)
            if self.committed == self.length:
                break
        assert self.committed == self.length, "the worker never finished"
        self.nothing_is_decided_twice_or_skipped()


SETTINGS = settings(
    max_examples=150, stateful_step_count=30, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
HUNT = settings(SETTINGS, max_examples=2000, derandomize=True, phases=[Phase.generate])


def test_every_record_is_decided_once_under_any_order_of_events():
    """Polls, aborts, deferrals, rebalances and crashes in any order: nothing is lost, nothing decided twice."""
    run_state_machine_as_test(Worker, settings=SETTINGS)


class WithoutVeto(Ledger):
    def _vetoed(self, version):
        return False


class KeepsRewindsOverAssignments(Ledger):
    def abandon(self):
        kept = dict(self._rewinds)
        super().abandon()
        self._rewinds = kept


class WithdrawsFromOneBatchAlone(Ledger):
    def defer(self, number, partitions):
        others = {later: set(entry.withdrawn) for later, entry in self._open.items() if later != number}
        super().defer(number, partitions)
        for later, withdrawn in others.items():
            self._open[later].withdrawn = withdrawn


class RewindsAtAbortWhatWasWithdrawn(Ledger):
    def abort(self):
        for entry in self._open.values():
            entry.withdrawn.clear()
        super().abort()


class DefersWhatWasWithdrawn(Ledger):
    def defer(self, number, partitions):
        if number in self._open:
            self._open[number].withdrawn -= set(partitions)
        super().defer(number, partitions)


FAULTS = (
    WithoutVeto,
    KeepsRewindsOverAssignments,
    WithdrawsFromOneBatchAlone,
    RewindsAtAbortWhatWasWithdrawn,
    DefersWhatWasWithdrawn,
)


@pytest.mark.parametrize("broken", FAULTS)
def test_a_ledger_with_a_known_fault_is_caught(broken):
    """The same machine finds the rewind race, a stale rewind, an overtaken partition and rewinds forward within its examples."""
    machine = type("Broken", (Worker,), {"ledger_type": broken})
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=HUNT)
