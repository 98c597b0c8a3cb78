"""The study on small data: honest out of fold, told apart from what leaks, the same twice."""

import dataclasses
import json

import numpy as np
import pytest

from schemas.problem import Problem
from training.calibration import fit_platt, fit_platt_of_repeats, platt, probability
from training.figures import figures
from training.learning import choose
from training.out_of_fold import cross_fitted, folds_of, out_of_fold
from training.recipes import RECIPES, Trees
from training.study.calibrators import CALIBRATORS
from training.study.contenders import Contender, contenders_of
from training.study.costs import DEFAULT_COSTS
from training.study.forward import steps_of
from training.study.imbalance import Plain, leaky, resampled, smote, undersampling
from training.study.learners import boosted, logistic_regression
from training.study.report import study_csv, study_markdown
from training.study.run import LEAKY, QUICK, Subject, study


def noise(rows, seed=3):
    """Labels that nothing explains, one in four positive."""
    rng = np.random.default_rng(seed)
    return Plain(rng.normal(size=(rows, 5)), (rng.random(rows) < 0.25).astype(np.int64))


def signal(rows, seed=4):
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(rows, 4))
    columns[rng.random((rows, 4)) < 0.05] = np.nan
    return Plain(columns, (rng.random(rows) < probability(2 * np.nan_to_num(columns[:, 0]) - 1)).astype(np.int64))


def test_smote_before_the_split_finds_what_is_not_there():
    """On pure noise the same remedy has no skill inside the folds, and seems to have some before the split."""
    design, trees = noise(400), boosted(Trees(60, {"max_depth": 6, "learning_rate": 0.3}), 1)
    leaked = leaky(design, smote(1))
    inside = out_of_fold(design, resampled(trees, smote(1)), 4, 1, 1)
    before = out_of_fold(leaked, trees, 4, 1, 1)
    assert figures(probability(inside.margins[0]), design.labels)["auc"] < 0.6
    assert figures(probability(before.margins[0]), leaked.labels)["auc"] > 0.7


def test_undersampling_learns_of_as_many_of_either_label():
    """The rows held out stay as they are."""
    design, told = noise(200), []

    def learn(rows, labels, others):
        told.append((labels.mean(), len(others)))
        return np.zeros(len(others))

    out_of_fold(design, resampled(learn, undersampling(1)), 4, 1, 1)
    assert told == [(0.5, 50)] * 4


def test_repeats_are_no_new_applicants():
    """A calibrator is the same whether the same margins come once or a hundred times."""
    rng = np.random.default_rng(1)
    margins, labels = rng.normal(0, 3, 200), rng.integers(0, 2, 200)
    once = fit_platt_of_repeats(margins[np.newaxis], labels)
    assert fit_platt_of_repeats(np.tile(margins, (100, 1)), labels) == pytest.approx(once, rel=1e-9)
    assert fit_platt(np.tile(margins, 100), np.tile(labels, 100)) != pytest.approx(once, rel=1e-4)


def test_a_calibrator_has_not_seen_the_rows_that_it_is_measured_on():
    """Whatever the labels of a fold are, its own probabilities stay what they were."""
    design = signal(120)
    out = out_of_fold(design, logistic_regression(1), 4, 2, 1)
    before = cross_fitted(out, design.labels, platt)
    inside = out.fold_of[0] == 2
    turned = np.where(inside, 1 - design.labels, design.labels)
    after = cross_fitted(out, turned, platt)
    assert np.array_equal(before[0, inside], after[0, inside])
    assert not np.array_equal(before[0, ~inside], after[0, ~inside])


@pytest.mark.parametrize("name", [name for name in CALIBRATORS if name != "none"])
def test_each_calibrator_mends_what_is_too_sure(name):
    """Margins three times too large are brought back, and no probability is 0 or 1, even where classes do not overlap."""
    rng = np.random.default_rng(2)
    truth = rng.normal(0, 1.5, 4_000)
    labels = (rng.random(4_000) < probability(truth)).astype(np.int64)
    p = CALIBRATORS[name](3 * truth, labels)(3 * truth)
    assert np.abs(p - probability(truth)).mean() < 0.04
    apart = np.repeat([0, 1], 50)
    sure = CALIBRATORS[name](np.where(apart, 9.0, -9.0), apart)(np.array([-30.0, 0.0, 30.0]))
    assert 0 < sure.min() <= sure.max() < 1
    assert (np.diff(sure) >= 0).all()


