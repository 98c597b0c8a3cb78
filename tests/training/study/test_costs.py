"""Bands from stated costs are the best there are where probabilities are right, and a policy can hold them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.problem import Problem
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text
from training.study.costs import Costs, policy_of, threshold_study

SUMS = st.floats(0.01, 100).map(lambda value: round(value, 2))


@given(gain=SUMS, loss=SUMS, review=SUMS, p=st.floats(0, 1))
def test_no_other_decision_would_earn_more(gain, loss, review, p):
    """At any probability the bands take the decision that earns most on average."""
    costs = Costs(gain, loss, review)
    approve, decline = costs.bands()
    earned = {"approve": p * gain - (1 - p) * loss, "refer": p * gain - review, "decline": 0.0}
    taken = "approve" if p > approve else "decline" if p <= decline else "refer"
    # Bands have four decimals.
    assert earned[taken] >= max(earned.values()) - 2e-4 * (gain + loss)


def test_a_review_that_never_pays_leaves_one_cut():
    """Where a look costs more than it can save, nobody is referred."""
    assert Costs(gain=1, loss=4, review=2).bands() == (0.8, 0.8)


@pytest.mark.parametrize("wrong", [0, -1, float("nan"), float("inf")])
def test_a_cost_is_above_nothing(wrong):
    """The option that is wrong is named."""
    with pytest.raises(Problem, match="review: expected a number above 0"):
        Costs(1, 1, wrong)


@given(gain=SUMS, loss=SUMS, review=SUMS)
def test_any_costs_make_a_policy_that_check_accepts(gain, loss, review):
    """Its bands are those of the costs, and the rest is policy standard's."""
    costs = Costs(gain, loss, review)
    made, standard = parse_policy(policy_of(costs, "from-costs")), parse_policy(shipped_policy_text("standard"))
    assert (made.bands.approve, made.bands.decline) == costs.bands()
    assert (made.penalties, made.rules, made.points) == (standard.penalties, standard.rules, standard.points)


def test_profits_by_hand():
    """Two good and two bad applicants, one of each approved, the rest looked at."""
    p, labels = np.array([[0.99, 0.97, 0.6, 0.5]]), np.array([1, 0, 1, 0])
    found = threshold_study(p, labels, Costs(gain=1, loss=5, review=0.25), (0.7, 0.3))
    assert found["bands"] == {"approve": 0.95, "decline": 0.25}
    assert found["profit"]["bands"] == pytest.approx(1000 * (2 - 5 - 0.5) / 4)
    assert found["profit"]["approve all"] == pytest.approx(1000 * (2 - 10) / 4)
    assert found["profit"]["right every time"] == 500
    assert found["best_on_curve"] == 0.97
    assert {(row["cost"], row["times"]) for row in found["sensitivity"]} == {
        (cost, times) for cost in ("gain", "loss", "review") for times in (0.5, 2.0)
    }
