"""What waits first in each partition: read once, and not again while nothing has changed."""

from loanstream.top.backlogs import FirstWaiting

A, B = ("t", 0), ("t", 1)


class Topics:
    """Reads the stamps of the records that wait; of a partition that ends in markers there is none."""

    def __init__(self, **found):
        self.found, self.asked = found, []

    def __call__(self, starts):
        self.asked.append(dict(starts))
        return {place: self.found[f"at{at}"] for place, at in starts.items() if f"at{at}" in self.found}


def test_a_record_that_waits_is_read_once_while_it_waits():
    """However much comes behind it."""
    firsts, read = FirstWaiting(), Topics(at5=1000)
    assert firsts.stamps({A: 5}, {A: 9}, read) == {A: 1000}
    assert firsts.stamps({A: 5}, {A: 99}, read) == {A: 1000}
    assert read.asked == [{A: 5}]


def test_a_stage_that_moved_is_read_again():
    """Another record waits then."""
    firsts, read = FirstWaiting(), Topics(at5=1000, at7=2000)
    firsts.stamps({A: 5, B: 5}, {A: 9, B: 9}, read)
    assert firsts.stamps({A: 7, B: 5}, {A: 9, B: 9}, read) == {A: 2000, B: 1000}
    assert read.asked == [{A: 5, B: 5}, {A: 7}]


def test_markers_are_nothing_that_waits():
    """Until something comes behind them: then the record behind them is found."""
    firsts, read = FirstWaiting(), Topics()
    assert firsts.stamps({A: 5}, {A: 6}, read) == {}
    assert firsts.stamps({A: 5}, {A: 6}, read) == {}
    assert read.asked == [{A: 5}]
    read.found["at5"] = 3000
    assert firsts.stamps({A: 5}, {A: 8}, read) == {A: 3000}
