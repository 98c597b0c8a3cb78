"""Principal reasons: one for each factor, only what hurt, in sentences that are true."""

import os
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from producers.files import read_applications
from schemas.decision import PRINCIPAL_MAX
from schemas.factors import FACTOR_OF, FACTORS, Factor, factor_of_codes, faults
from schemas.reasons import REASONS
from schemas.values import utc_of_ms
from schemas.verification import ApplicationVerified, VerifyProcessing
from scoring import explanation
from scoring.affordability import exact_share
from scoring.decision import Scorer
from scoring.factor_words import FLAGS, REPAYMENT_WORDS, WORDS
from scoring.features import FEATURES, exact_value, feature_matrix
from scoring.policy import INSTALMENT, REPAYMENTS, Condition
from scoring.policy_document import parse_policy
from scoring.principal import factor_of
from scoring.reference import reference_of

PUBLIC = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).parents[3] / "shared" / "data")) / (
    "loan_approval_dataset.csv"
)
PAIRS = [("default", "standard"), ("paper", "paper"), ("paper", "standard"), ("default", "paper")]
NOW_MS = 1_772_443_800_000
RATE = 0.1
"""The interest of the default policy's repayments."""

ABOVE = ("at most", "more than", "above", "no more than")
BELOW = ("at least", "less than", "below", "no less than")


@pytest.fixture(scope="module")
def public(tmp_path_factory, sample_csv):
    """The public set's applications as verify would pass them on, documents supporting every claim."""
    file = PUBLIC
    if not PUBLIC.is_file():
        file = tmp_path_factory.mktemp("public") / "loans.csv"
        file.write_bytes(sample_csv(1500, 3))
    at = utc_of_ms(NOW_MS)
    by = VerifyProcessing(lane="fast", started_at=at, finished_at=at, worker="verify-0", code_version="test")
    return [
        ApplicationVerified(application=one, accepted_at=at, verification_result="verified", processing=by)
        for one in read_applications(file, "bank-a", "INR", at)
    ]


def some(public, pair):
    """All of them for the bundle that is shipped as the default; one in forty where the model takes its time."""
    return public if pair[0] == "default" else public[::40]


def decide(scorer, key, events):
    return scorer.decide(events, lambda _: key, "test")


def told(decision):
    return {row["factor"]: row for row in decision["principal_reasons"] or ()}


def check_sentence(row, event):
    """What a sentence says of a value and a bound is so, as it is written and of the applicant's own number."""
    value, bound, text = row["value"], row["bound"], row["text"]
    assert text.endswith(".")
    assert "residual" not in text
    if bound is None or value is None or not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
        return
    if (
        side := re.search(
            r"; (?:the model has seen )?(no more than|no less than|at most|at least|more than|less than|above|below) ",
            text,
        )
    ) is None:
        return
    assert (Decimal(value) > Decimal(bound)) if side[1] in ABOVE else (Decimal(value) < Decimal(bound)), row
    exact = [exact_value(event.application, name) for name, words in WORDS.items() if _says(words, text)]
    exact += [
        exact_share(Condition("affordability", name, rate=RATE), event.application)
        for name, words in REPAYMENT_WORDS.items()
        if _says(words, text)
    ]
    digits = len(value.partition(".")[2])
    assert any(abs(Fraction(one) - Fraction(value)) <= Fraction(1, 10**digits) for one in exact), row


def _says(words, text):
    return text.startswith(words.subject.partition("{}")[0])


def check(decision, event):
    rows = decision["principal_reasons"]
    if decision["outcome"] == "approve":
        assert rows is None
        return
    assert 1 <= len(rows) <= PRINCIPAL_MAX
    factors = [row["factor"] for row in rows]
    assert len(set(factors)) == len(factors)
    assert set(factors) <= set(FACTORS)
    counted = [row["points"] for row in rows if row["points"] is not None]
    assert all(points < 0 for points in counted)
    assert counted == sorted(counted)
    assert [row["points"] is None for row in rows] == sorted((row["points"] is None for row in rows), reverse=True)
    for row in rows:
        check_sentence(row, event)


