"""The approval rate's alarm on the engine: its e-value is the one that is simulated, and it fires when it should."""

from datetime import timedelta

import numpy as np
import pytest
from alarm_rows import activate, ask, decided, moment

from dashboards.alarms import world
from dashboards.alarms.sequential import BASELINE_DAYS, cell_rates, learn, paths, share_gains
from dashboards.alarms.table import ALERTS

TEST = ALERTS["approval_rate"].test
LONG_KNOWN = {"at": moment(-100), "many": 1, "outcome": "approve"}
"""A decision from before the baseline: the bank is no new one."""


def decisions(k, n):
    """Rows of counts by day and hour, each hour's in its first half."""
    rows = [LONG_KNOWN]
    for day, hour in np.argwhere(n > 0):
        approved, of = int(k[day, hour]), int(n[day, hour])
        at = moment(int(day) - BASELINE_DAYS, int(hour) * 3600)
        rows.append({"at": at, "many": approved, "outcome": "approve"})
        rows.append({"at": at, "many": of - approved, "outcome": ("refer", "decline")[of % 2]})
    return rows


def in_python(k, n, hours):
    """The e-value after `hours` of the period."""
    k, n = k.copy(), n.copy()
    for counted in (k, n):
        counted.reshape(-1)[BASELINE_DAYS * 24 + hours :] = 0
    k, n = world.by_cell(k), world.by_cell(n)
    past, watched = np.s_[:BASELINE_DAYS], np.s_[BASELINE_DAYS : BASELINE_DAYS - (-hours // 24)]
    baseline = learn(k[past], n[past], cell_rates(k[past], n[past]), TEST)
    return paths(share_gains(k[watched], n[watched], baseline, TEST))[-1, -1]


@pytest.mark.parametrize("hours", [1, 13, 24, 24 * 40 + 11, 24 * 364 + 23])
@pytest.mark.parametrize("to", [None, 0.45])
def test_the_query_computes_the_e_value_that_is_simulated(warehouse, hours, to):
    """What `make simulate-alarms` shows, it shows of the alarm itself: at the end of a day and in the midst of one."""
    shift = world.Shift(to, day=30) if to else None
    k, n = world.counts(np.random.default_rng(hours), 1, world.World(volume=150, rate=0.6, shift=shift))
    k, n = k[0], n[0]
    n[95] = k[95] = n[40] = k[40] = 0  # days without an application
    decided(warehouse, decisions(k, n))
    activate(warehouse)
    found = ask(warehouse, "approval_rate", moment(0) + timedelta(hours=hours, seconds=-1))
    assert found["bank-a"]["e_value"] == pytest.approx(in_python(k, n, hours), rel=1e-9)


def weeks(share, days, of=200):
    """Even days at noon: `share` of `of` approved."""
    approved = round(share * of)
    return [
        {"at": moment(day, 43_200), "many": many, "outcome": outcome}
        for day in days
        for outcome, many in (("approve", approved), ("decline", of - approved))
    ]


@pytest.mark.parametrize(("share", "fires"), [(0.60, False), (0.57, False), (0.45, True), (0.75, True)])
def test_it_fires_where_approvals_leave_their_band_and_not_where_they_stay(warehouse, share, fires):
    """Three points fewer than usual are no alarm within ten days; fifteen are, upwards as well."""
    rows = [LONG_KNOWN, *weeks(0.6, range(-90, 0)), *weeks(share, range(10))]
    decided(warehouse, rows)
    activate(warehouse)
    found = ask(warehouse, "approval_rate", moment(10))["bank-a"]
    assert (found["value"] >= 1) is fires
    assert found["share"] == pytest.approx(share)
    assert found["low"] < 0.6 < found["high"]


def test_ten_applications_never_raise_an_alarm(warehouse):
    """However unusual they are: with fewer decisions in the last week than the table's minimum nothing fires."""
    rows = [LONG_KNOWN, *weeks(0.6, range(-90, 0)), *weeks(0.0, range(30), of=10)]
    decided(warehouse, rows)
    activate(warehouse)
    found = ask(warehouse, "approval_rate", moment(30))["bank-a"]
    assert found["e_value"] > 1e6
    assert found["value"] == 0
    lower = {"approval_rate": {"bank-a": {"minimum": 70.0}}}
    assert ask(warehouse, "approval_rate", moment(30), lower)["bank-a"]["value"] > 1


def test_an_activation_begins_a_new_period(warehouse):
    """What decides has changed: the evidence from before is gone, and the 90 days before it are what is expected."""
    rows = [LONG_KNOWN, *weeks(0.6, range(-90, 0)), *weeks(0.4, range(95))]
    decided(warehouse, rows)
    activate(warehouse)
    assert ask(warehouse, "approval_rate", moment(95))["bank-a"]["value"] >= 1
    activate(warehouse, tenant="bank-b", day=94)  # another bank's changes nothing here
    assert ask(warehouse, "approval_rate", moment(95))["bank-a"]["value"] >= 1
    activate(warehouse, tenant="bank-a", day=94, lead_ms=10_000)
    found = ask(warehouse, "approval_rate", moment(95))["bank-a"]
    assert found["value"] < 1
    assert found["usual"] == pytest.approx(0.4, abs=0.001)


def test_a_bank_is_watched_by_its_own_numbers(warehouse):
    """One bank's shift is no other bank's alarm, and a bank may have a tolerance of its own."""
    rows = [LONG_KNOWN, *weeks(0.6, range(-90, 0)), *weeks(0.5, range(10))]
    calm = [row | {"tenant": "bank-b"} for row in [LONG_KNOWN, *weeks(0.6, range(-90, 10))]]
    decided(warehouse, rows + calm)
    activate(warehouse)
    found = ask(warehouse, "approval_rate", moment(10))
    assert [found[bank]["value"] >= 1 for bank in ("bank-a", "bank-b")] == [True, False]
    wide = {"approval_rate": {"bank-a": {"tolerance": 0.15}}}
    assert ask(warehouse, "approval_rate", moment(10), wide)["bank-a"]["value"] < 1


def test_a_new_bank_is_learnt_from_first(warehouse):
    """Of a bank's first 90 days nobody knows what is usual: there is no row, and no alarm."""
    decided(warehouse, weeks(0.6, range(-80, 0)) + weeks(0.1, range(5)))
    activate(warehouse)
    assert ask(warehouse, "approval_rate", moment(5)) == {}


def test_a_period_begins_with_a_whole_hour(warehouse):
    """Decisions are counted by hours: those made in the hour of the activation belong to what was usual before."""
    decided(
        warehouse, [LONG_KNOWN, *weeks(0.6, range(-90, 0)), {"at": moment(0, 900), "many": 300, "outcome": "decline"}]
    )
    activate(warehouse, day=600 / 86_400)
    assert ask(warehouse, "approval_rate", moment(0, 3599)) == {}
    found = ask(warehouse, "approval_rate", moment(0, 7200))["bank-a"]
    assert found["e_value"] == 1
    assert found["usual"] < 0.6
