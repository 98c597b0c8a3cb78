"""A value as a reason tells it where a condition holds: never rounded onto the bound that it is past."""

import math
from collections.abc import Callable

from scoring.policy import Condition

DIGITS = 12
"""Of a value that an ordinary rounding would put onto the bound. Floats of ratios are right to about fifteen."""


def past_bound(condition: Condition, show: Callable[[float], str]) -> Callable[[float], str]:
    """How an applicant's value is told: as `show` writes it, with more digits where it writes a bound so, in words
    where digits do not tell.

    >>> told = past_bound(Condition("feature", "lti", above=6.0), "{:.3g}".format)
    >>> told(6.00000001), told(6.5)
    ('6.00000001', '6.5')
    >>> past_bound(Condition("feature", "acr", below=0.5), "{:.3g}".format)(0.5)
    'just below 0.5'
    """
    sides = (("above", condition.above), ("below", condition.below))
    shown = {show(bound): (side, f"{bound:.{DIGITS}g}") for side, bound in reversed(sides) if math.isfinite(bound)}

    def tell(value: float) -> str:
        text = show(value)
        if text not in shown:
            return text
        (side, bound), longer = shown[text], f"{value:.{DIGITS}g}"
        return longer if longer != bound else f"just {side} {text}"

    return tell
