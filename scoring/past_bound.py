"""A value as a reason tells it where a condition holds: never rounded onto the bound that it is past."""

import math
from collections.abc import Callable

from scoring.policy import Condition

DIGITS = 12
"""Of a value that an ordinary rounding would put onto the bound. Floats of ratios are right to about fifteen."""


def past_bound(condition: Condition, show: Callable[[float], str], value: float) -> str:
    """The applicant's `value`, with more digits where `show` writes it like a bound; in words where digits do not tell.

    >>> past_bound(Condition("feature", "lti", above=6.0), "{:.3g}".format, 6.00000001)
    '6.00000001'
    >>> past_bound(Condition("feature", "lti", above=6.0), "{:.3g}".format, 6.5)
    '6.5'
    >>> past_bound(Condition("feature", "acr", below=0.5), "{:.3g}".format, 0.5)
    'just below 0.5'
    """
    text = show(value)
    for side, bound in (("above", condition.above), ("below", condition.below)):
        if math.isfinite(bound) and text == show(bound):
            longer = f"{value:.{DIGITS}g}"
            return longer if longer != f"{bound:.{DIGITS}g}" else f"just {side} {text}"
    return text
