"""Conditions of a policy, asked of a whole batch at once: most hold for few applicants.

They are exact. A bound is the decimal that the policy's author typed (the shortest one that is its float), a value
follows from the application's own decimals. Floats decide where they cannot be wrong, decimals what lies nearer.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from schemas.values import TEXT_MAX
from schemas.verification import ApplicationVerified, Check
from scoring.affordability import exceeding
from scoring.bounds import NEAR, typed
from scoring.checks import GROSS, inferred_incomes
from scoring.features import FEATURES, POSITION, exact_value
from scoring.policy import Condition, Kind

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Conditions:
    """The conditions of one table of a policy, in its order."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._names = [_feature_of(condition) for condition in conditions]
        self._columns = [POSITION[name] for name in self._names]
        self._exact = [(Decimal(repr(float(one.above))), Decimal(repr(float(one.below)))) for one in conditions]
        self._above = np.array([condition.above for condition in conditions])
        self._below = np.array([condition.below for condition in conditions])
        # What is sent as it is has at most 15 digits, and floats keep their order: only computed features need a look.
        near = [
            (at, bound)
            for at, condition in enumerate(conditions)
            if FEATURES[self._names[at]].values.step is None
            for bound in (condition.above, condition.below)
            if math.isfinite(bound)
        ]
        self._near = [at for at, _ in near]
        self._near_columns = [self._columns[at] for at in self._near]
        self._near_bounds = np.array([bound for _, bound in near])
        self._near_width = NEAR * np.abs(self._near_bounds)
        self._verification, self._missing = (
            [at for at, condition in enumerate(conditions) if condition.kind == kind]
            for kind in ("verification", "missing")
        )
        self._of_checks = [
            (at, one, _OF_CHECKS[one.kind]) for at, one in enumerate(conditions) if one.kind in _OF_CHECKS
        ]
        self._of_repayments = [(at, one) for at, one in enumerate(conditions) if one.kind == "affordability"]
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
        for at, condition in self._of_repayments:
            holds[:, at] = exceeding(condition, events, features)
        for at, condition, asked in self._of_checks:
            holds[:, at] = [bool(event.checks) and asked(condition, event) for event in events]
        found: dict[int, list[int]] = {}
        for row, at in np.argwhere(holds).tolist():
            found.setdefault(row, []).append(at)
        return found

    def _inside(self, events: Sequence[ApplicationVerified], features: Matrix) -> Mask:
        """Which conditions' intervals hold which events' values, (n, k)."""
        values = features[:, self._columns]
        inside = np.asarray((self._above < values) & (values < self._below))
        if self._near:
            for row, which in np.argwhere(self._undecided(features)).tolist():
                at = self._near[which]
                above, below = self._exact[at]
                inside[row, at] = above < exact_value(events[row].application, self._names[at]) < below
        return inside

    def _undecided(self, features: Matrix) -> Mask:
        """Where a float may stand on the wrong side of a bound, (n, bounds of computed features)."""
        values = features[:, self._near_columns]
        undecided = np.asarray(np.abs(values - self._near_bounds) <= self._near_width)
        # Where numbers of both signs are added, a sum can lose all its digits.
        signed = np.nonzero(features < 0)[0]
        undecided[signed] = ~np.isnan(values[signed])
        return undecided


_FEATURE_OF: dict[Kind, str] = {
    "verification": "loan_amount",
    "income_gap": "annual_income",
    "income_from": "annual_income",
    "affordability": "loan_amount",
}


def _feature_of(condition: Condition) -> str:
    """The feature that a condition's interval is about; of checks and of repayments none is, and any does."""
    return _FEATURE_OF.get(condition.kind, condition.name)


def _moved(bounds: Matrix, shares: Matrix) -> Matrix:
    """Bounds moved by shares of themselves; infinite ones stay."""
    return bounds + shares * np.where(np.isfinite(bounds), np.abs(bounds), 0.0)


def _income_gap(condition: Condition, event: ApplicationVerified) -> bool:
    """The paper's flag, for what it compares: a gross income with a gross income, either way. Where the condition names
    a similarity, digits that are as alike as that raise no flag.
    """
    return any(
        check.difference is not None
        and abs(_difference(check, check.difference, condition.above)) > typed(condition.above)
        and (condition.below == math.inf or _less_alike(check, condition.below))
        for check in event.checks
        if check.claim == "annual_income" and check.field in GROSS
    )


def _income_from(condition: Condition, event: ApplicationVerified) -> bool:
    """Whether net credits alone speak of the income, and one of them is that much below the claim."""
    return any(
        check.difference is not None
        and (
            condition.above == -math.inf
            or _difference(check, check.difference, condition.above) > typed(condition.above)
        )
        for check in inferred_incomes(event.checks)
    )


_OF_CHECKS: dict[Kind, Callable[[Condition, ApplicationVerified], bool]] = {
    "income_gap": _income_gap,
    "income_from": _income_from,
}
"""Conditions that are asked of each event's checks."""


def _difference(check: Check, rounded: float, above: float) -> Fraction:
    """(claimed - found) / claimed: near a bound from the amounts themselves, where the check names them."""
    if abs(abs(rounded) - above) > NEAR * above or check.claimed is None or check.found is None:
        return typed(rounded)
    claimed, found = Fraction(check.claimed), Fraction(check.found)
    return (claimed - found) / claimed


def _less_alike(check: Check, below: float) -> bool:
    """Whether the digits are less alike than that. A similarity is so many characters of so many: of all such shares
    the nearest to its float.
    """
    return check.similarity is not None and Fraction(check.similarity).limit_denominator(TEXT_MAX) < typed(below)
