"""Tests of two models on the same rows, against figures worked out otherwise."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from training.study.paired import holm, of_calls, of_folds, of_order


def test_folds_are_not_taken_for_independent():
    """The corrected t-test is less sure than the plain one: with five folds its error is half as large again."""
    gained = np.array([0.010, 0.004, 0.012, 0.006, 0.009])
    plain = stats.ttest_1samp(gained, 0.0)
    found = of_folds(gained, 0.2)
    enlarged = math.sqrt((1 / 5 + 0.25) / (1 / 5))
    assert found.value == pytest.approx(gained.mean())
    assert found.p_value == pytest.approx(2 * stats.t.sf(plain.statistic / enlarged, 4))
    assert found.p_value > plain.pvalue
    low, high = plain.confidence_interval()
    assert found.high - found.low == pytest.approx(enlarged * (high - low))


def test_folds_that_are_all_alike_leave_no_doubt():
    """Equal models do not differ; a difference that every fold shows is one."""
    assert of_folds(np.zeros(5), 0.2).p_value == 1.0
    assert of_folds(np.full(5, 0.01), 0.2).p_value == 0.0


def test_only_rows_on_which_models_differ_count():
    """McNemar: nine against one is what a coin does in one case of fifty."""
    right, other = np.ones(1_000, bool), np.ones(1_000, bool)
    right[0], other[1:10] = False, False
    assert of_calls(right, other) == pytest.approx(22 / 1024)
    assert of_calls(right, right) == 1.0


def test_a_difference_of_order_agrees_with_the_bootstrap():
    """DeLong's interval is that of many resamples, and its difference that of the two AUCs."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, 600)
    good, worse = labels + rng.normal(0, 0.8, 600), labels + rng.normal(0, 1.2, 600)
    found = of_order(good, worse, labels)
    assert found.value == pytest.approx(roc_auc_score(labels, good) - roc_auc_score(labels, worse))
    differences = []
    for _ in range(400):
        sample = rng.integers(0, 600, 600)
        if 0 < labels[sample].sum() < 600:
            one, other = (roc_auc_score(labels[sample], p[sample]) for p in (good, worse))
            differences.append(one - other)
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.std(differences), rel=0.15)
    assert of_order(good, good, labels).p_value == 1.0


def test_many_comparisons_ask_for_more():
    """Of twenty p-values of 0.04 none is left; a tiny one stays."""
    assert holm([0.04] * 20) == [pytest.approx(0.8)] * 20
    assert holm([1e-6, 0.5])[0] == pytest.approx(2e-6)
