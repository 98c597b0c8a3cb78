"""The simulation says whether an alarm keeps what it states, and says so where it does not."""

from dataclasses import replace

import numpy as np
import pytest

from dashboards.alarms import simulate, world
from dashboards.alarms.cases import BANK, CASES, PLAIN, TESTS
from dashboards.alarms.table import ALERTS


def test_every_statistical_alarm_is_simulated_with_a_shift_that_it_must_find():
    """None states a level that nobody looked at, and none a level alone: one that never fires keeps every level."""
    assert {case.alert for case in CASES if case.planted} == {
        alert.id for alert in ALERTS.values() if alert.kind == "sequential"
    }


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}, {case.bank}")
def test_twenty_quiet_years_pass_without_an_alarm(case):
    """The short version of `make simulate-alarms`."""
    assert simulate.quiet(case, 20, seed=3).false == 0


@pytest.mark.parametrize(
    ("case", "planted"), [(case, planted) for case in CASES for planted in case.planted],
    ids=lambda each: getattr(each, "says", None) or f"{each.alert}, {each.bank}",
)  # fmt: skip
def test_a_planted_shift_is_found(case, planted):
    """In most of twenty years, within the time stated; and never before it happened."""
    found = simulate.shifted(case, planted, 20, seed=3)
    assert found.within >= 0.7
    assert (found.days > 0).all()


def test_a_plain_test_that_is_looked_at_hourly_keeps_no_level(monkeypatch, capsys):
    """The simulated years are hard enough: what every dashboard does fires in nearly all of them, and the command fails."""
    assert simulate.quiet(PLAIN, 20, seed=3).false >= 19
    monkeypatch.setattr(simulate, "CASES", (PLAIN,))
    assert simulate.main(["--years", "10", "--shifted-years", "2"]) == 1
    said = capsys.readouterr().out
    assert "NO" in said
    assert "1 of 1 missed" in said


def test_without_dispersion_the_alarm_would_not_keep_its_level(monkeypatch):
    """Were applications counted as independent, quiet years would have alarms: the measured dispersion is needed."""
    case = next(case for case in CASES if case.bank == "600 a day, waves of weeks")
    monkeypatch.setattr("dashboards.alarms.sequential.spread", lambda distances, present: np.ones(distances.shape[:-1]))
    assert simulate.quiet(case, 20, seed=3).false > 5


def test_a_shift_that_is_not_found_in_time_is_a_miss():
    """The power that is stated is held against what was found."""
    case = next(case for case in CASES if case.alert == "drift")
    soon = replace(case.planted[0], within_days=0.5)
    assert not simulate.shifted(case, soon, 10, seed=3).holds


def test_simulated_days_vary_more_than_independent_applications_would():
    """The made-up bank is no toy: its days differ by more than chance, its hours have a season, free days another."""
    k, n = world.counts(np.random.default_rng(1), 4, BANK)
    share = k.sum((0, 2)) / n.sum((0, 2))
    free = world.is_free()
    assert share[free].mean() > share[~free].mean() + 0.02
    by_hour = k.sum((0, 1)) / n.sum((0, 1))
    assert by_hour.max() - by_hour.min() > 0.05
    daily_k, daily_n = k.sum(2)[:, ~free], n.sum(2)[:, ~free]
    rate = daily_k.sum() / daily_n.sum()
    assert ((daily_k - daily_n * rate) ** 2 / (daily_n * rate * (1 - rate))).mean() > 2


@pytest.mark.parametrize(
    ("events", "of", "low", "high"), [(0, 100, 0, 0.0362), (10, 100, 0.049, 0.1762), (5, 5, 0.4782, 1)]
)
def test_the_interval_is_clopper_and_pearsons(events, of, low, high):
    """Against the published table."""
    assert simulate.clopper_pearson(events, of) == pytest.approx((low, high), abs=1e-4)


def test_the_same_seed_tells_the_same():
    """A figure of the page can be made again; and each alarm's numbers are its own, whatever else is simulated."""
    case = CASES[0]
    once, again = (simulate.shifted(case, case.planted[0], 3, seed=5).days for _ in range(2))
    assert (once == again).all()
    assert (once != simulate.shifted(case, case.planted[0], 3, seed=6).days).any()


def test_one_alarm_can_be_simulated_alone(capsys):
    """With a word of progress, and 0 where all holds."""
    assert simulate.main(["--alert", "drift", "--years", "5", "--shifted-years", "5"]) == 0
    said = capsys.readouterr().out
    assert "1 of 2: drift" in said
    assert "approval_rate │" not in said
    assert TESTS["drift"].level == 0.01