@pytest.mark.parametrize("pair", PAIRS)
def test_every_decline_of_the_public_set_is_told_in_factors(scorers, key, public, pair):
    """Nobody is told of one thing twice, of rounding, of what cost nothing; every number is on its side of its bound."""
    chosen = some(public, pair)
    for decision, event in zip(decide(scorers[pair], key, chosen), chosen, strict=True):
        check(decision, event)


def mended(values, scorer, factor):
    """The same applicants, with the best there is in one factor."""
    names = [name for name in scorer.bundle.features if FACTOR_OF[FEATURES[name].reason] == factor]
    better = values.copy()
    for name in names:
        column = scorer.bundle.features.index(name)
        typical = reference_of(scorer.bundle, scorer.policy.bands.approve).values[column]
        better[:, column] = typical
    return better


@pytest.mark.parametrize("pair", PAIRS)
def test_no_decline_of_the_public_set_names_what_is_harmless(scorers, key, public, pair):
    """Each factor that cost points is one with which somebody is worse off: the applicant, who would score better with a
    typical applicant's, or that one, who would score worse with the applicant's. And its value is on the worse side.
    """
    scorer, public = scorers[pair], some(public, pair)
    typical = reference_of(scorer.bundle, scorer.policy.bands.approve)
    values = feature_matrix([event.application for event in public])[:, scorer.bundle.columns]
    seen = 0
    for at, decision in enumerate(decide(scorer, key, public)):
        for factor, row in told(decision).items():
            if row["points"] is None or row["bound"] is not None:
                continue
            seen += 1
            own = values[at : at + 1]
            spoilt = np.where(np.isin(np.arange(own.shape[1]), _columns(scorer, factor)), own, typical.values)
            before, after = (scorer.bundle.margins(one)[0] for one in (own, mended(own, scorer, factor)))
            assert after > before or scorer.bundle.margins(spoilt)[0] < typical.margin
            assert re.search(
                r", (more|less|fewer|higher|lower|longer|shorter) than the .* of a typical|unlike", row["text"]
            )
    assert seen


def _columns(scorer, factor):
    return [at for at, name in enumerate(scorer.bundle.features) if FACTOR_OF[FEATURES[name].reason] == factor]


def test_an_ordinary_score_is_no_reason(standard, key, public):
    """Nobody with a CIBIL score that the policy takes without a deduction is told that it is low, and nobody with more
    assets or a smaller loan than is typical is told of those.
    """
    typical = dict(zip(standard.bundle.features, reference_of(standard.bundle, 0.7).values, strict=True))
    for decision, event in zip(decide(standard, key, public), public, strict=True):
        factors = told(decision)
        if event.application.cibil_score >= 720:
            assert "credit_history" not in factors
        if exact_value(event.application, "acr") >= Decimal(typical["acr"]) and "collateral" in factors:
            assert "The declared assets are" not in factors["collateral"]["text"]


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("clip", [1e-5, 1e-7])
def test_where_points_clip_a_probability_changes_no_principal_reason(scorers, key, public, monkeypatch, pair, clip):
    """The clip is of the points alone: what an applicant is told, and in which order, does not depend on it."""
    public = some(public, pair)
    before = [decision["principal_reasons"] for decision in decide(scorers[pair], key, public)]
    monkeypatch.setattr(explanation, "CLIP", clip)
    again = Scorer(scorers[pair].bundle, scorers[pair].policy)
    assert [decision["principal_reasons"] for decision in decide(again, key, public)] == before


money = st.integers(1, 10**8) | st.integers(1, 10**15).map(lambda cents: f"{cents // 100}.{cents % 100:02d}").filter(
    lambda text: float(text) > 0
)


