"""Dead letters, drift, calibration, fairness on the engine: the e-values that are simulated, and when they fire."""

from itertools import permutations

import numpy as np
import pytest
from alarm_rows import activate, ask, decided, died, moment

from dashboards.alarms import cases, world
from dashboards.alarms.sequential import BASELINE_DAYS, cell_rates, learn, learn_pair, pair_gains, paths, share_gains
from dashboards.alarms.table import ALERTS

LONG_KNOWN = {"at": moment(-100), "many": 1}
EXACTLY = {"rel": 1e-9}


def noon(index):
    """Noon of a simulated day, the baseline's first."""
    return moment(int(index) - BASELINE_DAYS, 43_200)


# dead letters


def letters(k, n):
    """Decisions, and dead letters beside them, from counts by day and hour."""
    places = [(day, hour, moment(int(day) - BASELINE_DAYS, int(hour) * 3600)) for day, hour in np.argwhere(n > 0)]
    return (
        [LONG_KNOWN, *({"at": at, "many": int(n[day, hour] - k[day, hour])} for day, hour, at in places)],
        [{"at": at, "many": int(k[day, hour])} for day, hour, at in places],
    )


@pytest.mark.parametrize("to", [None, 0.04])
def test_dead_letters_e_value_is_the_simulated_one(warehouse, to):
    """In the midst of a day, with and without a shift."""
    shift = world.Shift(to, day=30) if to else None
    bank = world.World(volume=300, rate=0.004, day_effect=0.5, hour_effect=0.5, shift=shift)
    k, n = (each[0] for each in world.counts(np.random.default_rng(5), 1, bank))
    for counted in (k, n):
        counted.reshape(-1)[(BASELINE_DAYS + 40) * 24 + 11 :] = 0
    decisions, dead = letters(k, n)
    decided(warehouse, decisions)
    died(warehouse, dead)
    activate(warehouse)
    k, n = world.by_cell(k), world.by_cell(n)
    test = ALERTS["dead_letter_rate"].test
    baseline = learn(k[:90], n[:90], cell_rates(k[:90], n[:90]), test)
    expected = paths(share_gains(k[90:131], n[90:131], baseline, test))[-1, -1]
    found = ask(warehouse, "dead_letter_rate", moment(40, 11 * 3600))
    assert found["bank-a"]["e_value"] == pytest.approx(expected, **EXACTLY)


@pytest.mark.parametrize(("share", "fires"), [(0.01, False), (0.06, True)])
def test_dead_letters_fire_above_what_is_tolerated(warehouse, share, fires):
    """One in a hundred is tolerated for ever; six in a hundred are found within five days."""
    decided(warehouse, [LONG_KNOWN, *({"at": moment(day, 43_200), "many": 500} for day in range(-90, 5))])
    rows = [
        {"at": moment(day, 43_200), "many": round(500 * (share if day >= 0 else 0.002)), "cause": "x"}
        for day in range(-90, 5)
    ]
    died(warehouse, rows)
    activate(warehouse)
    assert (ask(warehouse, "dead_letter_rate", moment(5))["bank-a"]["value"] >= 1) is fires


def test_ten_dead_letters_of_a_bank_that_sends_little_are_no_alarm(warehouse):
    """Ten records in a week, all of them dead, are below the least sample."""
    decided(warehouse, [LONG_KNOWN, *({"at": moment(day, 43_200), "many": 5} for day in range(-90, 0))])
    died(warehouse, [{"at": moment(day, 40_000), "many": 2} for day in range(5)])
    activate(warehouse)
    found = ask(warehouse, "dead_letter_rate", moment(5))["bank-a"]
    assert found["share"] >= 0.4
    assert found["value"] == 0


# drift


def scored(fine):
    """Decisions whose scores lie in the middle of fine bins, from counts by day and bin."""
    width = fine.shape[-1]
    return [
        LONG_KNOWN | {"score_final": None},
        *(
            {"at": noon(day), "many": int(fine[day, number]), "score_final": (number + 0.5) / width}
            for day, number in np.argwhere(fine > 0)
        ),
    ]


@pytest.mark.parametrize("to", [None, 0.7])
def test_drifts_evidence_is_the_simulated_one(warehouse, to):
    """E-value of ten bins and PSI of seven days, with the deciles of the baseline."""
    shift = world.Shift(to, day=10, hour=0) if to else None
    bank = world.World(volume=300, rate=0.5, shift=shift)
    fine = world.scores(np.random.default_rng(6), 1, bank)
    decided(warehouse, scored(fine[0, : BASELINE_DAYS + 31]))  # of the last day only a half has passed
    activate(warehouse)
    found = ask(warehouse, "drift", moment(30, 50_000))["bank-a"]
    bins = cases.deciles(fine)
    expected = cases.e_values_of_bins(bins, ALERTS["drift"].test)
    assert found["e_value"] == pytest.approx(expected[0, 29], **EXACTLY)
    assert found["psi"] == pytest.approx(cases.psi(bins)[0, 29], **EXACTLY)


