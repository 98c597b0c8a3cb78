"""What the doctor takes for standing still, by looking twice."""

from loanstream.doctor.standing import BUSY_WITHIN_S, MOVES_WITHIN_S, unmoved

A, B = ("in", 0), ("in", 1)


class Group:
    """A group whose partitions move at given seconds; its clock."""

    def __init__(self, moves):
        self.now, self.moves = 0.0, moves

    def sleep(self, seconds):
        self.now += seconds

    def committed(self):
        return {place: 5 + (self.now >= at) for place, at in self.moves.items()}

    def unmoved(self):
        return unmoved({A}, {A: 5, B: 5}, self.committed, lambda: self.now, self.sleep)


def test_a_partition_of_a_group_that_does_nothing_stands_still():
    """That is seen within seconds."""
    group = Group({A: 1000, B: 1000})
    assert group.unmoved() == {A}
    assert group.now == MOVES_WITHIN_S


def test_a_partition_that_moves_does_not():
    """The look ends at once."""
    group = Group({A: 2, B: 1000})
    assert group.unmoved() == set()
    assert group.now == 2


def test_where_others_move_a_partition_gets_time_for_its_turn():
    """A worker that is behind takes them in turn; one that has none for long stands still all the same."""
    assert Group({A: 15, B: 1}).unmoved() == set()
    group = Group({A: 1000, B: 1})
    assert group.unmoved() == {A}
    assert group.now == BUSY_WITHIN_S
