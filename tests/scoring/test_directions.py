"""Asking for more, earning less, a lower CIBIL score, fewer assets: none of it helps, in a whole decision."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.values import CENT, MONEY_MAX
from scoring.bundle import load_bundle
from scoring.decision import Scorer
from scoring.policy import Bands
from scoring.policy_document import parse_policy

BEST_LAST = ("decline", "refer", "approve")
KINDS = ("residential", "commercial", "luxury", "bank")

ODD = {
    "dependents": st.sampled_from([9, 40]),
    "term_years": st.sampled_from(["0.5", "2", "20", "30"]),
    "cibil_score": st.integers(300, 900) | st.sampled_from([549, 550, 599, 600]),
    "monthly_obligations": st.sampled_from(["0", "0.05", "0.0501"]),
    **dict.fromkeys(KINDS, st.sampled_from([-3.0, -0.2, 0.0, 0.01, 20.0])),
}
"""What may be out of the ordinary. Obligations in incomes, assets in loans."""


def money(value, low=CENT):
    return min(max(Decimal(repr(value)).quantize(CENT), low), MONEY_MAX)


@st.composite
def applicants(draw):
    """Somebody ordinary, with a thing or two that are not: near limits, beyond the training range, on either side."""
    income = draw(
        st.floats(4e5, 2e7) | st.floats(4e5, 2e7) | st.floats(1, 1e9) | st.sampled_from([199_999.99, 2e5, 9.9e6])
    )
    lti = draw(
        st.floats(0.8, 4) | st.floats(1.2, 1.5) | st.floats(0.1, 10) | st.sampled_from([1.5, 3.0, 4.0, 6.0, 8.0])
    )
    one = {
        "dependents": 2,
        "term_years": draw(st.sampled_from(["4", "12"])),
        "cibil_score": draw(st.integers(590, 900)),
    }
    one |= {"monthly_obligations": None, **{kind: draw(st.floats(0.3, 2)) for kind in KINDS}}
    odd = draw(st.just([]) | st.lists(st.sampled_from(sorted(ODD)), max_size=2))
    one |= {name: draw(ODD[name]) for name in odd}
    amount = money(income * lti)
    one |= {kind: money(float(amount) * one[kind], -MONEY_MAX) for kind in KINDS}
    owed = one["monthly_obligations"]
    owed = None if owed is None else min((money(income) * Decimal(owed)).quantize(CENT), MONEY_MAX)
    return {**one, "annual_income": money(income), "amount": amount, "monthly_obligations": owed}


@st.composite
def riskier(draw):
    """An applicant, and the same one in one respect riskier."""
    one = draw(applicants())
    name = draw(st.sampled_from(["amount", "annual_income", "cibil_score", "monthly_obligations", *KINDS]))
    by = draw(st.sampled_from([1.0001, 1.069, 1.5, 1.5, 3, 100, 10_000]))
    value = one[name]
    match name:
        case "cibil_score":
            changed = draw(st.integers(300, value))
        case "amount" | "monthly_obligations":
            changed = min(value * Decimal(repr(by)), MONEY_MAX).quantize(CENT) if value is not None else None
        case "annual_income":
            changed = max(value / Decimal(repr(by)), CENT).quantize(CENT)
        case _:
            changed = max(value - (abs(value) + 1) * Decimal(repr(by - 1)), -MONEY_MAX).quantize(CENT)
    return one, {**one, name: changed}


def event(make_event, one, result):
    return make_event(
        result,
        annual_income=str(one["annual_income"]),
        loan={"amount": str(one["amount"]), "term_years": one["term_years"]},
        applicant={"dependents": one["dependents"]},
        cibil_score=one["cibil_score"],
        monthly_obligations=None if one["monthly_obligations"] is None else str(one["monthly_obligations"]),
        assets={kind: str(one[kind]) for kind in KINDS},
    )


FOUND = {
    "term_years": "4",
    "dependents": 2,
    "cibil_score": 300,
    "monthly_obligations": None,
    "annual_income": Decimal(5_000_000),
    "amount": Decimal(14_500_000),
    **dict.fromkeys(KINDS, Decimal(6_000_000)),
}
"""Declined once, and approved by the model for a million more."""


@settings(deadline=None, max_examples=6 * settings.default.max_examples)
@example(pair=(FOUND, FOUND | {"amount": Decimal(15_500_000)}), result="verified")
@given(
    pair=riskier(),
    result=st.sampled_from(["verified", "verified", "verified", "not_provided", "mismatch", "suspicious"]),
)
def test_whoever_asks_for_more_or_brings_less_is_not_better_off(standard, key, make_event, pair, result):
    """Whatever else is true of an applicant, and whatever the documents say as long as they say the same: neither the
    outcome nor the final score improves.
    """
    before, after = standard.decide([event(make_event, one, result) for one in pair], lambda _: key, "test")
    assert BEST_LAST.index(after["outcome"]) <= BEST_LAST.index(before["outcome"])
    assert after["score_final"] <= before["score_final"]


FAR = {
    "amount": ("40000000", "400000000", "9000000000000"),
    "annual_income": ("190000", "1000", "0.01"),
    "term_years": ("21", "30", "50"),
    "dependents": (6, 20, 50),
}


@pytest.mark.parametrize("name", FAR)
@settings(deadline=None, max_examples=40)
@given(one=applicants())
def test_moving_further_out_of_the_range_is_never_better(standard, key, make_event, name, one):
    """Step by step away from what the model was trained on: no step leads to a better outcome."""
    events = [event(make_event, one | {name: value}, "verified") for value in FAR[name]]
    outcomes = [BEST_LAST.index(row["outcome"]) for row in standard.decide(events, lambda _: key, "test")]
    assert outcomes == sorted(outcomes, reverse=True)
    assert max(outcomes) < BEST_LAST.index("approve")


def test_the_harmless_side_of_a_range_holds_nobody_back(standard, decide_one, make_event):
    """A smaller loan, a larger income and more assets than anybody had in training are no reason to ask a person: with one,
    whoever asked for more would be better off.
    """
    rich = dict.fromkeys(KINDS, 90_000_000)
    decision = decide_one(standard, make_event(annual_income=50_000_000, loan={"amount": 250_000}, assets=rich))
    assert decision["outcome"] == "approve"


@pytest.mark.parametrize("result", ["verified", "not_provided", "unreadable", "unavailable", "mismatch", "suspicious"])
def test_a_decline_by_the_bands_stands(standard, decide_one, make_event, result):
    """Whatever is out of range, contradicted or unread: a score that declines is not sent to a person instead."""
    assets = {"residential": 0, "commercial": 0, "luxury": 300_000, "bank": 0}
    for more in ({}, {"loan": {"amount": 50_000_000}, "annual_income": 20_000_000}, {"loan": {"term_years": 40}}):
        decision = decide_one(standard, make_event(result, assets=assets, **more))
        assert decision["score_final"] <= 0.3
        assert decision["outcome"] == "decline"


def test_a_missing_value_stops_no_decline(standard, decide_one, make_event):
    """A thin file goes to a person, but not where a limit of the policy declines it."""
    assert decide_one(standard, make_event(cibil_score=None))["outcome"] == "refer"
    decision = decide_one(standard, make_event(cibil_score=None, annual_income=1_000_000))
    assert decision["outcome"] == "decline"
    assert [row["code"] for row in decision["reasons"]] == ["lti_above_limit", "instalment_above_limit"]


def test_where_the_model_can_be_asked_about_a_missing_value_its_decline_stands(
    standard, thin_bundle, decide_one, make_event
):
    """A bundle that saw missing CIBIL scores is asked: it declines whom it would decline, a person decides the rest."""
    scorer = Scorer(thin_bundle, standard.policy)
    poor = {"residential": 0, "commercial": 0, "luxury": 300_000, "bank": 0}
    declined = decide_one(scorer, make_event(cibil_score=None, assets=poor))
    assert (declined["outcome"], declined["score_final"] <= 0.3) == ("decline", True)
    lenient = Scorer(thin_bundle, replace(standard.policy, bands=Bands(approve=0.0, decline=0.0)))
    good = decide_one(lenient, make_event(cibil_score=None))
    assert good["outcome"] == "refer"
    assert [row["code"] for row in good["reasons"] if row["decisive"]] == ["thin_file"]


@pytest.fixture
def thin_bundle(bundle_files):
    """The default bundle, as if training had seen missing CIBIL scores."""
    return replace(load_bundle(bundle_files("default")), may_be_missing=frozenset({"cibil_score"}))


def test_the_earlier_default_did_not_have_the_property(bundle_files, policy_text, key, make_event):
    """The test would have found what was wrong: three years' income and more was approved, less was not."""
    earlier = Scorer(load_bundle(bundle_files("default-618c3d3a")), parse_policy(policy_text("standard-c2e27bc3")))
    events = [event(make_event, one, "verified") for one in (FOUND, FOUND | {"amount": Decimal(15_500_000)})]
    assert [row["outcome"] for row in earlier.decide(events, lambda _: key, "test")] == ["decline", "approve"]
