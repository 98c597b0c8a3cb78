"""Proxies are found, what mitigation costs is measured on equal terms, and the worst slices are named."""

from types import SimpleNamespace

import numpy as np
import pytest

from training.fairness.frontier import Model, frontier, reweighing
from training.fairness.judged import NOT_STATED
from training.fairness.proxies import proxies
from training.fairness.slices import worst_slices

NAMES = ("skill", "postcode", "noise")
SMALL = Model({"max_depth": 2, "eta": 0.3, "tree_method": "hist"}, trees=20)


def town(rows=1_500, seed=5):
    """People whose postcode tells their group, and whose label was unfair to one: (features, labels, groups)."""
    rng = np.random.default_rng(seed)
    groups = rng.choice(["a", "b"], rows)
    skill = rng.normal(size=rows)
    postcode = (groups == "b") * 1.5 + rng.normal(size=rows)
    labels = (skill - 1.0 * (groups == "b") + rng.normal(scale=0.7, size=rows) > -0.5).astype(np.int64)
    return np.column_stack([skill, postcode, rng.normal(size=rows)]), labels, groups


def design(rows, labels):
    return SimpleNamespace(
        labels=labels, fold=lambda seen, held_out: (rows[seen], rows[held_out]), everything=lambda: rows
    )


def test_a_feature_that_tells_the_group_is_found_and_noise_is_not():
    """Each alone against what shuffled groups give, and all together out of fold; one group of two stands for both."""
    rows, _, groups = town()
    (told,) = proxies(rows, NAMES, groups)
    strongest, *others = told.alone
    assert strongest.feature == "postcode"
    assert strongest.tells
    assert not any(one.tells for one in others)
    assert told.together > 0.8


def test_to_be_missing_may_tell():
    """A value that one group leaves out is a proxy, whatever it is."""
    rows, _, groups = town()
    rows[(groups == "b") & (np.arange(len(groups)) % 2 == 0), 2] = np.nan
    (told,) = proxies(rows, NAMES, groups)
    assert {one.feature for one in told.alone if one.tells} == {"postcode", "noise"}


def test_a_column_that_nobody_or_everybody_answers_alike_has_no_proxies():
    """There is nobody to be told from."""
    rows, _, groups = town(rows=300)
    assert proxies(rows, NAMES, np.full(len(groups), NOT_STATED)) == []
    assert proxies(rows, NAMES, np.full(len(groups), "a")) == []


def test_reweighing_makes_group_and_label_independent():
    """Under its weights each group deserves at the same rate."""
    _, labels, groups = town()
    weights = reweighing(groups, labels == 1)
    shares = [np.average(labels[groups == name], weights=weights[groups == name]) for name in ("a", "b")]
    assert shares[0] == pytest.approx(shares[1])
    assert weights.sum() == pytest.approx(len(labels))


@pytest.mark.parametrize("favourable", [1, 0])
def test_each_way_is_measured_at_the_same_share_and_what_it_costs_is_seen(favourable):
    """The label was unfair by the postcode: without it the group fares better, and the AUC is lower. A positive class
    that is a refusal gives the same figures.
    """
    rows, labels, groups = town()
    asked = labels if favourable == 1 else 1 - labels
    points = frontier(
        design(rows, asked), NAMES, groups, SMALL, favourable=favourable, share=0.6, suspects=["postcode"]
    )
    by_way = {one.way: one for one in points}
    base, without = by_way["the model"], by_way["without postcode"]
    assert without.impact_ratio > base.impact_ratio + 0.1
    assert without.auc < base.auc
    assert by_way["reweighing"].impact_ratio > base.impact_ratio
    cuts = by_way["a cut for each group"]
    assert cuts.uses_group
    assert cuts.impact_ratio > 0.95
    assert not cuts.dominated
    for one in points:
        beaten = any(
            other.impact_ratio > one.impact_ratio and other.auc >= one.auc for other in points if not other.uses_group
        )
        assert one.dominated == (beaten and not one.uses_group)


def test_constraints_stay_with_their_features_where_one_is_left_out():
    """A model without its second feature keeps the third's direction, and refuses none of its settings."""
    rows, labels, groups = town(rows=400)
    held = Model({**SMALL.params, "monotone_constraints": (1, 0, -1)}, trees=5)
    points = frontier(
        design(rows, labels), NAMES, groups, held, favourable=1, share=0.5, suspects=["postcode", "noise"]
    )
    assert {"without postcode", "without noise", "without all of these"} <= {one.way for one in points}


def test_the_slice_that_was_made_bad_comes_first():
    """Where labels were turned among few values of one feature, that is the worst slice, and it is certain."""
    rng = np.random.default_rng(11)
    rows = np.column_stack([rng.integers(0, 3, 3_000), rng.normal(size=3_000)]).astype(float)
    probability = np.full(3_000, 0.2)
    labels = (rng.random(3_000) < np.where(rows[:, 0] == 2, 0.7, 0.2)).astype(np.int64)
    worst = worst_slices(rows, ("branch", "noise"), probability, labels)
    assert worst[0].where == "branch = 2"
    assert worst[0].certain
    assert worst[0].promised == pytest.approx(0.2)
    assert worst[0].found == pytest.approx(0.7, abs=0.05)


def test_a_model_that_is_right_everywhere_has_no_certain_slice():
    """Of a hundred such samples hardly one names a slice as certain."""
    certain = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(600, 4))
        labels = (rng.random(600) < 0.3).astype(np.int64)
        certain += any(one.certain for one in worst_slices(rows, tuple("abcd"), np.full(600, 0.3), labels))
    assert certain <= 5


def test_missing_is_a_slice_of_its_own():
    """A bank sees that it does worst with those who did not say."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(1_000, 1))
    rows[:200] = np.nan
    labels = np.where(np.isnan(rows[:, 0]), rng.random(1_000) < 0.9, rng.random(1_000) < 0.1).astype(np.int64)
    worst = worst_slices(rows, ("income",), np.full(1_000, 0.1), labels)
    assert worst[0].where == "income missing"