@pytest.mark.parametrize(("tilt", "fires"), [(0.0, False), (0.45, False), (0.9, True)])
def test_drift_fires_where_scores_moved_by_a_psi_that_counts(warehouse, tilt, fires):
    """A PSI of 0.07 is seen and is no alarm; one of 0.27 is."""
    place = np.linspace(-1, 1, 20)
    weights = [np.exp(t * place) / np.exp(t * place).sum() for t in (0.0, tilt)]
    fine = np.array([np.round(600 * weights[day >= 0]) for day in range(-90, 14)])
    decided(warehouse, scored(fine))
    activate(warehouse)
    found = ask(warehouse, "drift", moment(14))["bank-a"]
    assert (found["value"] >= 1) is fires
    if tilt:
        assert found["e_value"] > 125  # it is no chance


def test_ten_scores_are_no_drift(warehouse):
    """However far away they lie."""
    fine = np.zeros((104, 20))
    fine[:90] = 12
    fine[90:, 0] = 10
    decided(warehouse, scored(fine[:91]))
    activate(warehouse)
    found = ask(warehouse, "drift", moment(1))["bank-a"]
    assert found["psi"] > 1
    assert found["value"] == 0


# calibration


def reviewed(warehouse, k, n, said):
    """Applications that people decided, from counts by day and probability."""
    own = [
        {
            "at": noon(day), "many": int(many), "p_calibrated": said[number], "outcome": outcome,
        }
        for day, number in np.argwhere(n > 0)
        for outcome, many in (("approve", k[day, number]), ("decline", n[day, number] - k[day, number]))
    ]  # fmt: skip
    decided(warehouse, [LONG_KNOWN | {"p_calibrated": None, "outcome": "refer"}, *own])
    warehouse.run(
        "INSERT INTO loanstream.outcomes_log "
        "(tenant, application_id, revision, kind, decision, actor, reason, kafka_offset, kafka_timestamp) "
        "SELECT tenant, application_id, revision, 'human_decision', outcome, 'somebody', 'a reason', kafka_offset, "
        "accepted_at + 60 FROM loanstream.decisions_log WHERE p_calibrated IS NOT NULL"
    )


@pytest.mark.parametrize("to", [None, -0.8])
def test_calibrations_e_value_is_the_simulated_one(warehouse, to):
    """People's decisions against p_calibrated, by whole days."""
    shift = world.Shift(to, day=10, hour=0) if to else None
    bank = world.World(volume=80, rate=0.5, day_effect=0.2, shift=shift)
    k, n, said = world.reviews(np.random.default_rng(7), 1, bank)
    reviewed(warehouse, k[0, : BASELINE_DAYS + 26], n[0, : BASELINE_DAYS + 26], said)
    activate(warehouse)
    test = ALERTS["calibration"].test
    baseline = learn(k[:, :90], n[:, :90], said[None], test)
    expected = paths(share_gains(k[:, 90:115], n[:, 90:115], baseline, test).sum(-2, keepdims=True))[0, -1, 0]
    found = ask(warehouse, "calibration", moment(25, 50_000))["bank-a"]
    assert found["e_value"] == pytest.approx(expected, **EXACTLY)


@pytest.mark.parametrize(("approved", "fires"), [(0.50, False), (0.54, False), (0.25, True), (0.75, True)])
def test_calibration_fires_where_people_approve_another_share(warehouse, approved, fires):
    """The model says a half: four points more are within the tolerance, twenty-five are not."""
    n = np.full((104, 1), 60.0)
    k = np.array([[30.0]] * 90 + [[round(60 * approved)]] * 14)
    reviewed(warehouse, k, n, [0.5])
    activate(warehouse)
    found = ask(warehouse, "calibration", moment(14))["bank-a"]
    assert (found["value"] >= 1) is fires
    assert found["predicted"] == pytest.approx(0.5)


