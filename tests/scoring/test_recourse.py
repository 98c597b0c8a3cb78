"""Recourse: another loan that would have been approved, and is when it is asked for."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from scoring.recourse import LEAST, LEVERS, MOVED
from scoring.shipped import shipped_policy_text

SEARCHED = "\n".join(line for line in shipped_policy_text("standard").splitlines() if "cibil_below_limit" not in line)
"""The default policy without the rule that declines most, so that the search has something to do."""


@pytest.fixture(scope="module")
def searching(bundles):
    """Scorers of policies that leave much to search for, by name."""
    policies = {
        "standard": shipped_policy_text("standard"),
        "without a floor": SEARCHED,
        "paper": shipped_policy_text("paper"),
        "limits of all kinds": LIMITS,
    }
    return {name: Scorer(bundles["default"], parse_policy(text)) for name, text in policies.items()}


LIMITS = """
name: limits
points: {score: 600, pdo: 20}
bands: {approve: 0.5, decline: 0.2}
penalties:
  - {code: penalty_lti_high, feature: lti, above: 2.5, size: 0.6, group: lti}
  - {code: penalty_lti_elevated, feature: lti, above: 1.7, size: 0.45, group: lti}
  - {code: penalty_acr_low, feature: acr, below: 1, size: 0.7}
rules:
  - {code: own_long, text: "The term is long.", outcome: decline, feature: loan_term, above: 15}
  - {code: own_large, text: "The loan is large.", outcome: refer, feature: loan_amount, above: 7_174_908.78}
  - {code: lti_above_limit, outcome: decline, feature: lti, above: 6}
  - {code: no_documents, outcome: refer, verification: not_provided, loan_above: 5_000_000}
