"""A policy as rows for a person: each penalty and rule is a sentence beside its code."""

import math
from collections.abc import Callable, Mapping

from scoring.policy import Condition, Penalty, Policy, Rule

ABBREVIATIONS = frozenset({"acr", "cibil", "dti", "lti"})


def policy_rows(policy: Policy) -> list[tuple[str, str]]:
    """The whole policy, in the order in which it is applied."""
    bands, points = policy.bands, policy.points
    return [
        ("policy_id", policy.policy_id),
        ("name", policy.name),
        ("points", f"{points.score:g} at odds of 1 to 1, {points.pdo:g} more double the odds"),
        ("bands", f"approve above {bands.approve:g}, decline at or below {bands.decline:g}, else refer"),
        *((penalty.code, penalty_words(penalty)) for penalty in policy.penalties),
        *((rule.code, rule_words(rule)) for rule in policy.rules),
    ]


def penalty_words(penalty: Penalty) -> str:
    """What a penalty takes, and when.

    >>> penalty_words(Penalty("penalty_lti_high", Condition("feature", "lti", above=6), 0.35, "lti"))
    '-0.35 if LTI above 6 (group lti)'
    """
    group = f" (group {penalty.group})" if penalty.group is not None else ""
    return f"-{penalty.size:g} if {_WORDS[penalty.condition.kind](penalty.condition)}{group}"


def rule_words(rule: Rule) -> str:
    """What a rule decides, and when.

    >>> rule_words(Rule("no_documents", Condition("verification", "not_provided", above=500000), "refer", "approve"))
    'refer instead of approve if the verification result is not provided and the loan amount is above 500,000'
    """
    instead = f" instead of {rule.instead_of}" if rule.instead_of is not None else ""
    return f"{rule.outcome}{instead} if {_WORDS[rule.condition.kind](rule.condition)}"


def _feature(condition: Condition) -> str:
    return f"{_spoken(condition.name)} {_bounds(condition)}"


def _verification(condition: Condition) -> str:
    bounds = _bounds(condition)
    amount = f" and the loan amount is {bounds}" if bounds else ""
    return f"the verification result is {_spoken(condition.name)}{amount}"


def _missing(condition: Condition) -> str:
    return f"{_spoken(condition.name)} is missing"


def _income_gap(condition: Condition) -> str:
    return f"the income differs by more than {condition.above:.0%} and its similarity is below {condition.below:g}"


def _beyond(condition: Condition) -> str:
    return f"a feature is beyond the bundle's {_spoken(condition.name)}, on a side that does harm"


_WORDS: Mapping[str, Callable[[Condition], str]] = {
    "feature": _feature,
    "verification": _verification,
    "missing": _missing,
    "income_gap": _income_gap,
    "beyond": _beyond,
}


def _bounds(condition: Condition) -> str:
    parts = {"above": condition.above, "below": condition.below}
    return " and ".join(f"{word} {_figure(bound)}" for word, bound in parts.items() if not math.isinf(bound))


def _figure(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _spoken(name: str) -> str:
    return " ".join(word.upper() if word in ABBREVIATIONS else word for word in name.split("_"))