def test_a_review_is_held_against_the_first_decision(warehouse):
    """A decision made again, with another probability, changes nothing."""
    n, k = np.full((104, 1), 60.0), np.full((104, 1), 30.0)
    reviewed(warehouse, k, n, [0.5])
    activate(warehouse)
    before = ask(warehouse, "calibration", moment(14))
    warehouse.run(
        "INSERT INTO loanstream.decisions_log SELECT * REPLACE (kafka_offset + 50000 AS kafka_offset, "
        "0.9 AS p_calibrated, accepted_at + 1 AS accepted_at) FROM loanstream.decisions_log"
    )
    assert ask(warehouse, "calibration", moment(14)) == before


def test_ten_reviews_are_no_miscalibration(warehouse):
    """Ten people's decisions against the model are below the least sample."""
    n, k = np.full((91, 1), 60.0), np.full((91, 1), 30.0)
    n[90], k[90] = 10, 0
    reviewed(warehouse, k, n, [0.5])
    activate(warehouse)
    assert ask(warehouse, "calibration", moment(1))["bank-a"]["value"] == 0


# fairness

NAMES = ("a", "b", "c")
PARTS, RATIOS = (0.2, 0.5, 0.3), (0.85, 1.0, 0.95)


def members(k, n, attribute):
    """Decisions on the groups of an attribute, from counts by day and group."""
    return [
        {"at": noon(day), "many": int(many), "outcome": outcome, attribute: NAMES[number]}
        for day, number in np.argwhere(n > 0)
        for outcome, many in (("approve", k[day, number]), ("decline", n[day, number] - k[day, number]))
    ]


@pytest.mark.parametrize("to", [None, 0.5])
def test_fairness_e_value_is_the_simulated_one(warehouse, to):
    """Every ordered pair of groups of each attribute, averaged; here of two attributes."""
    shift = world.Shift(to, day=10, hour=0) if to else None
    random = np.random.default_rng(8)
    known = LONG_KNOWN | {"outcome": "refer"}
    test, found = ALERTS["fairness"].test, []
    for attribute, happens in (("gender", shift), ("age_band", None)):
        bank = world.World(volume=200, rate=0.6, shift=happens)
        k, n = (each[0] for each in world.groups(random, 1, bank, PARTS, RATIOS))
        n[95] = k[95] = n[40] = k[40] = [0, 50, 40]  # days without anyone of the first group
        decided(warehouse, [known | {attribute: None}, *members(k[:116], n[:116], attribute)])
        for one, two in permutations(range(3), 2):
            past, now = (
                [(each[days, one], each[days, two]) for each in (k, n)] for days in (np.s_[:90], np.s_[90:115])
            )
            found.append(paths(pair_gains(*now, learn_pair(*past, test), test)[:, None, :])[-1, 0])
    activate(warehouse)
    answer = ask(warehouse, "fairness", moment(25, 50_000))["bank-a"]
    assert answer["e_value"] == pytest.approx(np.mean(found), **EXACTLY)


def two_groups(warehouse, approved, of=100, days=range(-90, 21)):
    """Of group b 60 in a hundred are approved, of group a `approved` in a hundred since the period began."""
    n = np.array([[of, 100] for day in days], float)
    k = np.array([[round(of * (approved if day >= 0 else 0.57)), 60] for day in days], float)
    decided(warehouse, [LONG_KNOWN | {"outcome": "refer", "gender": None}, *members(k, n, "gender")])
    activate(warehouse)


@pytest.mark.parametrize(("approved", "fires"), [(0.57, False), (0.48, False), (0.36, True)])
def test_fairness_fires_below_four_fifths(warehouse, approved, fires):
    """Four fifths exactly are no alarm, however long it is looked at; three fifths are found within three weeks."""
    two_groups(warehouse, approved)
    found = ask(warehouse, "fairness", moment(21))["bank-a"]
    assert (found["value"] >= 1) is fires
    if fires:
        assert found["pair"] == "gender: a against b"
        assert found["impact_ratio"] == pytest.approx(0.6)


def test_a_bank_may_have_a_ratio_of_its_own(warehouse):
    """Where the law says two thirds instead of four fifths, 0.7 is no alarm."""
    two_groups(warehouse, 0.42, of=300, days=range(-90, 60))
    assert ask(warehouse, "fairness", moment(60))["bank-a"]["value"] >= 1
    own = {"fairness": {"bank-a": {"ratio": 0.66}}}
    assert ask(warehouse, "fairness", moment(60), own)["bank-a"]["value"] < 1


def test_a_group_too_small_to_tell_is_in_no_pair(warehouse):
    """Ninety people of a group in ninety days are compared with nobody: no row shows them."""
    two_groups(warehouse, 0.0, of=1, days=range(-90, 1))
    assert ask(warehouse, "fairness", moment(1)) == {}