def test_settings_are_chosen_without_the_rows_that_are_measured():
    """A setting that happens to be right on the fold held out is not preferred for it."""
    design, asked = signal(90), []

    def learn(rows, labels, others):
        asked.append(len(others))
        return np.zeros(len(others))

    def nested(rows, labels, others):
        choose(rows, labels, [learn, learn], 3, 1)
        return np.zeros(len(others))

    out_of_fold(design, nested, 3, 1, 1)
    assert sum(asked) == 2 * 3 * 60
    assert max(asked) == 20


def test_the_better_setting_is_chosen_and_of_equal_ones_the_first():
    """By log loss on rows that it has not learned."""
    design = signal(300)
    blind, seeing = (lambda _, __, others: np.zeros(len(others))), logistic_regression(1)
    assert choose(design.rows, design.labels, [blind, seeing], 3, 1) == 1
    assert choose(design.rows, design.labels, [seeing, seeing], 3, 1) == 0


def test_forward_steps_never_look_ahead():
    """Whoever is asked about came after all that were learned from, and rows of one moment stay together."""
    times = np.random.default_rng(6).integers(0, 30, 400).astype(float)
    steps = steps_of(times, 5)
    assert len(steps) == 5
    for seen, held_out in steps:
        assert times[seen].max() < times[held_out].min()
        assert len(held_out) > 40


def test_folds_depend_on_labels_alone():
    """Models with other columns are asked about the same rows."""
    labels = noise(100).labels
    one, two = folds_of(labels, 4, 2, 9), folds_of(labels, 4, 2, 9)
    assert len(one) == 8
    assert all(np.array_equal(a, b) for folds in zip(one, two, strict=True) for a, b in zip(*folds, strict=True))


@pytest.fixture(scope="module")
def subject():
    design = signal(300)
    contenders = [
        dataclasses.replace(one, learn=boosted(Trees(20, {"max_depth": 2}), 1)) if "XGBoost" in one.name else one
        for one in contenders_of(design, quick=True)
    ]
    about = {"source": "made.csv", "sha256": "0" * 64, "origin": "made up", "positive": "good", "papers": False}
    return Subject(contenders, "ours", about, np.arange(300.0))


@pytest.fixture(scope="module")
def found(subject):
    return study(subject, DEFAULT_COSTS, QUICK, lambda _: None)


def test_any_design_can_be_studied(found):
    """Missing values, a time and no name that loans have: every part is there, every figure inside its interval."""
    assert set(found) >= {"figures", "paired", "calibration", "imbalance", "search", "forward", "threshold"}
    for figures_of in (*found["figures"].values(), *found["forward"]["figures"].values()):
        assert all(one["low"] <= one["value"] <= one["high"] for one in figures_of.values())
    assert {row["contender"] for row in found["paired"]} == set(found["contenders"]) - {"XGBoost, paper's settings"}


def test_a_study_is_the_same_twice(subject, found):
    """The same rows and seed give the same bytes, in each of its forms."""
    again = study(subject, DEFAULT_COSTS, QUICK, lambda _: None)
    for form in (json.dumps, study_markdown, study_csv):
        assert form(again) == form(found)


def test_what_leaks_is_called_so(found):
    """In capitals, in every form that a person may read alone."""
    assert "LEAKY" in LEAKY
    for form in (json.dumps, study_markdown, study_csv):
        assert LEAKY in form(found)


def test_progress_is_told(subject):
    """A person who waits sees which model is at work."""
    told = []
    study(subject, DEFAULT_COSTS, QUICK, told.append)
    assert all(any(one.name in line for line in told) for one in subject.contenders)


def test_a_label_of_too_few_rows_is_told(subject):
    """Folds that lack a label measure nothing."""
    labels = np.r_[np.ones(5, np.int64), np.zeros(95, np.int64)]
    design = Plain(np.zeros((100, 1)), labels)
    few = Subject([Contender("x", "x", design, logistic_regression(1))], "x", {})
    with pytest.raises(Problem, match="the rarer label has 5 rows; expected 6 or more, for 3 folds"):
        study(few, DEFAULT_COSTS, QUICK, lambda _: None)


def test_as_labelled_chooses_among_stated_settings():
    """One setting needs no choice; several are stated in the recipe, and none of ours is held to a direction there."""
    assert len(RECIPES["as-labelled"].choices) > 1
    assert set(RECIPES["as-labelled"].directions) == {0}
