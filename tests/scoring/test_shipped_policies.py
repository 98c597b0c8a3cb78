"""The shipped policies hold the numbers of the design: written out here a second time, so that none drifts unseen."""

import dataclasses

import pytest

from scoring.policy import INSTALMENT, REPAYMENTS, Bands, Condition, Penalty, Points, Rule
from scoring.policy_document import parse_policy
from scoring.shipped import POLICIES, shipped_policy_text

PENALTIES = (
    Penalty("penalty_lti_high", Condition("feature", "lti", above=6), 0.35, "lti"),
    Penalty("penalty_lti_elevated", Condition("feature", "lti", above=4), 0.18, "lti"),
    Penalty("penalty_cibil_low", Condition("feature", "cibil_score", below=600), 0.12, None),
    Penalty("penalty_acr_low", Condition("feature", "acr", below=0.5), 0.08, None),
)

DOUBTS = (
    Rule("documents_suspicious", Condition("verification", "suspicious"), "refer", None),
    Rule("documents_mismatch", Condition("verification", "mismatch"), "refer", None),
    Rule("reader_unavailable", Condition("verification", "unavailable"), "refer", None),
    Rule("documents_unreadable", Condition("verification", "unreadable"), "refer", None),
    Rule("thin_file", Condition("missing", "cibil_score"), "refer", None),
)

GATED = "dependents annual_income loan_amount loan_term cibil_score lti acr"

DESIGN = {
    "paper": {
        "name": "paper",
        "points": Points(score=600, pdo=20),
        "bands": Bands(approve=0.5, decline=0.5),
        "recourse": None,
        "penalties": PENALTIES,
        "rules": (
            Rule("income_gap", Condition("income_gap", "annual_income", above=0.2), "refer", None),
            *DOUBTS,
        ),
        "bundle": "paper",
    },
    "standard": {
        "name": "standard",
        "points": Points(score=600, pdo=20),
        "bands": Bands(approve=0.7, decline=0.3),
        "recourse": None,
        "penalties": PENALTIES,
        "rules": (
            Rule("cibil_below_limit", Condition("feature", "cibil_score", below=550), "decline", None),
            Rule("lti_above_limit", Condition("feature", "lti", above=8), "decline", None),
            Rule("instalment_above_limit", Condition("affordability", INSTALMENT, above=0.6, rate=0.1), "decline"),
            *(dataclasses.replace(rule, instead_of="approve") for rule in DOUBTS),
            Rule(
                "repayments_above_limit",
                Condition("affordability", REPAYMENTS, above=0.6, rate=0.1),
                "refer",
                "approve",
            ),
            Rule("obligations_missing", Condition("missing", "dti"), "refer", "approve"),
            Rule("outside_experience", Condition("beyond", GATED), "refer", "approve"),
            Rule("no_documents", Condition("verification", "not_provided", above=0), "refer", "approve"),
        ),
        "bundle": None,
    },
}
"""Policy -> each of its fields."""

LOAN = 4_000_000
ASSETS = {"residential": 0, "commercial": 0, "luxury": 0, "bank": 20_000_000}


@pytest.fixture(params=["paper", "standard"])
def scorer(request, scorers):
    return scorers["paper" if request.param == "paper" else "default", request.param]


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in DESIGN for field in DESIGN[name]])
def test_a_shipped_policy_is_the_designs(name, field):
    """Every number, name, code and order of the paper's method and of our default is the one that was decided on."""
    assert getattr(parse_policy(shipped_policy_text(name)), field) == DESIGN[name][field]


def test_every_shipped_policy_is_written_out_whole():
    """A policy or a field that is new has to be written out here too."""
    assert set(DESIGN) == set(POLICIES)
    for name, fields in DESIGN.items():
        assert set(fields) == {field.name for field in dataclasses.fields(parse_policy(shipped_policy_text(name)))}


