"""A policy as rows for a person: each penalty and rule is a sentence beside its code."""

import math
from collections.abc import Callable, Mapping
from decimal import Decimal

from scoring.policy import REPAYMENTS, TRAINING_RANGE, Bands, Condition, Penalty, Points, Policy, Rule

ABBREVIATIONS = frozenset({"acr", "cibil", "dti", "lti"})


def policy_rows(policy: Policy) -> list[tuple[str, str]]:
    """The whole policy, in the order in which it is applied."""
    return [
        ("policy_id", policy.policy_id),
        ("name", policy.name),
        *([("bundle", bundle_words(policy.bundle))] if policy.bundle is not None else []),
        ("points", points_words(policy.points)),
        ("bands", bands_words(policy.bands)),
        *((penalty.code, penalty_words(penalty)) for penalty in policy.penalties),
        *((rule.code, rule_words(rule)) for rule in policy.rules),
    ]


def bundle_words(bundle: str | None) -> str:
    """Which bundle the policy is meant for.

    >>> bundle_words("paper"), bundle_words(None)
    ('meant for bundle paper alone', 'for any bundle')
    """
    return "for any bundle" if bundle is None else f"meant for bundle {bundle} alone"


def points_words(points: Points) -> str:
    """What points mean."""
    return f"{figure(points.score)} at odds of 1 to 1, {figure(points.pdo)} more double the odds"


def bands_words(bands: Bands) -> str:
    """What a score leads to.

    >>> bands_words(Bands(approve=0.7, decline=0.3))
    'approve above 0.7, decline at or below 0.3, else refer'
    """
    return f"approve above {figure(bands.approve)}, decline at or below {figure(bands.decline)}, else refer"


def penalty_words(penalty: Penalty) -> str:
    """What a penalty takes, and when.

    >>> penalty_words(Penalty("penalty_lti_high", Condition("feature", "lti", above=6), 0.35, "lti"))
    '-0.35 if LTI above 6 (group lti)'
    """
    group = f" (group {penalty.group})" if penalty.group is not None else ""
    words = f"-{figure(penalty.size)} if {_WORDS[penalty.condition.kind](penalty.condition)}{group}"
    return words + _own(penalty.text)


def rule_words(rule: Rule) -> str:
    """What a rule decides, and when.

    >>> rule_words(Rule("no_documents", Condition("verification", "not_provided", above=500000), "refer", "approve"))
    'refer instead of approve if the verification result is not provided and the loan amount is above 500,000'
    """
    instead = f" instead of {rule.instead_of}" if rule.instead_of is not None else ""
    return f"{rule.outcome}{instead} if {_WORDS[rule.condition.kind](rule.condition)}{_own(rule.text)}"


def _own(text: str | None) -> str:
    return "" if text is None else f", and says: {text}"


def _feature(condition: Condition) -> str:
    return f"{_spoken(condition.name)} {_bounds(condition)}"


def _verification(condition: Condition) -> str:
    bounds = _bounds(condition)
    amount = f" and the loan amount is {bounds}" if bounds else ""
    return f"the verification result is {_spoken(condition.name)}{amount}"


def _missing(condition: Condition) -> str:
    return f"{_spoken(condition.name)} is missing"


def _income_gap(condition: Condition) -> str:
    """How far the incomes are apart.

    >>> _income_gap(Condition("income_gap", "annual_income", above=0.2))
    'the income differs by more than 20%'
    """
    alike = "" if math.isinf(condition.below) else f" and its similarity is below {figure(condition.below)}"
    return f"the income differs by more than {_percent(condition.above)}{alike}"


def _income_from(condition: Condition) -> str:
    """What the income is taken from.

    >>> _income_from(Condition("income_from", "net_credits", above=0.25))
    'the income is inferred from net credits alone, and exceeds them by more than 25% of the claim'
    """
    gap = "" if math.isinf(condition.above) else _percent(condition.above)
    apart = f", and exceeds them by more than {gap} of the claim" if gap else ""
    return f"the income is inferred from {_spoken(condition.name)} alone{apart}"


def _beyond(condition: Condition) -> str:
    if condition.name == TRAINING_RANGE:
        return "a feature is beyond the bundle's training range, on a side that does harm"
    *first, last = (_spoken(name) for name in condition.name.split())
    named = f"{', '.join(first)} or {last}" if first else last
    return f"{named} is beyond the bundle's training range, on a side that does harm"


def _affordability(condition: Condition) -> str:
    """What takes how much of the income.

    >>> _affordability(Condition("affordability", "instalment", above=0.6, rate=0.1))
    'the instalment at 10% a year takes more than 60% of the income'
    """
    instalment = f"the instalment at {_percent(condition.rate or 0.0)} a year"
    takes = f"{instalment} and existing obligations take" if condition.name == REPAYMENTS else f"{instalment} takes"
    return f"{takes} more than {_percent(condition.above)} of the income"


_WORDS: Mapping[str, Callable[[Condition], str]] = {
    "feature": _feature,
    "verification": _verification,
    "missing": _missing,
    "income_gap": _income_gap,
    "income_from": _income_from,
    "beyond": _beyond,
    "affordability": _affordability,
}


def _bounds(condition: Condition) -> str:
    parts = {"above": condition.above, "below": condition.below}
    return " and ".join(f"{word} {figure(bound)}" for word, bound in parts.items() if not math.isinf(bound))


def figure(value: float) -> str:
    """A number as it was typed: every digit, so that two numbers that differ look different.

    >>> figure(500000.0), figure(0.35), figure(0.7000001)
    ('500,000', '0.35', '0.7000001')
    """
    return f"{Decimal(repr(float(value))).normalize():,f}"


def _percent(share: float) -> str:
    return f"{(Decimal(repr(share)) * 100).normalize():,f}%"


def _spoken(name: str) -> str:
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in name.split("_"))
