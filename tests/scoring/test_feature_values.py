"""What a feature can be is what the schema lets through: a policy is judged by it."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.values import CENT, MONEY_MAX
from scoring.feature_values import AMOUNT, CIBIL, DEPENDENTS, FLAG, ONE
from scoring.features import FEATURES, POSITION, feature_matrix

SENT = {
    "dependents": lambda value: {"applicant": {"dependents": int(value)}},
    "annual_income": lambda value: {"annual_income": str(value)},
    "loan_amount": lambda value: {"loan": {"amount": str(value)}},
    "loan_term": lambda value: {"loan": {"term_years": str(value)}},
    "cibil_score": lambda value: {"cibil_score": int(value)},
    **{
        f"{kind}_assets": lambda value, kind=kind: {"assets": {kind: str(value)}}
        for kind in ("residential", "commercial", "luxury", "bank")
    },
}
"""How a value of each feature that is sent as it is comes into an application."""


def computed(event):
    return dict(zip(FEATURES, feature_matrix([event.application])[0], strict=True))


@pytest.mark.parametrize("name", SENT)
def test_bounds_are_those_of_the_schema(make_event, name):
    """The least and the greatest value are accepted, one step further is not."""
    values = FEATURES[name].values
    low, high = Decimal(repr(values.low)), Decimal(repr(values.high))
    for bound in (low, high):
        assert computed(make_event(**SENT[name](bound)))[name] == float(bound)
    for beyond in (low - values.step, high + values.step):
        with pytest.raises(ValidationError):
            make_event(**SENT[name](beyond))


def test_bounds_of_ratios_follow_from_those_of_amounts(make_event):
    """The largest loan of the smallest income, and the other way round."""
    least, most = CENT, MONEY_MAX
    extremes = [
        make_event(
            annual_income=f"{income:f}",
            loan={"amount": f"{amount:f}"},
            monthly_obligations=f"{obligations:f}",
            assets=dict.fromkeys(("residential", "commercial", "luxury", "bank"), f"{asset:f}"),
        )
        for income, amount, obligations, asset in (
            (least, most, most, most),
            (most, least, Decimal(0), most),
            (most, least, Decimal(0), -most),
        )
    ]
    found = feature_matrix([event.application for event in extremes])
    for name in ("total_assets", "lti", "acr", "dti"):
        column = found[:, POSITION[name]]
        assert (column.min(), column.max()) == (FEATURES[name].values.low, FEATURES[name].values.high)


def test_what_may_be_missing_is_what_the_schema_lets_be_missing(make_event):
    """A CIBIL score and existing obligations, and nothing else."""
    missing = computed(make_event(cibil_score=None, monthly_obligations=None))
    assert {name for name, value in missing.items() if np.isnan(value)} == {
        name for name, feature in FEATURES.items() if feature.values.may_be_missing
    }
    for required in ("annual_income", "loan", "assets", "applicant"):
        with pytest.raises((ValidationError, TypeError)):
            make_event(**{required: None})


@pytest.mark.parametrize(
    ("values", "above", "below", "possible"),
    [
        (DEPENDENTS, 1, 2, False),
        (DEPENDENTS, 1, 2.1, True),
        (DEPENDENTS, 50, np.inf, False),
        (DEPENDENTS, -np.inf, 0.5, True),
        (FLAG, 0.1, 0.5, False),
        (FLAG, 0.5, np.inf, True),
        (CIBIL, 899.5, 899.9, False),
        (CIBIL, 899.5, np.inf, True),
        (CIBIL, 900, np.inf, False),
        (CIBIL, -np.inf, 300, False),
        (AMOUNT, 0.29, 0.3, False),
        (AMOUNT, 0.28, 0.3, True),
        (AMOUNT, -np.inf, 0.01, False),
        (AMOUNT, 1e13, np.inf, False),
        (AMOUNT, 9_999_999_999_999.98, np.inf, True),
    ],
)
def test_an_interval_without_a_possible_value_is_found(values, above, below, possible):
    """Between two whole numbers, two cents or beyond the bounds there is nobody."""
    assert values.any_between(above, below) is possible


@given(cents=st.integers(1, 10**15 - 2))
def test_every_cent_has_its_neighbours(cents):
    """Between the amounts on either side lies exactly one: floats do not blur the cents."""
    before, here, after = (float(Decimal(cents + by) * CENT) for by in (-1, 0, 1))
    assert AMOUNT.any_between(before, after)
    assert not AMOUNT.any_between(before, here)
    assert not AMOUNT.any_between(here, after)


def test_steps_are_of_whole_numbers_and_cents():
    """No other unit is on the wire."""
    assert {feature.values.step for feature in FEATURES.values()} == {ONE, CENT, None}
