"""A policy that contradicts its own sentences, or is about everybody or nobody, is refused when it is written."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.reasons import MODEL_ALONE, REASONS
from scoring.features import FEATURES
from scoring.policy import PolicyError
from scoring.policy_document import parse_policy
from scoring.policy_sense import fault_of_row

HEAD = """\
name: small
points: {score: 600, pdo: 20}
bands: {approve: 0.7, decline: 0.3}
"""
GAP = "income_gap: {difference_above: 0.25, similarity_below: 0.8}"


def with_rule(row: str) -> str:
    return f"{HEAD}penalties: []\nrules:\n  - {{{row}}}\n"


def with_penalty(row: str) -> str:
    return f"{HEAD}penalties:\n  - {{{row}, size: 0.1}}\nrules: []\n"


def refusal(text: str) -> str:
    with pytest.raises(PolicyError) as refused:
        parse_policy(text)
    return str(refused.value)


def condition_of(about: str) -> str:
    """A condition that a registered code speaks of, as an author writes it."""
    match about.split():
        case ["income_gap"]:
            return GAP
        case ["affordability", name]:
            return f"affordability: {{of: {name}, rate: 0.1, share_above: 0.6}}"
        case ["beyond", _]:
            return "beyond: training_range, instead_of: approve"
        case [("missing" | "verification" | "income_from") as kind, name]:
            return f"{kind}: {name}"
        case [name, end]:
            return f"feature: {name}, {end}: 500" if name == "cibil_score" else f"feature: {name}, {end}: 1"
    raise AssertionError(about)


RULES = [row for row in REASONS.values() if row.source == "rule" and row.about != MODEL_ALONE]


@pytest.mark.parametrize("outcome", ["refer", "decline"])
@pytest.mark.parametrize("row", RULES, ids=lambda row: row.code)
def test_a_registered_rule_has_the_outcome_that_its_sentence_tells(row, outcome):
    """Nobody is declined by a rule that says a person decides; a limit may decline or refer."""
    text = with_rule(f"code: {row.code}, outcome: {outcome}, {condition_of(row.about)}")
    if row.outcome in {None, outcome}:
        assert parse_policy(text).rules[0].outcome == outcome
        return
    said = refusal(text)
    assert said.startswith("line 6: ")
    assert row.code in {"beyond_training_range", "outside_experience"} or said == (
        f"line 6: {row.code!r} says {row.sentence!r}: expected outcome: refer, or a code of your own, own_…, with its "
        "'text'"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (with_penalty("code: penalty_acr_low, feature: acr, below: 1.01"), "'below' of 1 or less"),
        (with_penalty("code: penalty_cibil_low, feature: cibil_score, below: 751"), "'below' of 750 or less"),
        (with_penalty("code: penalty_cibil_low, feature: cibil_score, below: 900"), "'below' of 750 or less"),
        (with_penalty("code: penalty_lti_high, feature: lti, above: 1.9"), "'above' of 2 or more"),
        (with_penalty("code: penalty_lti_elevated, feature: lti, above: 0.1"), "'above' of 1 or more"),
        (with_penalty("code: penalty_acr_low, feature: acr, above: 0.2, below: 4"), "'below' of 1 or less"),
    ],
)
def test_a_registered_row_has_the_bound_that_its_sentence_tells(text, expected):
    """Assets of twice the loan do not cover "only" that, and a CIBIL score that lenders call good is not "low"."""
    said = refusal(text)
    assert said.startswith("line ")
    assert f"expected {expected}" in said
    assert said.endswith("or a code of your own, own_…, with its 'text'")


@pytest.mark.parametrize(
    "text",
    [
        with_rule(f"code: income_gap, outcome: decline, {GAP.replace('0.25', '0.2')}"),
        with_rule(f"code: income_gap, outcome: refer, {GAP.replace('0.25', '0.6')}"),
        with_penalty("code: penalty_acr_low, feature: acr, below: 1"),
        with_penalty("code: penalty_cibil_low, feature: cibil_score, below: 750"),
        with_penalty("code: penalty_lti_high, feature: lti, above: 2"),
        with_penalty("code: penalty_lti_elevated, feature: lti, above: 1"),
        with_penalty('code: own_score, text: "The score is not the best.", feature: cibil_score, below: 880'),
        with_penalty('code: own_lti, text: "The loan is not small.", feature: lti, above: 0.1'),
        with_rule(f'code: own_gap, text: "The incomes are apart.", outcome: decline, {GAP.replace("0.25", "0.1")}'),
        with_rule('code: own_thin, text: "There is no CIBIL score.", outcome: decline, missing: cibil_score'),
        with_rule('code: own_forged, text: "A document was altered.", outcome: decline, verification: suspicious'),
    ],
)
def test_what_keeps_its_promise_is_taken_and_an_own_reason_is_the_way_out(text):
    """The bound itself is enough; what the registered sentence does not say a bank says in its own words."""
    parse_policy(text)


@pytest.mark.parametrize(("high", "taken"), [("3.99", False), ("4", False), ("4.01", True)])
def test_what_is_very_large_is_larger_than_what_is_large(high, taken):
    """Of two sentences about one number, the one that says more begins further out, in whichever order they stand."""
    large = "  - {code: penalty_lti_elevated, feature: lti, above: 4, size: 0.1}\n"
    very = f"  - {{code: penalty_lti_high, feature: lti, above: {high}, size: 0.2}}\n"
    for rows, line in ((large + very, 6), (very + large, 5)):
        text = f"{HEAD}penalties:\n{rows}rules: []\n"
        if taken:
            parse_policy(text)
        else:
            assert refusal(text) == (
                f"line {line}: 'penalty_lti_high' says more than 'penalty_lti_elevated': expected 'above' of more than 4, "
                f"not {high}"
            )
        assert len(parse_policy(text, stored=True).penalties) == 2


INFERRED = "code: income_from_net_credits, outcome: refer, income_from: net_credits, difference_above"


@pytest.mark.parametrize(
    ("above", "taken"), [("0", True), ("0.25", True), ("0.3499", True), ("0.35", False), ("0.36", False), ("1", False)]
)
def test_an_income_that_is_inferred_is_never_further_from_the_claim_than_net_credits_may_be(above, taken):
    """A row that waits for more waits for a mismatch, and would never say anything of what was verified."""
    text = with_rule(f"{INFERRED}: {above}")
    if taken:
        parse_policy(text)
    else:
        assert refusal(text) == (
            "line 6: can never apply to what is verified: a claim that exceeds net credits by more than 0.35 of itself "
            f"is a mismatch: expected 'difference_above' of less than 0.35, not {above}"
        )


CONTRADICTING = {
    "an inferred income beyond all": f"{INFERRED}: 1",
    "a decline that says a person decides": "code: thin_file, outcome: decline, missing: cibil_score",
    "documents that decline": "code: documents_suspicious, outcome: decline, verification: suspicious",
    "everybody with a score": "code: cibil_below_limit, outcome: decline, feature: cibil_score, below: 6000",
    "everybody": "code: lti_above_limit, outcome: decline, feature: lti, above: -3",
    "in per cent": f"code: income_gap, outcome: refer, {GAP.replace('0.25', '20')}",
    "a limit in per cent": "code: dti_above_limit, outcome: decline, feature: dti, above: 60",
}


@pytest.mark.parametrize("row", CONTRADICTING.values(), ids=CONTRADICTING.keys())
def test_what_was_activated_before_these_checks_still_decides(row):
    """A policy in the store is read as on the day of its activation, else its decisions could not be made again."""
    assert refusal(with_rule(row)).startswith("line 6: ")
    assert len(parse_policy(with_rule(row), stored=True).rules) == 1


@pytest.mark.parametrize(
    "row",
    [
        "code: penalty_cibil_low, feature: cibil_score, below: 880",
        "code: penalty_lti_high, feature: lti, above: 0.1",
        "code: penalty_lti_elevated, feature: lti, above: 0.1",
    ],
)
def test_a_penalty_that_was_activated_before_its_sentence_had_a_bound_still_decides(row):
    """Whoever was told that 870 is low is told so again when the decision is made again."""
    assert refusal(with_penalty(row)).startswith("line 5: ")
    assert len(parse_policy(with_penalty(row), stored=True).penalties) == 1


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("lti, above: -3", "always applies: lti is always above -3 (it goes from 1e-15 to 1e+15)"),
        ("lti, above: 0", "always applies: lti is always above 0 (it goes from 1e-15 to 1e+15)"),
        (
            "cibil_score, below: 6000",
            "always applies, where there is one: cibil_score is always below 6000 (it goes from 300 to 900 in steps of 1)",
        ),
        ("cibil_score, above: 299", "always applies, where there is one: cibil_score is always above 299"),
        ("loan_term, below: 50.01", "always applies: loan_term is always below 50.01 (it goes from 0.01 to 50"),
        ("dependents, above: -1, below: 51", "always applies: dependents is always above -1"),
        ("cibil_score, above: 200, below: 600", "'above' does nothing: cibil_score is always above 200"),
        ("annual_income, above: 0, below: 300000", "'above' does nothing: annual_income is always above 0"),
        ("dti, above: 0.6, below: 1e30", "'below' does nothing: dti is always below 1e+30"),
        ("dti, above: 60", "'above' is 60: dti is a share of the income, and 60 % is 0.6"),
    ],
)
def test_a_row_about_everybody_is_refused_with_the_range(condition, says):
    """A limit that everybody is past was mistyped; its author hears which values there are."""
    row = f"code: own_row, text: It is so., feature: {condition}"
    assert refusal(with_rule(f"{row}, outcome: refer")).startswith(f"line 6: {says}")
    assert refusal(with_penalty(row)).startswith(f"line 5: {says}")


@pytest.mark.parametrize("above", [1, 1.5, 20])
def test_a_gap_that_no_claim_can_have_is_refused(above):
    """A claim is too high by all of itself at most: 20 was meant in per cent."""
    said = refusal(with_rule(f"code: income_gap, outcome: refer, {GAP.replace('0.25', str(above))}"))
    assert said == (
        "line 6: can never apply: a claim is too high by a share of itself that goes from 0 to 1, never by more than "
        f"{above} (20 % is 0.2)"
    )


@settings(deadline=None)
@given(st.sampled_from(sorted(FEATURES)), st.sampled_from(["above", "below"]), st.floats(-1e16, 1e16))
def test_a_row_that_is_taken_holds_for_somebody_and_not_for_everybody(name, end, bound):
    """Of all values that the schema lets through, some are inside the bound of an accepted row and some are not."""
    typed = f"{bound:.2f}"
    try:
        policy = parse_policy(with_rule(f"code: own_row, text: So., outcome: refer, feature: {name}, {end}: {typed}"))
    except PolicyError:
        return
    condition, values = policy.rules[0].condition, FEATURES[name].values
    assert condition.above < values.high
    assert values.low < condition.below
    assert not (condition.above < values.low and values.high < condition.below)
    assert math.isfinite(condition.above) or math.isfinite(condition.below)
    assert fault_of_row(policy.rules[0]) is None
