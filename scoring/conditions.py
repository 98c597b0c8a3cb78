"""Conditions of a policy, asked of a whole batch at once: most hold for few applicants.

They are exact. A bound is the decimal that the policy's author typed, a value the fraction that follows from the
application's own decimals. Floats decide where they cannot be wrong; what lies nearer is compared as fractions.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from schemas.application import LoanApplication
from schemas.values import TEXT_MAX
from schemas.verification import ApplicationVerified, Check
from scoring.checks import GROSS
from scoring.features import FEATURES, POSITION, exact_value
from scoring.policy import Condition, Kind

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

NEAR = 1e-9
"""A computed feature's float is off by some 1e-15 of its value. Within this share of a bound it decides nothing."""


class Conditions:
    """The conditions of one table of a policy, in its order."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._names = [_feature_of(condition) for condition in conditions]
        self._columns = [POSITION[name] for name in self._names]
        # What is sent as it is has at most 15 digits, and floats keep their order.
        self._computed = np.array([FEATURES[name].values.step is None for name in self._names], dtype=np.bool_)
        above, below = (np.array([getattr(one, end) for one in conditions]) for end in ("above", "below"))
        near = np.where(self._computed, NEAR, 0.0)
        self._surely_above, self._perhaps_above = _moved(above, near), _moved(above, -near)
        self._surely_below, self._perhaps_below = _moved(below, -near), _moved(below, near)
        self._verification, self._missing, self._income_gap = (
            [at for at, condition in enumerate(conditions) if condition.kind == kind]
            for kind in ("verification", "missing", "income_gap")
        )
        self._results = np.array([conditions[at].name for at in self._verification])

    def holding(self, events: Sequence[ApplicationVerified], features: Matrix) -> dict[int, list[int]]:
        """For each event of which any holds: the positions of those that hold, ascending.

        `features` are the (n, k) rows of the whole table of features; a missing one (NaN) is inside no interval.
        """
        holds = self._inside(events, features)
        if self._verification:
            results = np.array([event.verification_result for event in events])
            holds[:, self._verification] &= results[:, np.newaxis] == self._results
        if self._missing:
            holds[:, self._missing] = np.isnan(features[:, [self._columns[at] for at in self._missing]])
        for at in self._income_gap:
            holds[:, at] = [bool(event.checks) and _income_gap(self._conditions[at], event) for event in events]
        found: dict[int, list[int]] = {}
        for row, at in np.argwhere(holds).tolist():
            found.setdefault(row, []).append(at)
        return found

    def _inside(self, events: Sequence[ApplicationVerified], features: Matrix) -> Mask:
        """Which conditions' intervals hold which events' values, (n, k)."""
        values = features[:, self._columns]
        inside = np.asarray((self._surely_above < values) & (values < self._surely_below))
        undecided = ((self._perhaps_above < values) & (values < self._perhaps_below)) ^ inside
        # Where numbers of both signs are added, a sum can lose all its digits.
        undecided |= (features < 0).any(axis=1, keepdims=True) & self._computed & ~np.isnan(values)
        for row, at in np.argwhere(undecided).tolist():
            inside[row, at] = _holds_exactly(self._conditions[at], self._names[at], events[row].application)
        return inside


def bound(value: float) -> Fraction:
    """The bound that a policy's author typed: the shortest decimal that is this float.

    >>> bound(0.6)
    Fraction(3, 5)
    """
    return Fraction(repr(value))


_FEATURE_OF: dict[Kind, str] = {"verification": "loan_amount", "income_gap": "annual_income"}


def _feature_of(condition: Condition) -> str:
    """The feature that a condition's interval is about; of an income gap none is, and any does."""
    return _FEATURE_OF.get(condition.kind, condition.name)


def _moved(bounds: Matrix, shares: Matrix) -> Matrix:
    """Bounds moved by shares of themselves; infinite ones stay."""
    return bounds + shares * np.where(np.isfinite(bounds), np.abs(bounds), 0.0)


def _holds_exactly(condition: Condition, name: str, application: LoanApplication) -> bool:
    value = exact_value(application, name)
    return _is_above(value, condition.above) and _is_below(value, condition.below)


def _is_above(value: Fraction, above: float) -> bool:
    return not math.isfinite(above) or value > bound(above)


def _is_below(value: Fraction, below: float) -> bool:
    return not math.isfinite(below) or value < bound(below)


def _income_gap(condition: Condition, event: ApplicationVerified) -> bool:
    """The paper's flag, for what it compares: a gross income with a gross income."""
    return any(
        check.difference is not None
        and check.similarity is not None
        and _is_above(abs(_difference(check, check.difference, condition.above)), condition.above)
        and _is_below(_similarity(check.similarity), condition.below)
        for check in event.checks
        if check.claim == "annual_income" and check.field in GROSS
    )


def _difference(check: Check, rounded: float, above: float) -> Fraction:
    """(claimed - found) / claimed: near a bound from the amounts themselves, where the check names them."""
    if abs(abs(rounded) - above) > NEAR * above or check.claimed is None or check.found is None:
        return bound(rounded)
    claimed, found = Fraction(check.claimed), Fraction(check.found)
    return (claimed - found) / claimed


def _similarity(rounded: float) -> Fraction:
    """A similarity is so many characters of so many: of all such shares the nearest to its float."""
    return Fraction(rounded).limit_denominator(TEXT_MAX)
