"""Planned ranges: whatever crashes where, the warehouse gets every record once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.transport.ranges import Cursor, OffsetRange, RangeLostError, plan_range, read_cursor


def test_a_range_begins_where_the_last_one_ended_and_not_at_its_first_record():
    """Transaction markers before the first record are part of the range, so that ranges join."""
    assert plan_range("t", 0, Cursor(4), [6, 7, 9], 100) == OffsetRange("t", 0, 4, 10)


def test_a_range_is_cut_at_its_limit():
    """At most `limit` records go into one range."""
    assert plan_range("t", 0, Cursor(0), [0, 1, 2, 3], 2) == OffsetRange("t", 0, 0, 2)


def test_a_planned_range_is_read_completely_before_it_is_written_again():
    """After a crash the range has the same end, and so the same token, whatever the polls bring."""
    cursor = read_cursor(4, "end=10")
    assert plan_range("t", 0, cursor, [4, 6], 100) is None
    found = plan_range("t", 0, cursor, [4, 6, 9, 10, 11], 2)
    assert found == OffsetRange("t", 0, 4, 10)
    assert found.token == "t/0/4-10"


def test_a_planned_range_whose_last_record_is_gone_stops_the_worker():
    """Writing another range under another token could write rows twice: a person must look."""
    with pytest.raises(RangeLostError, match=r"t\[0\]: offsets 4 to 9 were planned"):
        plan_range("t", 0, Cursor(4, 10), [4, 12], 100)


@pytest.mark.parametrize("metadata", [None, "", "end=", "end=4", "end=3", "end=x", "somebody's"])
def test_metadata_that_is_no_plan_ahead_is_no_plan(metadata):
    """An empty, finished or foreign metadata means that nothing is planned."""
    assert read_cursor(4, metadata) == Cursor(4)


class Stopped(Exception):
    pass


@given(
    offsets=st.sets(st.integers(0, 60), min_size=1, max_size=40).map(sorted),
    lives=st.lists(st.tuples(st.integers(0, 12), st.integers(1, 9), st.integers(1, 7)), max_size=12),
)
def test_any_crash_between_plan_write_and_commit_leaves_each_record_written_once(offsets, lives):
    """Each life reads with its own cuts and dies after some steps; a token that was seen has the same rows again."""
    committed, rows, tokens = (0, ""), [], {}

    def live(steps, cut, limit):
        nonlocal committed
        left = steps

        def step():
            nonlocal left
            if left == 0:
                raise Stopped
            left -= 1

        cursor = read_cursor(*committed)
        read = []
        pending = [offset for offset in offsets if offset >= cursor.start]
        while pending or read:
            read, pending = read + pending[:cut], pending[cut:]
            planned = plan_range("t", 0, cursor, read, limit)
            if planned is None:
                continue
            step()
            committed = (planned.start, planned.plan)
            step()
            written = [offset for offset in read if offset < planned.end]
            if planned.token in tokens:
                assert tokens[planned.token] == written
            else:
                tokens[planned.token] = written
                rows.extend(written)
            step()
            committed = (planned.end, "")
            cursor, read = Cursor(planned.end), [offset for offset in read if offset >= planned.end]

    for steps, cut, limit in lives:
        try:
            live(steps, cut, limit)
        except Stopped:
            continue
    live(-1, 5, 6)
    assert rows == offsets
