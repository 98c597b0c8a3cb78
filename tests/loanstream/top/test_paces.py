"""Rates by the workers' own counts."""

import pytest

from loanstream.top.paces import STALE_MS, Count, rates

NOW = 1_770_888_600_000


def counts(*values, stage="score", worker="w", every_ms=5000, newest_ms=NOW):
    """One worker's counts, the last of them at `newest_ms`."""
    first = newest_ms - every_ms * (len(values) - 1)
    return [Count(stage, worker, first + every_ms * number, value) for number, value in enumerate(values)]


def test_the_last_ten_seconds_are_not_the_last_minute():
    """A burst shows at once, and a minute later is gone from the first figure."""
    told = counts(0, *[0] * 10, 50, 150)
    assert rates(told, 10_000, NOW) == {"score": 15.0}
    assert rates(told, 60_000, NOW) == {"score": 2.5}


def test_the_workers_of_a_stage_are_one_rate():
    """Whatever the order in which their counts are found."""
    told = counts(0, 50, 100) + counts(7, 7, 27, worker="v") + counts(0, 0, 10, stage="verify")
    assert rates(reversed(told), 10_000, NOW) == {"score": 12.0, "verify": 1.0}


def test_a_worker_that_began_again_counts_from_nought():
    """Its restart is no negative rate, and no record is counted twice."""
    assert rates(counts(1000, 1050, 20), 10_000, NOW) == {"score": 7.0}


@pytest.mark.parametrize(
    "told", [counts(7), counts(0, 50, 100, newest_ms=NOW - STALE_MS - 1)], ids=["only once", "long ago"]
)
def test_what_is_not_known_is_not_nought(told):
    """Where the recording is behind, or a worker has just begun, no figure stands."""
    assert rates(told, 10_000, NOW) == {}


def test_a_worker_that_is_young_has_the_rate_of_its_life():
    """Rather than none for a minute."""
    assert rates(counts(0, 20), 60_000, NOW) == {"score": 4.0}
