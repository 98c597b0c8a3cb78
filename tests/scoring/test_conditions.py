"""Conditions of a policy are exact: held against fractions, whatever the paise."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.values import CENT, MONEY_MAX
from scoring.conditions import Conditions
from scoring.explanation import Explainer
from scoring.features import FEATURES, POSITION, exact_value, feature_matrix
from scoring.penalties import Penalties
from scoring.policy import NET_CREDITS, Bands, Condition, Penalty, Points, Policy

TOP = int(MONEY_MAX / CENT)
KINDS = ("residential", "commercial", "luxury", "bank")

paise = st.integers(1, TOP) | st.integers(1, 10**9)
assets = st.tuples(*[st.integers(-TOP, TOP) | st.integers(-(10**9), 10**9) | st.just(0)] * 4)
bounds = st.integers(1, 10**6).map(lambda n: n / 1000) | st.sampled_from(
    [0.5, 0.6, 1 / 3, 0.1, 6.0, 8.0, 0.0, 1e-7, 123456.789]
)


def rupees(amount):
    return str(Decimal(amount) * CENT)


def holds(condition, event):
    found = Conditions([condition]).holding([event], feature_matrix([event.application]))
    return bool(found)


def inside(condition, value):
    ends = [Fraction(repr(end)) if math.isfinite(end) else end for end in (condition.above, condition.below)]
    return ends[0] < value < ends[1]


def either_side(name, value, typed):
    """Conditions on `name` at a typed bound and at the float nearest to a value, from both sides."""
    for end in {typed, float(value), math.nextafter(float(value), 0), math.nextafter(float(value), math.inf)}:
        yield Condition("feature", name, above=end)
        yield Condition("feature", name, below=end)
        yield Condition("feature", name, above=end / 2, below=end)


def agree(make_event, name, value, typed, **sent):
    event = make_event(**sent)
    for condition in either_side(name, value, typed):
        assert holds(condition, event) == inside(condition, value), condition


@settings(deadline=None)
@given(income=paise, loan=paise, typed=bounds)
@example(income=119_581_813, loan=717_490_878, typed=6.0)
@example(income=TOP, loan=1, typed=1e-15)
@example(income=166_666_666_666_667, loan=1_000_000_000_000_002, typed=6.0)
def test_loan_to_income_is_compared_exactly(make_event, income, loan, typed):
    """A loan of exactly six times the income is not above six, and one paisa more is."""
    loan = min(loan, TOP)
    agree(
        make_event,
        "lti",
        Fraction(loan, income),
        typed,
        annual_income=rupees(income),
        loan={"amount": rupees(loan)},
    )


@settings(deadline=None)
@given(income=paise, typed=st.integers(1, 9999).map(lambda n: n / 1000), off=st.sampled_from([-1, 0, 1]))
def test_a_loan_of_exactly_so_many_incomes_is_neither_above_nor_below(make_event, income, typed, off):
    """At the typed bound itself nothing holds; one paisa to either side, one of the two does."""
    step = Fraction(repr(typed)).denominator
    income = max(1, min(income, 10**12) // step) * step
    loan = max(1, Fraction(repr(typed)) * income + off)
    off = loan - Fraction(repr(typed)) * income
    event = make_event(annual_income=rupees(income), loan={"amount": rupees(int(loan))})
    assert holds(Condition("feature", "lti", above=typed), event) == (off > 0)
    assert holds(Condition("feature", "lti", below=typed), event) == (off < 0)


@settings(deadline=None)
@given(owned=assets, loan=paise, typed=bounds)
@example(owned=(13_968_819, 87_981_223, 0, 28_336_716), loan=260_573_516, typed=0.5)
@example(owned=(TOP, 1 - TOP, 0, 0), loan=2, typed=0.5)
@example(owned=(TOP, -TOP, 0, 1), loan=1000, typed=0.001)
@example(owned=(TOP, -TOP, 0, 0), loan=7, typed=0.0)
def test_asset_coverage_and_the_sum_of_assets_are_compared_exactly(make_event, owned, loan, typed):
    """Assets of exactly half the loan are not below half, even where a debt nearly eats them up."""
    sent = {"assets": dict(zip(KINDS, map(rupees, owned), strict=True)), "loan": {"amount": rupees(loan)}}
    agree(make_event, "acr", Fraction(sum(owned), loan), typed, **sent)
    agree(make_event, "total_assets", Fraction(sum(owned), 100), typed, **sent)


@settings(deadline=None)
@given(income=paise, owed=paise, typed=bounds)
def test_debt_to_income_is_compared_exactly(make_event, income, owed, typed):
    """Twelve months' obligations over a year's income, to the last digit."""
    sent = {"annual_income": rupees(income), "monthly_obligations": rupees(owed)}
    agree(make_event, "dti", Fraction(12 * owed, income), typed, **sent)


@settings(deadline=None)
@given(amount=paise)
def test_amounts_are_compared_exactly(make_event, amount):
    """What is sent as it is: one paisa decides, up to the largest amount."""
    value = Fraction(amount, 100)
    sent = {"annual_income": rupees(amount), "loan": {"amount": rupees(amount)}}
    for name in ("annual_income", "loan_amount"):
        agree(make_event, name, value, float(value), **sent)
    without = make_event("not_provided", **sent)
    for above in (float(value), float(Fraction(amount - 1, 100))):
        condition = Condition("verification", "not_provided", above=above)
        assert holds(condition, without) == (value > Fraction(repr(above)))


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_has_an_exact_value(name, make_event):
    """The one formula of a feature gives a decimal, and its float is what models see."""
    application = make_event(monthly_obligations="12345.67", annual_income="1195818.13").application
    exact = exact_value(application, name)
    assert float(exact) == pytest.approx(feature_matrix([application])[0][POSITION[name]], rel=1e-15)


@settings(deadline=None)
@given(income=paise, found=paise, typed=st.sampled_from([0.2, 0.25, 1 / 3, 0.5]))
def test_an_income_gap_is_compared_exactly(make_event, income, found, typed):
    """Incomes that are exactly a fifth apart are not more than a fifth apart."""
    for shown in (found, int(income * (1 - Fraction(repr(typed)))), int(income * (1 + Fraction(repr(typed))))):
        gap = Fraction(income - shown, income)
        check = {
            "claim": "annual_income",
            "result": "verified",
            "field": "gross_annual",
            "claimed": rupees(income),
            "found": rupees(shown),
            "difference": float(gap),
            "similarity": 0.1,
        }
        event = make_event("verified", checks=[check], annual_income=rupees(income))
        assert holds(Condition("income_gap", "annual_income", typed, 0.8), event) == (abs(gap) > Fraction(repr(typed)))


def income_check(field="annual_net_income", label="from_net_credits", difference=0.3, **changes):
    check = {"claim": "annual_income", "result": "verified", "field": field, "difference": difference}
    return check | ({"label": label} if label else {}) | changes


@settings(deadline=None)
@given(income=paise, found=paise, typed=st.sampled_from([0, 0.2, 0.25, 1 / 3]))
def test_an_inferred_income_is_compared_exactly(make_event, income, found, typed):
    """A claim that exceeds net credits by exactly a fifth of itself does not exceed them by more."""
    for shown in (found, int(income * (1 - Fraction(repr(float(typed)))))):
        gap = Fraction(income - shown, income)
        check = income_check(difference=float(gap), claimed=rupees(income), found=rupees(shown))
        event = make_event("verified", checks=[check], annual_income=rupees(income))
        assert holds(Condition("income_from", NET_CREDITS, typed), event) == (gap > Fraction(repr(float(typed))))
        assert holds(Condition("income_from", NET_CREDITS), event)


def test_an_income_is_inferred_where_no_document_shows_a_gross_one(make_event):
    """A payslip beside the statement shows the income; what was verified before this was told is not said to be."""
    gross = income_check(field="gross_monthly", label=None, difference=0.0, document="1" * 64)
    named = {"claim": "name", "result": "verified", "document": "1" * 64}
    linked = {"claim": "holder", "result": "verified", "document": "1" * 64, "label": "same_pay"}
    for checks, inferred in (
        ([income_check()], True),
        ([income_check(), income_check(difference=0.1)], True),
        ([income_check(), gross, named], False),
        ([income_check(), gross, linked], True),
        ([income_check(), gross, named | {"document": "2" * 64}], True),
        ([income_check(), gross, named | {"result": "mismatch"}], True),
        ([gross], False),
        ([income_check(label=None)], False),
        ([{"claim": "annual_income", "result": "not_provided"}], False),
        ([], False),
    ):
        event = make_event("verified", checks=checks)
        assert holds(Condition("income_from", NET_CREDITS, 0.2), event) is inferred


@pytest.mark.parametrize("length", range(1, 30))
def test_a_similarity_at_the_bound_is_not_below_it(make_event, length):
    """One minus nine tenths is a tenth, though not in floats."""
    for different in range(length + 1):
        check = {"claim": "annual_income", "result": "verified", "field": "gross_annual", "difference": 0.9}
        event = make_event("verified", checks=[check | {"similarity": 1 - different / length}])
        for tenths in range(1, 10):
            condition = Condition("income_gap", "annual_income", 0.2, tenths / 10)
            assert holds(condition, event) == (Fraction(length - different, length) < Fraction(tenths, 10))


def test_a_batch_is_compared_as_each_of_it(make_event):
    """What stands beside an application at the bound changes nothing."""
    incomes = [119_581_813 + 7 * number for number in range(60)]
    events = [
        make_event(annual_income=rupees(income), loan={"amount": rupees(6 * income + number % 3 - 1)})
        for number, income in enumerate(incomes)
    ]
    conditions = Conditions([Condition("feature", "lti", above=6), Condition("feature", "lti", below=6)])
    together = conditions.holding(events, feature_matrix([event.application for event in events]))
    assert {row: together.get(row, []) for row in range(60)} == {
        row: {0: [1], 1: [], 2: [0]}[row % 3] for row in range(60)
    }


def test_a_missing_value_is_on_no_side(make_event):
    """Where a value is missing, nothing is above or below it, in whatever company."""
    event = make_event(monthly_obligations=None, assets=dict.fromkeys(KINDS, "-1.00"))
    features = feature_matrix([event.application])
    assert np.isnan(features).any()
    ends = [Condition("feature", "dti", above=-1.0), Condition("feature", "dti", below=9.0)]
    assert Conditions(ends).holding([event], features) == {}


billionths = st.integers(0, 10**9)


@settings(deadline=None)
@given(p=billionths, sizes=st.lists(st.integers(1, 10**9), min_size=1, max_size=3), band=billionths)
@example(p=880_000_000, sizes=[180_000_000], band=700_000_000)
@example(p=810_000_000, sizes=[110_000_000], band=700_000_000)
def test_penalties_and_bands_are_decimals(bundles, p, sizes, band):
    """0.81 less 0.11 is 0.7 and not above it: scores have nine decimals, and floats never decide about a tenth."""
    always = Condition("feature", "lti", above=0)
    codes = ("penalty_lti_high", "penalty_lti_elevated", "penalty_cibil_low")
    penalties = tuple(Penalty(code, always, size / 10**9) for code, size in zip(codes, sizes, strict=False))
    policy = Policy("decimals", Points(600, 20), Bands(band / 10**9, 0), penalties, ())
    taken = Penalties(policy, Explainer(bundles["default"], policy.points))
    score, *_ = taken.apply(p / 10**9, [1.0] * len(FEATURES), range(len(sizes)))
    left = p
    for size in sizes:
        left = max(0, left - size)
    assert score == left / 10**9
    assert (policy.bands.outcome(score) == "approve") == (left > band)


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("6000000.00", "The loan is large for the income: 6 times a year's."),
        ("6000000.01", "The loan is very large for the income: 6.00000001 times a year's."),
        ("8000000.01", "The loan amount is 8.00000001 times the annual income, above the limit."),
    ],
)
def test_a_reason_is_not_rounded_onto_the_bound_that_it_is_past(standard, decide_one, make_event, amount, said):
    """Whoever reads "6 times" and knows that six times is allowed would think the decision wrong."""
    assets = dict.fromkeys(("residential", "commercial", "luxury", "bank"), 9_000_000)
    decision = decide_one(standard, make_event(loan={"amount": amount}, annual_income=1_000_000, assets=assets))
    assert said in [row["text"] for row in decision["reasons"]]
