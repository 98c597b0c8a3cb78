"""Whom a model favours is told with intervals, against yardsticks, and held against another library's figures."""

import numpy as np
import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given
from hypothesis import strategies as st

from training.fairness.groups import SMALLEST, fairness
from training.fairness.judged import NOT_STATED, Judged
from training.fairness.yardsticks import held_against, yardsticks
from training.figures import Estimate


def people(rows=2_000, seed=3, shift=0.0, names=("a", "b")):
    """Made-up rows: a score that tells, and groups of which the last scores lower by `shift`."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(list(names), rows)
    deserving = rng.random(rows) < 0.6
    score = rng.normal(size=rows) + 1.5 * deserving - shift * (groups == names[-1])
    probability = 1 / (1 + np.exp(-(score - 0.5)))
    return groups, Judged.at(0.5, probability, deserving)


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d")])
def test_figures_are_those_of_fairlearn(names):
    """Differences and ratios between groups are the other library's, group by group."""
    groups, judged = people(shift=0.8, names=names)
    found = fairness("colour", groups, judged)
    about = {"sensitive_features": groups}
    truth, said = judged.deserving.astype(int), judged.favoured.astype(int)
    apart = [one.figures["parity_difference"].value for one in found.compared]
    rates = {one.name: one.rates["favoured"].value for one in found.groups}
    assert max(rates.values()) - min(rates.values()) == pytest.approx(
        fairlearn.demographic_parity_difference(truth, said, **about)
    )
    assert min(rates.values()) / max(rates.values()) == pytest.approx(
        fairlearn.demographic_parity_ratio(truth, said, **about)
    )
    assert min(apart) == pytest.approx(-fairlearn.demographic_parity_difference(truth, said, **about))
    by_group = fairlearn.MetricFrame(
        metrics={"tpr": fairlearn.true_positive_rate, "fpr": fairlearn.false_positive_rate},
        y_true=truth,
        y_pred=said,
        **about,
    ).by_group
    for one in found.groups:
        assert one.rates["true_positive_rate"].value == pytest.approx(by_group.loc[one.name, "tpr"])
        assert one.rates["false_positive_rate"].value == pytest.approx(by_group.loc[one.name, "fpr"])
    if len(names) == 2:
        (only,) = found.compared
        assert only.figures["odds_difference"].value == pytest.approx(
            fairlearn.equalized_odds_difference(truth, said, **about)
        )


def test_intervals_hold_what_they_promise():
    """Of 200 samples about 95 in 100 have the true difference inside: groups that are alike, true difference nought."""
    inside = 0
    for seed in range(200):
        groups, judged = people(rows=600, seed=seed)
        (only,) = fairness("colour", groups, judged, reference="a").compared
        found = only.figures["parity_difference"]
        inside += found.low <= 0 <= found.high
    assert 180 <= inside <= 199


def test_a_group_too_small_is_named_with_its_size_alone():
    """Figures of few people say something about persons; whoever did not say is no group and is counted."""
    groups, judged = people(rows=500)
    groups = groups.astype("<U12")
    groups[: SMALLEST - 1] = "rare"
    groups[SMALLEST : SMALLEST + 30] = NOT_STATED
    found = fairness("colour", groups, judged)
    rare = next(one for one in found.groups if one.name == "rare")
    assert (rare.rows, rare.rates, rare.calibration) == (SMALLEST - 1, {}, None)
    assert "rare" not in {one.name for one in found.compared}
    assert found.not_stated == 30
    assert sum(one.rows for one in found.groups) + found.not_stated == found.rows == 500


def test_a_handful_with_the_highest_rate_is_no_reference():
    """A group of less than a tenth of all is compared, and nobody is held against it."""
    groups, judged = people(rows=1_000)
    groups[:30] = "z"
    favoured = judged.favoured.copy()
    favoured[:30] = True
    found = fairness("colour", groups, Judged(favoured, judged.deserving, judged.probability))
    assert found.reference in {"a", "b"}
    assert "z" in {one.name for one in found.compared}
    with pytest.raises(ValueError, match="no group of at least 20 rows"):
        fairness("colour", groups, judged, reference="nobody")


def test_one_group_alone_is_held_against_nobody():
    """A column in which all say the same gives its figures and no comparison; one that nobody filled in gives none."""
    groups, judged = people(rows=200, names=("a",))
    assert fairness("colour", groups, judged).compared == ()
    nobody = fairness("colour", np.full(200, NOT_STATED), judged)
    assert (nobody.groups, nobody.reference, nobody.not_stated) == ((), None, 200)


def test_promises_that_a_group_did_not_keep_are_seen():
    """Calibration within groups: the mean probability less the share that deserved."""
    groups, judged = people(rows=4_000)
    promised = np.where(groups == "b", np.minimum(judged.probability + 0.2, 1), judged.probability)
    found = {one.name: one for one in fairness("colour", groups, Judged.at(0.5, promised, judged.deserving)).groups}
    assert found["b"].calibration.low > found["a"].calibration.high
    assert found["b"].calibration_error > found["a"].calibration_error


def test_the_same_rows_give_the_same_bounds_in_any_order():
    """Nothing depends on a clock or on the order of the file but the last digits of means."""
    groups, judged = people()
    order = np.random.default_rng(1).permutation(len(groups))
    shuffled = Judged(judged.favoured[order], judged.deserving[order], judged.probability[order])
    assert fairness("c", groups, judged).compared == fairness("c", groups, judged).compared
    assert fairness("c", groups[order], shuffled).compared == fairness("c", groups, judged).compared


@given(st.floats(0.0, 1.0), st.integers(1, 500))
def test_a_yardstick_says_missed_only_of_what_is_beyond_its_bound(value, rows):
    """Whatever the sample: a value that meets the bound is never called missed, and too few say nothing."""
    four_fifths = yardsticks()["us-four-fifths"]
    found = four_fifths.result(Estimate(value, max(value - 0.1, 0), value + 0.1), rows)
    if rows < four_fifths.needs:
        assert found == "too few"
    else:
        assert (found == "missed") == (value < 0.8)


def test_every_yardstick_says_where_it_stands():
    """A profile is data with a source; a group that is refused far more often misses the four fifths."""
    for one in yardsticks().values():
        assert one.about
        assert one.source
    groups, judged = people(rows=4_000, shift=1.5)
    results = {held.yardstick: held.result for held in held_against(fairness("c", groups, judged), yardsticks())}
    assert results["us-four-fifths"] == "missed"
    assert results["us-standardised-difference"] == "missed"
    alike = held_against(fairness("c", *people(rows=4_000)), yardsticks())
    assert {held.result for held in alike if held.yardstick == "us-four-fifths"} == {"met"}
