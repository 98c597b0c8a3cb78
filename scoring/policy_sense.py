"""Whether a policy's row makes sense beside what it says: it keeps what its sentence promises, and holds for some.

Asked of what an author writes, and not of what is in the artefact store already: that was accepted in its time, and its
decisions are made again as they were.
"""

import math
from collections.abc import Callable, Iterable
from decimal import Decimal

from schemas.reasons import OWN, REASONS
from scoring.checks import NET_EXCESS
from scoring.feature_values import DIFFERENCE
from scoring.features import FEATURES
from scoring.policy import Condition, Penalty, Rule

Row = Penalty | Rule

SHARE_MOST = 10
"""A limit of a share of the income that lies above it was meant in per cent."""


def fault_of_row(row: Row) -> str | None:
    """What is wrong with a row of a policy; None where nothing is.

    >>> fault_of_row(Rule("lti_above_limit", Condition("feature", "lti", above=-3), "decline"))
    'always applies: lti is always above -3 (it goes from 1e-15 to 1e+15)'
    """
    return next((fault for check in _CHECKS if (fault := check(row)) is not None), None)


def fault_of_order(row: Row, others: Iterable[Row]) -> str | None:
    """What is wrong with a row beside the `others`; None where nothing is: what says more holds for less.

    >>> large = Penalty("penalty_lti_elevated", Condition("feature", "lti", above=6), 0.2)
    >>> fault_of_order(Penalty("penalty_lti_high", Condition("feature", "lti", above=4), 0.3), [large])
    "'penalty_lti_high' says more than 'penalty_lti_elevated': expected 'above' of more than 6, not 4"
    """
    lesser = None if row.code.startswith(OWN) else REASONS[row.code].beyond
    bound = next((other.condition.above for other in others if other.code == lesser), None)
    if bound is None or row.condition.above > bound:
        return None
    return (
        f"{row.code!r} says more than {lesser!r}: expected 'above' of more than {bound:g}, not {row.condition.above:g}"
    )


def _applies_to_all(row: Row) -> str | None:
    """A bound that everybody's value is inside of says nothing, and a row of such bounds is about everybody."""
    if row.condition.kind != "feature":
        return None
    name, bounds = row.condition.name, _bounds(row.condition)
    values = FEATURES[name].values
    idle = {
        end: bound
        for end, bound in bounds.items()
        if (values.all_between(bound, math.inf) if end == "above" else values.all_between(-math.inf, bound))
    }
    if not idle:
        return None
    end, bound = next(iter(idle.items()))
    why = f"{name} is always {end} {bound:.15g} (it goes {values})"
    if idle != bounds:
        return f"{end!r} does nothing: {why}"
    return f"always applies{', where there is one' if values.may_be_missing else ''}: {why}"


def _meant_in_per_cent(row: Row) -> str | None:
    condition = row.condition
    if condition.kind == "income_gap" and condition.above >= DIFFERENCE.high:
        return (
            f"can never apply: a claim is too high by a share of itself that goes {DIFFERENCE}, never by more than "
            f"{condition.above:.15g} (20 % is 0.2)"
        )
    if condition.kind != "feature" or not FEATURES[condition.name].unit.startswith("share"):
        return None
    return next(
        (
            f"{end!r} is {bound:.15g}: {condition.name} is a share of the income, and 60 % is 0.6"
            for end, bound in _bounds(condition).items()
            if bound > SHARE_MOST
        ),
        None,
    )


def _never_verified(row: Row) -> str | None:
    """An income is inferred only within the bound of net credits: beyond it they are a mismatch, which has its rule."""
    condition = row.condition
    if condition.kind != "income_from" or not math.isfinite(condition.above):
        return None
    if Decimal(repr(condition.above)) < NET_EXCESS:
        return None
    return (
        f"can never apply to what is verified: a claim that exceeds net credits by more than {NET_EXCESS} of itself is "
        f"a mismatch: expected 'difference_above' of less than {NET_EXCESS}, not {condition.above:.15g}"
    )


def _contradicts_its_sentence(row: Row) -> str | None:
    """A registered sentence is told to applicants: the row does what it says, or brings another sentence."""
    if row.code.startswith(OWN):
        return None
    said, condition = REASONS[row.code], row.condition
    above, below = ("difference_above", "similarity_below") if condition.kind == "income_gap" else ("above", "below")
    if isinstance(row, Rule) and said.outcome not in {None, row.outcome}:
        expected = f"outcome: {said.outcome}"
    elif said.at_least is not None and condition.above < said.at_least:
        expected = f"{above!r} of {said.at_least:g} or more"
    elif said.at_most is not None and condition.below > said.at_most:
        expected = f"{below!r} of {said.at_most:g} or less"
    else:
        return None
    return f"{row.code!r} says {said.sentence!r}: expected {expected}, or {YOUR_OWN}"


def _bounds(condition: Condition) -> dict[str, float]:
    """The bounds that stand there, by their names."""
    ends = {"above": condition.above, "below": condition.below}
    return {end: bound for end, bound in ends.items() if math.isfinite(bound)}


YOUR_OWN = f"a code of your own, {OWN}…, with its 'text'"
"""The way out for whoever means what a registered sentence does not say."""

_CHECKS: tuple[Callable[[Row], str | None], ...] = (
    _applies_to_all,
    _meant_in_per_cent,
    _never_verified,
    _contradicts_its_sentence,
)