"""

money = st.integers(100_000, 50_000_000)


@st.composite
def applicants(draw):
    amount = draw(money)
    return {
        "annual_income": draw(st.integers(100_000, 20_000_000) | st.sampled_from(["1195818.13", amount])),
        "loan": {
            "amount": draw(st.just(str(amount)) | st.sampled_from(["7174908.79", "0.01", "1", "9999999999.99"])),
            "term_years": draw(st.integers(1, 45)),
        },
        "cibil_score": draw(st.none() | st.integers(300, 900) | st.integers(600, 900)),
        "monthly_obligations": draw(st.none() | st.integers(0, 100_000)),
        "currency": draw(st.sampled_from(["INR", "INR", "INR", "INR", "EUR"])),
        "assets": {
            name: draw(st.integers(-(10**6), 10**7)) for name in ("residential", "commercial", "luxury", "bank")
        },
        "result": draw(st.sampled_from(["verified", "verified", "verified", "not_provided", "mismatch", "suspicious"])),
    }


def resubmitted(one, recourse):
    """The application with what its decision offered, in its next revision."""
    field = next(lever.field for lever in LEVERS if lever.code == recourse["code"])
    return {**one, "loan": {**one["loan"], field: recourse["value"]}, "revision": 2}


@pytest.mark.parametrize("name", ["standard", "without a floor", "paper", "limits of all kinds"])
@settings(max_examples=2 * settings.default.max_examples)
@example(one={"annual_income": "1195818.13", "loan": {"amount": "9000000", "term_years": 8}})
@example(one={"loan": {"amount": "12200000", "term_years": 16}})
@given(one=applicants())
def test_every_offer_is_approved_when_it_is_asked_for(searching, decide_one, make_event, name, one):
    """Whatever was declined or referred: the loan that its decision offers is approved, as an application of its own,
    under the same bundle and policy, with the same documents.
    """
    decision = decide_one(searching[name], make_event(**one))
    if (recourse := decision["recourse"]) is None:
        return
    assert decision["outcome"] != "approve"
    assert recourse["outcome"] == "approve"
    again = decide_one(searching[name], make_event(**resubmitted(one, recourse)))
    assert again["outcome"] == "approve"
    if recourse["code"] == "lower_amount":
        assert (
            Decimal(str(one["loan"]["amount"])) * LEAST <= Decimal(recourse["value"]) < Decimal(one["loan"]["amount"])
        )


COLLATERAL = {"residential": 2_700_000, "commercial": 2_200_000, "luxury": 4_300_000, "bank": 1_700_000}


def test_a_smaller_loan_is_offered_and_no_larger_one_of_the_grid_is_approved(standard, decide_one, make_event):
    """Assets of 10.9 million do not cover 12.2: the loan that they do cover is named, and a hundred thousand more would
    not have been approved.
    """
    one = make_event(assets=COLLATERAL)
    decision = decide_one(standard, one)
    assert decision["outcome"] == "decline"
    said = r"A loan of INR 1[01],\d00,000 over the same term would have been approved\."
    assert re.fullmatch(said, decision["recourse"]["text"])
    value = int(Decimal(decision["recourse"]["value"]))
    outcomes = [
        decide_one(standard, make_event(assets=COLLATERAL, loan={"amount": amount}))["outcome"]
        for amount in (value, value + 100_000)
    ]
    assert outcomes[0] == "approve" != outcomes[1]


def test_another_term_is_offered_where_it_is_nearer(searching, decide_one, make_event):
    """A limit of fifteen years is met by fifteen years; no smaller loan would help."""
    decision = decide_one(searching["limits of all kinds"], make_event(loan={"amount": 6_000_000, "term_years": 18}))
    assert decision["recourse"]["code"] == "other_term"
    assert decision["recourse"]["text"] == "The same amount over 15 years would have been approved."


@pytest.mark.parametrize(
    "change",
    [
        {"cibil_score": 480},
        {"cibil_score": None},
        {"currency": "EUR"},
        {"result": "mismatch"},
        {"result": "suspicious"},
        {"result": "unavailable"},
        {"result": "not_provided"},
        {"monthly_obligations": 300_000},
    ],
)
def test_nothing_is_offered_for_what_no_other_loan_changes(standard, decide_one, make_event, change):
    """A credit history, documents, a currency, obligations: asking for less changes none of them."""
    decision = decide_one(standard, make_event(**change))
    assert decision["outcome"] != "approve"
    assert decision["recourse"] is None


def test_an_approval_has_no_recourse(standard, decide_one, make_event):
    """Whoever is approved needs no other loan."""
    decision = decide_one(standard, make_event())
    assert (decision["outcome"], decision["recourse"]) == ("approve", None)


def test_a_policy_may_offer_nothing(standard, decide_one, make_event):
    """An offer is a bank's to make: `recourse: none` makes none, changes nothing else and is part of the policy's id."""
    silent = parse_policy(shipped_policy_text("standard") + "\nrecourse: none\n")
    assert silent.policy_id != standard.policy.policy_id
    assert replace(silent, recourse=None).policy_id == standard.policy.policy_id
    event = make_event(assets=COLLATERAL)
    with_offer, without = (decide_one(scorer, event) for scorer in (standard, Scorer(standard.bundle, silent)))
    assert with_offer["recourse"] is not None
    assert without["recourse"] is None
    assert with_offer["principal_reasons"] == without["principal_reasons"]


def test_an_offer_does_not_depend_on_the_batch(standard, key, make_event):
    """Alone or among others, an application is offered the same."""
    events = [make_event(assets=COLLATERAL, loan={"amount": 11_300_000 + 37_000 * step}) for step in range(40)]
    together = [one["recourse"] for one in standard.decide(events, lambda _: key, "test")]
    alone = [standard.decide([event], lambda _: key, "test")[0]["recourse"] for event in events]
    assert together == alone
    assert any(together)


def test_only_another_loan_moves_what_is_searched():
    """What an applicant can move is the loan, and what is made of it."""
    assert {"loan_amount", "loan_term", "lti", "acr"} <= MOVED
    assert not MOVED & {"cibil_score", "annual_income", "total_assets", "dti", "dependents"}
