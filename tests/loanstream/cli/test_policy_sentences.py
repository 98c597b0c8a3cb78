"""A policy is shown in words."""

import pytest

from loanstream.cli.policy_difference import differences
from loanstream.cli.policy_sentences import policy_rows, rule_words
from registry.named import policy_text
from scoring.policy import Condition, Rule
from scoring.policy_document import parse_policy
from scoring.shipped import POLICIES


def test_penalties_and_rules_are_sentences():
    """What is taken or decided, and when, stands beside the code that reasons name."""
    rows = dict(policy_rows(parse_policy(policy_text("standard"))))
    assert rows["penalty_lti_high"] == "-0.35 if LTI above 6 (group lti)"
    assert rows["lti_above_limit"] == "decline if LTI above 8"
    assert rows["thin_file"] == "refer instead of approve if CIBIL score is missing"
    assert rows["instalment_above_limit"] == "decline if the instalment at 10% a year takes more than 60% of the income"
    assert rows["repayments_above_limit"] == (
        "refer instead of approve if the instalment at 10% a year and existing obligations take more than 60% of the income"
    )
    assert rows["outside_experience"] == (
        "refer instead of approve if dependents, annual income, loan amount, loan term, CIBIL score, LTI or ACR "
        "is beyond the bundle's training range, on a side that does harm"
    )
    assert rows["bands"] == "approve above 0.7, decline at or below 0.3, else refer"


@pytest.mark.parametrize("name", POLICIES)
def test_every_shipped_policy_has_all_its_rows(name):
    """No penalty or rule is left out."""
    policy = parse_policy(policy_text(name))
    assert len(policy_rows(policy)) == 4 + (name == "paper") + len(policy.penalties) + len(policy.rules)


def test_the_paper_says_for_which_bundle_it_is_and_what_raises_its_flag():
    """Whoever compares the two shipped policies reads both in words."""
    rows = dict(policy_rows(parse_policy(policy_text("paper"))))
    assert rows["bundle"] == "meant for bundle paper alone"
    assert rows["income_gap"] == "refer if the income differs by more than 20%"
    both = (parse_policy(policy_text(name)) for name in ("standard", "paper"))
    bundle = next(one for one in differences(*both) if one.part == "bundle")
    assert (bundle.a, bundle.b) == ("for any bundle", "meant for bundle paper alone")


def test_a_range_has_both_its_ends():
    """An interval is told by both bounds."""
    assert (
        rule_words(Rule("r", Condition("feature", "dti", 0.4, 0.6), "refer")) == "refer if DTI above 0.4 and below 0.6"
    )