@st.composite
def applicants(draw):
    income = draw(st.integers(100_000, 20_000_000))
    lti = draw(
        st.sampled_from(["1.5", "4", "4.0000001", "6", "6.00000003", "8", "8.5", "20"]) | st.floats(0.5, 30).map(str)
    )
    return {
        "annual_income": income,
        "loan": {
            "amount": str(max((Decimal(income) * Decimal(lti)).quantize(Decimal("0.01")), Decimal("0.01"))),
            "term_years": draw(st.integers(1, 45)),
        },
        "cibil_score": draw(st.none() | st.integers(300, 900) | st.sampled_from([549, 550, 599, 600])),
        "monthly_obligations": draw(st.none() | st.integers(0, 10**6)),
        "currency": draw(st.sampled_from(["INR", "INR", "INR", "EUR"])),
        "assets": {
            name: draw(st.integers(-(10**6), 10**8)) for name in ("residential", "commercial", "luxury", "bank")
        },
        "result": draw(
            st.sampled_from(["verified", "verified", "not_provided", "mismatch", "suspicious", "unreadable"])
        ),
    }


@pytest.mark.parametrize("pair", PAIRS[:2])
@example(batch=[{"annual_income": 1_195_818, "loan": {"amount": "7174908.01", "term_years": 8}}])
@given(batch=st.lists(applicants(), min_size=1, max_size=4))
def test_whoever_is_not_approved_is_told_why(scorers, key, make_event, pair, batch):
    """One to four factors, each once, what decided first, then what cost most; nothing of an approval."""
    events = [make_event(**one) for one in batch]
    for decision, event in zip(decide(scorers[pair], key, events), events, strict=True):
        check(decision, event)


def test_a_loan_past_two_bounds_and_the_models_own_word_are_one_factor(scorers, decide_one, make_event):
    """LTI above 6 is penalised and the model has its own view of amount and income: one reason, with the net."""
    shipped = scorers["paper", "standard"]
    # So large a loan is beyond the limit of the instalment as well: here the score alone speaks.
    scorer = Scorer(shipped.bundle, replace(shipped.policy, rules=()))
    decision = decide_one(scorer, make_event(annual_income=1_900_000))
    codes = [row["code"] for row in decision["reasons"]]
    assert {"penalty_lti_high", "loan_amount"} <= set(codes)
    rows = told(decision)
    assert rows["loan_burden"]["text"] == (
        "The loan is 6.42 times the annual income; at most 4 times is accepted without a deduction."
    )
    assert (rows["loan_burden"]["value"], rows["loan_burden"]["bound"]) == ("6.42", "4")


@pytest.mark.parametrize(
    ("change", "factor", "sentence"),
    [
        (
            {"annual_income": 1_400_000},
            "loan_burden",
            "The loan is 8.71 times the annual income; more than 8 times is declined.",
        ),
        ({"cibil_score": 549}, "credit_history", "The CIBIL score is 549; less than 550 is declined."),
        ({"cibil_score": None}, "credit_history", "There is no CIBIL score: a person decides."),
        (
            {"annual_income": 2_000_000, "loan": {"term_years": 10}},
            "loan_burden",
            "The instalment of this loan would take 96.7 % of the income; more than 60 % is declined.",
        ),
        (
            {"monthly_obligations": "205000.01", "loan": {"term_years": 20}},
            "loan_burden",
            "The instalment and the obligations named would together take 94.5 % of the income; above 60 % a person decides.",
        ),
        (
            {"loan": {"term_years": 40}},
            "experience",
            "The term asked for is 40 years; the model has seen no more than 20 years: a person decides.",
        ),
        ({"currency": "EUR"}, "experience", "The model does not know amounts in EUR: a person decides."),
        ({"result": "not_provided"}, "documents", "No document supports the claims: a person decides."),
    ],
)
def test_what_decided_is_told_with_its_bound(standard, decide_one, make_event, change, factor, sentence):
    """A rule is told as the policy has it: the applicant's number, and the one it is held against."""
    first = decide_one(standard, make_event(**change))["principal_reasons"][0]
    assert (first["factor"], first["text"], first["points"]) == (factor, sentence, None)


TESTS_OF_REPAYMENTS = """
name: repayments
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties: []
rules:
  - code: own_instalment
    text: "The instalment is {value} of the income."
    outcome: decline
    affordability: {of: instalment, rate: 0.1, share_above: 0.6}
  - code: repayments_above_limit
    outcome: refer
    affordability: {of: instalment_and_obligations, rate: 0.1, share_above: 0.25}
"""
JUST_ABOVE = {"loan": {"amount": 4_000_000}, "annual_income": "1213933.12"}
"""The highest income, in whole cents, of which the instalment takes more than 60 %."""


