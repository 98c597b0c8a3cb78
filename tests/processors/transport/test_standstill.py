"""Partitions that stand still are seen and named; what has nothing to do is not one of them."""

import pytest

from processors.transport.runtime import TURN_OF_OTHERS, Progress
from processors.transport.standstill import Standstill
from schemas.records import MemoryMessage

PLACE = ("loan.applications.v1.bank-a", 2)
OTHER = ("loan.applications.v1.bank-a", 3)
PATIENCE_S = 60


class Client:
    """Stands for the client and the brokers: how far it has read, and where the partition ends."""

    def __init__(self, standstill):
        self.standstill = standstill

    def tells(self, place, read_to, end):
        self.standstill.grew({place: end})
        self.standstill.read({place: read_to})


@pytest.fixture
def progress(clock):
    made = Progress(PATIENCE_S / TURN_OF_OTHERS, clock)
    made.reassigned({PLACE: 5, OTHER: 0})
    return made


@pytest.fixture
def client(progress):
    return Client(progress.standstill)


def given(*offsets):
    return [MemoryMessage(*PLACE, offset) for offset in offsets]


def pass_time(clock, progress, seconds):
    clock.now += seconds
    progress.looped(0)


@pytest.mark.parametrize(
    ("read_to", "out"),
    [(-1001, ()), (7, ()), (7, (5, 6)), (9, (5, 6))],
    ids=["nothing read", "some not given out", "some given out", "all given out and not committed"],
)
def test_a_partition_in_which_records_wait_and_nothing_moves_is_named(clock, progress, client, read_to, out):
    """Wherever its records hang, the worker says which partition, since when, and at which offset."""
    progress.standstill.gave(given(*out))
    client.tells(PLACE, read_to, 9)
    pass_time(clock, progress, PATIENCE_S)
    assert progress.complaint() is None
    pass_time(clock, progress, 1)
    assert progress.complaint() == (
        "loan.applications.v1.bank-a[2] stands still at offset 5 for 61 s, and records wait in it"
    )
    assert progress.standstill.waiting == 4


@pytest.mark.parametrize("end", [5, 6, 9], ids=["nothing", "a marker", "aborted records"])
def test_a_partition_that_has_been_read_to_its_end_does_not_stand_still(clock, progress, client, end):
    """Behind the last record there may be transaction markers and aborted records: nobody waits for those."""
    for _ in range(20):
        client.tells(PLACE, end, end)
        pass_time(clock, progress, PATIENCE_S)
    assert progress.complaint() is None
    assert progress.standstill.waiting == 0


def test_a_partition_in_which_nothing_has_been_read_yet_and_that_is_empty_does_not_stand_still(clock, progress, client):
    """The client tells no position of it."""
    for _ in range(20):
        client.tells(PLACE, -1001, 5)
        pass_time(clock, progress, PATIENCE_S)
    assert progress.complaint() is None


def test_a_partition_that_is_no_longer_fetched_is_seen_all_the_same(clock, progress, client):
    """The client has read it to the end, and knows of no other; the brokers know that it has grown."""
    client.tells(PLACE, 6, 6)
    client.tells(PLACE, 6, 8)
    pass_time(clock, progress, PATIENCE_S)
    assert progress.complaint() is None
    pass_time(clock, progress, 1)
    assert "bank-a[2] stands still at offset 5" in progress.complaint()
    client.tells(PLACE, 8, 8)
    assert progress.complaint() is None  # it has been read on to the end: there were markers alone


def test_what_moves_does_not_stand_still_however_much_waits(clock, progress, client):
    """A worker that is behind, and commits, is healthy; time counts from its last commit."""
    for end in range(6, 20):
        client.tells(PLACE, end + 500, 100_000)
        progress.committed({PLACE: end})
        pass_time(clock, progress, 50)
    assert progress.complaint() is None
    assert progress.standstill.waiting == 100_000 - 19
    pass_time(clock, progress, 11)
    assert "stands still at offset 19 for 61 s" in progress.complaint()


def test_committing_the_same_position_again_is_no_progress(clock, progress, client):
    """The record stage commits its plans at the position it has; that does not help the records."""
    client.tells(PLACE, 5, 9)
    for _ in range(7):
        progress.committed({PLACE: 5})
        pass_time(clock, progress, 10)
    assert "offset 5 for 70 s" in progress.complaint()


def test_the_others_going_on_hides_nothing(clock, progress, client):
    """One partition of many stands still while commits come all the time."""
    for end in range(1, 71):
        client.tells(OTHER, end, end)
        client.tells(PLACE, 5, 9)
        progress.committed({OTHER: end})
        pass_time(clock, progress, 1)
    assert "bank-a[2] stands still" in progress.complaint()
    assert "bank-a[3]" not in progress.complaint()


def test_a_deferred_partition_tells_its_own_reason(clock, progress, client):
    """What is down is the better sentence; it is said once."""
    client.tells(PLACE, 5, 9)
    progress.deferred({PLACE: "the store is away"})
    pass_time(clock, progress, PATIENCE_S + 1)
    assert progress.complaint() == "loan.applications.v1.bank-a[2] has been waiting for 61 s: the store is away"
    assert progress.stuck() == []


def test_a_new_assignment_begins_with_nothing_standing_still(clock, progress, client):
    """What another worker has now is its own to tell."""
    client.tells(PLACE, 5, 9)
    pass_time(clock, progress, PATIENCE_S + 1)
    progress.reassigned({OTHER: 0})
    client.tells(PLACE, 5, 9)
    pass_time(clock, progress, PATIENCE_S + 1)
    assert progress.complaint() is None


def test_many_are_told_by_the_first_few(clock):
    """The complaint is one line, the longest first."""
    standstill = Standstill(PATIENCE_S, clock)
    progress = Progress(PATIENCE_S / TURN_OF_OTHERS, clock)
    progress.standstill = standstill
    places = [("in", number) for number in range(9)]
    progress.reassigned(dict.fromkeys(places, 0))
    client = Client(standstill)
    for place in places:
        client.tells(place, 0, 1)
        pass_time(clock, progress, 1)
    pass_time(clock, progress, PATIENCE_S)
    line = progress.complaint()
    assert line.startswith("in[0] stands still")
    assert line.endswith("; and 6 more partitions")
    assert "\n" not in line
