"""Which values a feature can have at all: what the schema lets through, and what is computed from that.

Beside them the other value that a policy sets a bound to: how far an income is from that in a document.
"""

import math
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from schemas.values import CENT, MONEY_MAX

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Values:
    """From `low` to `high`, in steps of `step` from nought (None: any number), or missing where it may be."""

    low: float
    high: float
    step: Decimal | None = None
    may_be_missing: bool = False

    def any_between(self, above: float, below: float) -> bool:
        """Whether one of them lies in the open interval: a condition on it could hold for somebody.

        >>> Values(300, 900, ONE).any_between(899.5, 899.9)
        False
        """
        return above < self.high and self._first_above(above) < below

    def all_between(self, above: float, below: float) -> bool:
        """Whether every one of them lies in the open interval: a condition on it would hold for everybody.

        >>> Values(300, 900, ONE).all_between(299.5, 6000)
        True
        """
        return above < self.low and self.high < below

    def _first_above(self, bound: float) -> float:
        if bound < self.low:
            return self.low
        if self.step is None:
            return math.nextafter(bound, math.inf)
        # By way of decimals: in floats, 0.29 is 28.999999999999996 cents.
        steps = (Decimal(repr(bound)) / self.step).to_integral_value(ROUND_FLOOR)
        return float((steps + 1) * self.step)

    def __str__(self) -> str:
        steps = "" if self.step is None else f" in steps of {self.step}"
        return f"from {self.low:.15g} to {self.high:.15g}{steps}"


_CENT, _MONEY = float(CENT), float(MONEY_MAX)

FLAG = Values(0, 1, ONE)
AMOUNT = Values(_CENT, _MONEY, CENT)
YEARS = Values(_CENT, 50, CENT)
DEPENDENTS = Values(0, 50, ONE)
CIBIL = Values(300, 900, ONE, may_be_missing=True)
ASSET = Values(-_MONEY, _MONEY, CENT)
ALL_ASSETS = Values(-4 * _MONEY, 4 * _MONEY)
LTI = Values(_CENT / _MONEY, _MONEY / _CENT)
ACR = Values(-4 * _MONEY / _CENT, 4 * _MONEY / _CENT)
DTI = Values(0, 12 * _MONEY / _CENT, may_be_missing=True)

DIFFERENCE = Values(0, 1)
"""By how much of itself an income claimed can be too high: all of it, where the documents show none."""