@pytest.mark.parametrize(
    ("change", "name", "bound", "sentence"),
    [
        (JUST_ABOVE, INSTALMENT, "0.6", "The instalment of this loan would take {} of the income; more than 60 % is "),
        (
            JUST_ABOVE | {"annual_income": 2_000_000, "monthly_obligations": "39303.35"},
            REPAYMENTS,
            "0.6",
            "The instalment and the obligations named would together take {} of the income; above 60 % a person ",
        ),
    ],
)
def test_repayments_are_told_with_the_share_and_the_limit(
    standard, decide_one, make_event, change, name, bound, sentence
):
    """A share next to the limit is never rounded onto it, and is the exact share as far as its digits go."""
    event = make_event(**{"monthly_obligations": 0} | change)
    (row,) = decide_one(standard, event)["principal_reasons"]
    check_sentence(row, event)
    exact = exact_share(Condition("affordability", name, rate=RATE), event.application)
    assert Fraction(row["bound"]) == Fraction(bound) < Fraction(row["value"])
    assert abs(exact - Fraction(row["value"])) < Fraction(1, 10**8)
    assert row["text"].startswith(sentence.format(f"{(Decimal(row['value']) * 100).normalize():f} %"))
    assert row["factor"] == "loan_burden"


def test_a_banks_own_words_tell_the_share(bundles, decide_one, make_event):
    """A bank's own sentence about the instalment has the share in its place; without named obligations the instalment
    alone is told, in a sentence that is true of both.
    """
    scorer = Scorer(bundles["default"], parse_policy(TESTS_OF_REPAYMENTS))
    own = decide_one(scorer, make_event(annual_income=2_000_000, loan={"term_years": 10}))["principal_reasons"][0]
    assert (own["text"], own["value"], own["bound"]) == ("The instalment is 96.7 % of the income.", "0.967", "0.6")
    unnamed = decide_one(scorer, make_event(loan={"term_years": 20}, monthly_obligations=None))["principal_reasons"][0]
    assert unnamed["text"] == (
        "The instalment and the obligations named would together take 34.5 % of the income; above 25 % a person decides."
    )


def test_an_approval_by_the_score_that_a_rule_holds_back_is_told_the_rule_alone(standard, decide_one, make_event):
    """Where the score approves, no factor of it held anything back."""
    assert list(told(decide_one(standard, make_event("not_provided")))) == ["documents"]


OWN = """
name: own
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
penalties:
  - {code: penalty_lti_high, feature: lti, above: 6, size: 0.35}
  - {code: own_large, text: "The loan is {value} times a year's income.", feature: lti, above: 2, size: 0.5}
rules:
  - {code: income_gap, outcome: refer, income_gap: {difference_above: 0.1, similarity_below: 0.9}}
  - {code: own_none, text: "Nobody knows the score.", outcome: decline, missing: cibil_score}
  - {code: no_documents, outcome: refer, verification: not_provided, loan_above: 5_000_000}
"""


def test_a_banks_own_rows_are_about_what_they_look_at(bundles, decide_one, make_event):
    """An own penalty on LTI belongs to the loan's burden and an own rule about the CIBIL score to the credit history, in
    the bank's words; each thing is told once.
    """
    scorer = Scorer(bundles["default"], parse_policy(OWN))
    rows = told(decide_one(scorer, make_event()))
    assert rows["loan_burden"]["text"] == "The loan is 2.98 times a year's income."
    declined = decide_one(scorer, make_event(cibil_score=None))["principal_reasons"]
    assert [(row["factor"], row["text"]) for row in declined] == [("credit_history", "Nobody knows the score.")]
    without = decide_one(scorer, make_event("not_provided"))["principal_reasons"][0]
    assert without["text"] == (
        "No document supports the claims: a person decides. That holds for loans above INR 5,000,000."
    )


