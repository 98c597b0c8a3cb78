"""The in-flight journal and the slot's lock."""

import pytest

from processors.transport.batches import Span
from processors.transport.journal import InFlightJournal
from processors.transport.slots import SlotLock, SlotTakenError

A, B = ("loan.applications.v1.bank-a", 2), ("loan.applications.v1.bank-b", 0)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "score-0.inflight"


def dies_over(path, spans):
    journal = InFlightJournal(path)
    journal.begin(spans)
    journal.close()


def test_a_batch_that_was_answered_raises_no_suspicion(path):
    """A worker that dies between batches leaves no suspects."""
    journal = InFlightJournal(path)
    journal.begin({A: Span(3, 9)})
    journal.clear()
    assert InFlightJournal(path).suspects() == frozenset()


def test_partitions_of_a_deadly_batch_are_suspect_until_they_are_past_it(path):
    """Each partition of the batch is read one by one up to the last offset that was in it."""
    dies_over(path, {A: Span(3, 9), B: Span(0, 1)})
    journal = InFlightJournal(path)
    assert journal.suspects() == {A, B}
    journal.passed(A, 8)
    assert journal.suspects() == {A, B}
    journal.passed(A, 9)
    assert InFlightJournal(path).suspects() == {B}


def test_a_record_crashes_its_worker_after_two_deaths_alone(path):
    """A death in company proves nothing about one record; the second death alone does."""
    dies_over(path, {A: Span(3, 9)})
    for expected in (False, False, True):
        journal = InFlightJournal(path)
        assert journal.crashes_worker(A, 3) is expected
        assert not journal.crashes_worker(A, 4)
        journal.begin({A: Span(3, 4)})
        journal.close()


def test_a_strike_in_company_proves_nothing_about_a_record(path):
    """One record of each of several partitions: any of them may have struck, so none of them is answered unread."""
    for _ in range(3):
        dies_over(path, {A: Span(3, 4), B: Span(0, 1)})
    journal = InFlightJournal(path)
    assert journal.suspects() == {A, B}
    assert not journal.crashes_worker(A, 3)
    assert not journal.crashes_worker(B, 0)


def test_a_crashing_record_that_was_answered_is_forgotten_with_its_partition(path):
    """Once its offset is committed nothing about it stays in the file."""
    for _ in range(2):
        dies_over(path, {A: Span(3, 4)})
    journal = InFlightJournal(path)
    assert journal.crashes_worker(A, 3)
    journal.passed(A, 4)
    assert not InFlightJournal(path).crashes_worker(A, 3)


def test_a_shorter_state_leaves_nothing_of_a_longer_one(path):
    """The file is written in place, so what was longer before must not show through."""
    journal = InFlightJournal(path)
    journal.begin({("a-topic-with-a-long-name", n): Span(1000, 2000) for n in range(40)})
    journal.begin({A: Span(1, 2)})
    assert InFlightJournal(path).suspects() == {A}


def test_a_torn_file_starts_the_search_again(path):
    """A file that the machine's death cut short is no reason not to start."""
    path.write_bytes(b'{"running":[["t",0,')
    assert InFlightJournal(path).suspects() == frozenset()


def test_a_slot_has_one_holder(tmp_path):
    """The second worker of a slot is told whom it collides with; after the first has left it may have it."""
    first = SlotLock(tmp_path, "score", 0)
    with pytest.raises(SlotTakenError, match=r"slot 0 of stage score is in use by process \d+"):
        SlotLock(tmp_path, "score", 0)
    SlotLock(tmp_path, "score", 1).release()
    first.release()
    SlotLock(tmp_path, "score", 0).release()
