"""A model is explained as a whole: what counts, which way, and where two explanations disagree."""

from types import SimpleNamespace

import numpy as np
import pytest

from scoring.booster import xgboost
from training.explain.ablation import ablation
from training.explain.asked import PlattBooster, probabilities
from training.explain.dependence import dependence
from training.explain.importance import importance
from training.explain.surrogate import disagreement

NAMES = ("income", "burden", "colour", "copy")


class Known:
    """A model whose truth is written down: income helps, burden hurts above nought only, colour and copy count
    nothing.
    """

    names = NAMES

    def log_odds(self, rows):
        return 2.0 * rows[:, 0] - np.maximum(np.nan_to_num(rows[:, 1]), 0)

    def contributions(self, rows):
        found = np.zeros_like(rows)
        found[:, 0] = 2.0 * rows[:, 0]
        found[:, 1] = -np.maximum(np.nan_to_num(rows[:, 1]), 0)
        return found


@pytest.fixture(scope="module")
def asked():
    """Rows, and labels that follow the known model."""
    rng = np.random.default_rng(7)
    rows = rng.normal(size=(1_200, len(NAMES)))
    rows[:, 3] = rows[:, 0]
    labels = (rng.random(len(rows)) < probabilities(Known(), rows)).astype(np.int64)
    return rows, labels


def test_what_counts_comes_first_and_what_does_not_loses_nothing(asked):
    """A shuffled feature that the model never looks at costs no AUC."""
    found = {one.feature: one for one in importance(Known(), *asked)}
    assert list(found)[:2] == ["income", "burden"]
    assert found["income"].lost > 0.15 > found["burden"].lost > 0.005
    assert found["colour"].lost == found["colour"].moved == 0


def test_which_way_a_feature_moves_is_told_even_where_it_moves_some_alone(asked):
    """Income never lowers, burden never raises and is flat below nought, colour is flat; the band holds single rows."""
    rows, _ = asked
    found = {one.feature: one for one in dependence(Known(), rows)}
    assert {name: one.way for name, one in found.items()} == {
        "income": "never falls",
        "burden": "never rises",
        "colour": "flat",
        "copy": "flat",
    }
    assert 0.3 < found["burden"].falling < 0.7
    assert np.all(found["income"].low <= found["income"].high)
    assert np.all(np.diff(found["income"].mean) > 0)


def test_a_feature_that_helps_some_and_hurts_others_goes_both_ways(asked):
    """A mean that does not move would hide it."""
    rows, _ = asked
    crossed = SimpleNamespace(names=NAMES, log_odds=lambda r: r[:, 0] * np.sign(r[:, 1]))
    found = {one.feature: one.way for one in dependence(crossed, rows)}
    assert found["income"] == "both ways"


def test_missing_values_are_asked_as_they_are(asked):
    """A column with gaps has a dependence over its known values; one that is missing throughout has none."""
    rows = asked[0].copy()
    rows[::3, 1] = np.nan
    rows[:, 2] = np.nan
    assert [one.feature for one in dependence(Known(), rows)] == ["income", "burden", "copy"]
    assert 0 <= disagreement(Known(), rows).first <= 1


def test_two_explanations_agree_on_a_linear_model_and_not_on_a_rough_one(asked):
    """The cross-check finds nothing where there is nothing, and its fit says how much to believe of it."""
    rows, labels = asked
    linear = SimpleNamespace(
        names=NAMES,
        log_odds=lambda r: 3 * r[:, 0] - 1.5 * r[:, 1] + 0.5 * r[:, 2],
        contributions=lambda r: np.column_stack([3 * r[:, 0], -1.5 * r[:, 1], 0.5 * r[:, 2], 0 * r[:, 3]]),
    )
    smooth = disagreement(linear, rows)
    assert smooth.first < 0.05
    assert smooth.fit > 0.95
    rough = xgboost.train({"max_depth": 6, "nthread": 1}, xgboost.DMatrix(rows, label=labels), 60)
    assert disagreement(PlattBooster(rough, NAMES, 1.0, 0.0), rows).fit < smooth.fit


def test_contributions_of_a_booster_sum_to_its_log_odds(asked):
    """With one constant for all rows, whatever the calibrator."""
    rows, labels = asked
    booster = xgboost.train({"max_depth": 3, "nthread": 1}, xgboost.DMatrix(rows, label=labels), 30)
    model = PlattBooster(booster, NAMES, 1.4, -0.3)
    left = model.log_odds(rows) - model.contributions(rows).sum(axis=1)
    assert left == pytest.approx(np.full(len(rows), left[0]), abs=1e-4)


def test_a_feature_that_another_tells_too_is_worth_nothing_alone(asked):
    """Trained again without income, its copy takes over; without burden something is lost for certain."""
    rows, labels = asked
    every = np.arange(len(rows))
    folds = [(every[every % 3 != part], every[every % 3 == part]) for part in range(3)]
    design = SimpleNamespace(labels=labels, fold=lambda seen, held_out: (rows[seen], rows[held_out]))

    def fit(design, seen, held_out, left_out):
        kept = [at for at in range(len(NAMES)) if at not in left_out]
        known, new = design.fold(seen, held_out)
        data = xgboost.DMatrix(known[:, kept], label=labels[seen])
        return xgboost.train({"max_depth": 2, "nthread": 1, "eta": 0.2}, data, 30).predict(
            xgboost.DMatrix(new[:, kept])
        )

    found = {one.feature: one for one in ablation(design, NAMES, folds, fit)}
    assert found["income"].lost == pytest.approx(0, abs=1e-6)
    assert found["burden"].low > 0
    assert found["colour"].low <= found["colour"].lost <= found["colour"].high