def test_an_income_gap_is_told_with_the_policys_own_bound(bundles, decide_one, make_event):
    """A policy that refers above a tenth does not tell of a fifth, among the reasons or the principal ones."""
    checks = [
        {
            "claim": "annual_income",
            "result": "mismatch",
            "field": "gross_monthly",
            "difference": 0.15,
            "similarity": 0.5,
        }
    ]
    decision = decide_one(Scorer(bundles["default"], parse_policy(OWN)), make_event("mismatch", checks=checks))
    said = "The income in the documents and the income claimed are more than 10 % of the claim apart."
    assert said in [row["text"] for row in decision["reasons"]]
    assert told(decision)["income_evidence"]["text"] == said
    assert told(decision)["income_evidence"]["bound"] == "0.1"


def test_a_finding_is_told_and_not_beside_it_that_something_was_found(standard, decide_one, events):
    """Documents that contradict the income are one reason: in particular, and not in general as well."""
    decision = decide_one(standard, events["contradicted"])
    assert {"documents_mismatch", "income_mismatch", "arithmetic_break"} <= {row["code"] for row in decision["reasons"]}
    rows = told(decision)
    assert rows["income_evidence"]["text"] == "The documents show less income than the 4100000.00 claimed."
    assert rows["documents"]["text"] == "The amounts on a document do not add up."


def test_a_penalty_that_takes_nothing_is_no_reason(paper, decide_one, make_event):
    """Once nothing is left of a score, a further penalty stands among the penalties, and not among the reasons."""
    poor = {"residential": 0, "commercial": 0, "luxury": 300_000, "bank": 0}
    decision = decide_one(paper, make_event(cibil_score=480, annual_income=1_500_000, assets=poor))
    taken = {penalty["code"] for penalty in decision["penalties"]}
    points = {row["code"]: row["points"] for row in decision["reasons"]}
    assert taken - set(points)
    assert 0.0 not in points.values()


def test_every_code_is_in_exactly_one_factor():
    """A feature, penalty, rule, check or finding that no factor speaks of stops every start; so does one in two."""
    assert list(faults(FACTORS)) == []
    income = FACTORS["income"]
    for wrong, said in (
        ({"income": replace(income, codes=())}, "annual_income is in no factor"),
        ({"fresh": Factor("fresh", "", ("loan_term",))}, "loan_term is in several factors"),
        ({"fresh": Factor("fresh", "", ("no_such_code",))}, "no_such_code is no reason code of a factor"),
        ({"fresh": Factor("fresh", "", ("numerical_residual",))}, "numerical_residual is no reason code of a factor"),
    ):
        with pytest.raises(ValueError, match=said):
            factor_of_codes({**FACTORS, **wrong})


def test_a_penalty_or_rule_is_of_the_factor_of_what_it_looks_at():
    """LTI as a feature, with a penalty and under a rule is one thing."""
    for row in REASONS.values():
        name = (row.about or "").removeprefix("missing ").split(" ")[0]
        if row.source in {"penalty", "rule"} and name in FEATURES and row.code != "obligations_missing":
            assert FACTOR_OF[row.code] == FACTOR_OF[FEATURES[name].reason]
            assert factor_of("own_x", Condition("feature", name, above=1)) == FACTOR_OF[row.code]


def test_every_feature_has_its_words():
    """What can be a factor can be told, and hurts on the side that the table of features says."""
    assert set(WORDS) | set(FLAGS) == set(FEATURES)
    assert {name: words.worse for name, words in WORDS.items()} == {name: -FEATURES[name].direction for name in WORDS}


def test_the_reference_is_an_applicant_whom_the_policy_approves(bundles):
    """Whatever the bands, the typical approved applicant is approved, where the model approves anybody."""
    for bundle in bundles.values():
        for approve in (0.0, 0.5, 0.7, 0.95, 0.99):
            assert reference_of(bundle, approve).probability > approve


def test_a_bundle_may_state_its_typical_applicant(bundles):
    """What the training data say comes before what golden vectors let one guess."""
    stated = {name: float(number) for number, name in enumerate(bundles["default"].features)} | {
        "cibil_score": 890.0,
        "acr": 5.0,
    }
    found = reference_of(replace(bundles["default"], typical=stated), 0.5)
    assert found.values.tolist() == [stated[name] for name in bundles["default"].features]
