"""Figures with their intervals: what scikit-learn says, bounds that hold, and no dependence on the rows' order."""

import time

import numpy as np
import pytest
from sklearn import metrics

from training.figures import REPLICATES, bootstrap, ece_noise_floor, estimates


def scored(n, *, shift=-2.0, seed=7, rounded=None):
    """Probabilities that are exactly right, and labels drawn with them."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(1.3 * rng.normal(size=n) + shift)))
    p = p if rounded is None else np.round(p, rounded)
    return p, (rng.random(n) < p).astype(np.int64)


@pytest.mark.parametrize("rounded", [None, 1])
def test_the_values_are_those_of_the_field(rounded):
    """Whoever checks a figure with scikit-learn finds the same one, ties included."""
    p, y = scored(3_000, rounded=rounded)
    found = {name: estimate.value for name, estimate in estimates(p, y, replicates=10).items()}
    false, true, _ = metrics.roc_curve(y, p)
    called = p > 0.5
    expected = {
        "auc": metrics.roc_auc_score(y, p),
        "gini": 2 * metrics.roc_auc_score(y, p) - 1,
        "ks": (true - false).max(),
        "brier": metrics.brier_score_loss(y, p),
        "log_loss": metrics.log_loss(y, np.clip(p, 1e-15, 1 - 1e-15)),
        "accuracy": metrics.accuracy_score(y, called),
        "precision": metrics.precision_score(y, called),
        "recall": metrics.recall_score(y, called),
        "f1": metrics.f1_score(y, called),
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_the_ece_is_that_of_fifteen_bins_of_equal_mass():
    """Where no two probabilities are equal the bins are fifteenths of the sorted rows."""
    p, y = scored(1_500)
    order = np.argsort(p)
    gaps = [abs(p[part].mean() - y[part].mean()) for part in np.split(order, 15)]
    assert estimates(p, y, replicates=10)["ece"].value == pytest.approx(np.mean(gaps), rel=1e-9)


def test_the_order_of_rows_does_not_matter_for_the_ece():
    """Equal probabilities lie in one bin: a file that is sorted by outcome has no other figure."""
    p, y = scored(997, rounded=1)
    by_outcome = np.argsort(y)
    one, other = (estimates(a, b, replicates=10)["ece"].value for a, b in ((p, y), (p[by_outcome], y[by_outcome])))
    assert one == pytest.approx(other, rel=1e-12)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """Of 60 samples of one population some 95 % have its AUC and its Brier score within their bounds."""
    truth = estimates(*scored(400_000, seed=1), replicates=2)
    held = {"auc": 0, "brier": 0, "log_loss": 0}
    for seed in range(60):
        found = estimates(*scored(600, seed=100 + seed), replicates=200)
        for name in held:
            held[name] += found[name].low <= truth[name].value <= found[name].high
    assert all(51 <= count <= 60 for count in held.values()), held


@pytest.mark.parametrize("n", [30, 400, 5_000])
def test_a_value_lies_within_its_bounds(n):
    """Noise raises an ECE and a KS, and that of a resample twice: their bounds are brought down to where they belong."""
    for name, estimate in estimates(*scored(n, shift=-1.0), replicates=200).items():
        assert estimate.low <= estimate.value <= estimate.high, name
        assert name == "gini" or estimate.low >= 0, name


def test_the_noise_floor_is_what_right_probabilities_show():
    """An ECE below it says nothing: drawn labels give the same mean as the formula, at a small and a larger n."""
    for n in (300, 3_000):
        p, _ = scored(n)
        rng = np.random.default_rng(3)
        drawn = [estimates(p, (rng.random(n) < p).astype(np.int64), replicates=1)["ece"].value for _ in range(200)]
        floor = ece_noise_floor(p)
        assert floor.value == pytest.approx(np.mean(drawn), rel=0.06)
        assert floor.low < floor.value < floor.high


def test_repeats_are_no_new_applicants():
    """Three repeats of a cross-validation give their mean, and an interval no narrower than that of one."""
    p, y = scored(800)
    once, thrice = estimates(p, y)["auc"], estimates(np.stack([p, p, p]), y)["auc"]
    assert thrice == once
    assert len(bootstrap(p, y)["auc"]) == REPLICATES


def test_the_same_input_gives_the_same_bounds():
    """The bootstrap is seeded."""
    assert estimates(*scored(500)) == estimates(*scored(500))


def test_nobody_called_positive_is_no_fault():
    """At 7 % of positives a cautious model calls nobody: precision and F1 are 0, and nothing is divided by nought."""
    p, y = scored(400, shift=-4.0)
    found = estimates(np.minimum(p, 0.4), y, replicates=50)
    assert (found["precision"].value, found["recall"].value, found["f1"].value) == (0, 0, 0)


def test_a_large_file_has_its_intervals_in_seconds():
    """150,000 rows with as many different probabilities: below 20 seconds of one processor, here about 4."""
    p, y = scored(150_000)
    start = time.process_time()
    estimates(p, y)
    assert time.process_time() - start < 20
