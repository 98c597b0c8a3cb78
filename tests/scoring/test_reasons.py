"""Every code that a decision can carry has its plain sentence."""

from typing import get_args

import pytest

from schemas.reasons import BASIS, MODEL_ALONE, REASONS
from schemas.verification import VerificationResult
from scoring.checks import INCOME_CHECKS, REASON_OF, TEXT_CHECKS
from scoring.features import FEATURES
from scoring.holders import HOLDER
from scoring.policy import INSTALMENT, NET_CREDITS, REPAYMENTS, TRAINING_RANGE, Condition
from scoring.policy_document import parse_policy
from scoring.rules import BASIS_OF_RESULT, RULE_OF_DEGRADED
from scoring.shipped import POLICIES, shipped_policy_text

DOCUMENT_FINDINGS = (
    "no_text_layer",
    "encrypted",
    "damaged",
    "empty",
    "too_large",
    "resource_limit",
    "unsupported_media_type",
    "unsupported_kind",
    "no_known_fields",
    "document_missing",
    "deadline",
    "arithmetic_break",
)


def test_every_document_finding_has_a_sentence():
    """Whatever a document reader reports can be told to a person."""
    assert all(REASONS[code].source == "document" for code in DOCUMENT_FINDINGS)


@pytest.mark.parametrize("name", POLICIES)
def test_every_penalty_and_rule_of_a_shipped_policy_has_a_sentence(name):
    """Shipped penalties and rules carry registered codes of their own kind."""
    policy = parse_policy(shipped_policy_text(name))
    assert all(REASONS[penalty.code].source == "penalty" for penalty in policy.penalties)
    assert all(REASONS[rule.code].source == "rule" for rule in policy.rules)


def test_every_check_has_a_sentence():
    """A contradicted claim has a reason, and so has a document that is not shown to be the applicant's."""
    for claim in ("annual_income", "net_pay", "identifier", *(row.claim for row in TEXT_CHECKS)):
        assert (claim, "mismatch") in REASON_OF
    assert all(REASONS[code].source == "check" for code in REASON_OF.values())
    assert {code for (claim, _), code in REASON_OF.items() if claim == HOLDER} <= set(BASIS)
    assert INCOME_CHECKS


def test_every_verification_result_has_a_basis():
    """Each result of the verification is a basis, and each result that may not approve has its rule."""
    assert set(BASIS_OF_RESULT) == set(get_args(VerificationResult))
    assert set(BASIS_OF_RESULT.values()) <= set(BASIS)
    assert set(RULE_OF_DEGRADED) == set(get_args(VerificationResult)) - {"verified", "not_provided"}
    assert all(REASONS[code].source == "rule" for code in RULE_OF_DEGRADED.values())


def test_sentences_take_at_most_one_value():
    """A sentence names the applicant's value or the policy's bound at most once and is a sentence."""
    for row in REASONS.values():
        assert row.sentence.count("{") == row.sentence.count("{value}") + row.sentence.count("{bound}") <= 1
        assert row.sentence.endswith(".")


def every_condition():
    """One condition of every kind, feature and end that a policy can hold."""
    for name in FEATURES:
        yield from (
            Condition("feature", name, above=1),
            Condition("feature", name, below=1),
            Condition("missing", name),
        )
    yield from (Condition("verification", result) for result in get_args(VerificationResult))
    yield Condition("income_gap", "annual_income")
    yield Condition("income_from", NET_CREDITS)
    yield Condition("beyond", TRAINING_RANGE)
    yield from (Condition("affordability", name, 0.6, rate=0.1) for name in (INSTALMENT, REPAYMENTS))


TIED = [row for row in REASONS.values() if row.source in {"penalty", "rule"}]


@pytest.mark.parametrize("row", TIED, ids=lambda row: row.code)
def test_every_penalty_and_rule_says_what_it_speaks_of(row):
    """A code without its condition could be put on any factor, and a decision would name one that was not used."""
    known = {words for condition in every_condition() for words in condition.looks_at}
    assert row.about in (known if row.source == "penalty" else known | {MODEL_ALONE})


def test_only_penalties_and_rules_speak_of_conditions():
    """What the model, a check or a document says is no policy's to choose."""
    assert {row.source for row in REASONS.values() if row.about} == {"penalty", "rule"}


@pytest.mark.parametrize("row", TIED, ids=lambda row: row.code)
def test_a_sentence_that_names_who_decides_promises_that_outcome(row):
    """Whoever reads that a person decides is referred to one; no other sentence speaks of the outcome."""
    assert (row.outcome == "refer") == ("person decides" in row.sentence)
    assert row.outcome in {None, "refer"}