@pytest.mark.parametrize(
    ("changes", "penalties"),
    [
        ({"loan": {"amount": LOAN}, "annual_income": LOAN // 4}, {}),
        ({"loan": {"amount": "4000000.01"}, "annual_income": 1_000_000}, {"penalty_lti_elevated": 0.18}),
        ({"loan": {"amount": 6_000_000}, "annual_income": 1_000_000}, {"penalty_lti_elevated": 0.18}),
        ({"loan": {"amount": "6000000.01"}, "annual_income": 1_000_000}, {"penalty_lti_high": 0.35}),
        ({"cibil_score": 600}, {}),
        ({"cibil_score": 599}, {"penalty_cibil_low": 0.12}),
        ({"assets": {"bank": LOAN // 2}}, {}),
        ({"assets": {"bank": "1999999.99"}}, {"penalty_acr_low": 0.08}),
    ],
    ids=["LTI 4", "LTI > 4", "LTI 6", "LTI > 6", "CIBIL 600", "CIBIL 599", "ACR 0.5", "ACR < 0.5"],
)
def test_a_penalty_begins_beyond_its_limit(scorer, decide_one, make_event, changes, penalties):
    """At the limit itself nothing is taken; one cent or one point beyond it, exactly the design's number."""
    applicant = {"loan": {"amount": LOAN}, "annual_income": 2_000_000, "assets": ASSETS}
    assets = ASSETS | changes.get("assets", {})
    decision = decide_one(scorer, make_event(**{**applicant, **changes, "assets": assets}))
    assert {row["code"]: row["size"] for row in decision["penalties"]} == penalties
    assert decision["score_final"] == pytest.approx(
        max(0, decision["p_calibrated"] - sum(penalties.values())), abs=1e-9
    )


@pytest.mark.parametrize(
    ("changes", "decided_by"),
    [
        ({"annual_income": 500_000}, ["instalment_above_limit"]),
        ({"annual_income": "499999.99"}, ["lti_above_limit", "instalment_above_limit"]),
        ({"annual_income": 2_000_000, "cibil_score": 549}, ["cibil_below_limit"]),
        ({"annual_income": 2_000_000, "cibil_score": 550}, []),
        ({"annual_income": "1213933.13"}, []),
        ({"annual_income": "1213933.12"}, ["instalment_above_limit"]),
        ({"annual_income": 2_000_000, "monthly_obligations": "39303.34"}, []),
        ({"annual_income": 2_000_000, "monthly_obligations": "39303.35"}, ["repayments_above_limit"]),
        ({"annual_income": 2_000_000, "monthly_obligations": 9_000_000}, ["repayments_above_limit"]),
        ({"annual_income": 2_000_000, "monthly_obligations": None}, ["obligations_missing"]),
    ],
    ids=[
        *("LTI 8", "LTI > 8", "CIBIL 549", "CIBIL 550", "instalment 0.6", "instalment > 0.6"),
        *("repayments 0.6", "repayments > 0.6", "obligations above all", "obligations not named"),
    ],
)
def test_the_default_declines_beyond_its_limits(standard, decide_one, make_event, changes, decided_by):
    """Eight years of income, an instalment of six tenths of it or a CIBIL score of 550 are still no reason to decline.
    What obligations add is never more than a reason to ask a person.
    """
    assets = ASSETS | {"luxury": 300_000}
    some = {"monthly_obligations": 0} | changes
    decision = decide_one(standard, make_event(loan={"amount": LOAN}, assets=assets, **some))
    assert [row["code"] for row in decision["reasons"] if row["decisive"]] == decided_by
    declined = {"lti_above_limit", "instalment_above_limit", "cibil_below_limit"} & {*decided_by}
    assert decision["outcome"] == ("decline" if declined else "refer" if decided_by else "approve")


@pytest.mark.parametrize(
    ("name", "score", "outcome"),
    [
        ("paper", 0.5, "decline"),
        ("paper", 0.500000001, "approve"),
        ("standard", 0.3, "decline"),
        ("standard", 0.300000001, "refer"),
        ("standard", 0.7, "refer"),
        ("standard", 0.700000001, "approve"),
    ],
)
def test_a_band_begins_above_its_limit(name, score, outcome):
    """A score at a limit is below it; the least step above it, a billionth, is above."""
    assert parse_policy(shipped_policy_text(name)).bands.outcome(score) == outcome


def test_the_default_approves_nothing_without_documents(standard, decide_one, make_event):
    """The limit is 0: even one cent is a person's to decide."""
    decision = decide_one(standard, make_event("not_provided", loan={"amount": "0.01"}))
    assert decision["outcome"] == "refer"
    assert [row["code"] for row in decision["reasons"] if row["decisive"]] == ["no_documents"]
