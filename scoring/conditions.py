"""Conditions of a policy, asked of a whole batch at once: most hold for few applicants."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from schemas.verification import ApplicationVerified
from scoring.checks import GROSS
from scoring.features import POSITION
from scoring.policy import Condition, Kind

Matrix = npt.NDArray[np.float64]


class Conditions:
    """The conditions of one table of a policy, in its order."""

    def __init__(self, conditions: Sequence[Condition]) -> None:
        self._conditions = conditions
        self._columns = [_column(condition) for condition in conditions]
        self._above = np.array([condition.above for condition in conditions])
        self._below = np.array([condition.below for condition in conditions])
        self._verification, self._missing, self._income_gap = (
            [at for at, condition in enumerate(conditions) if condition.kind == kind]
            for kind in ("verification", "missing", "income_gap")
        )
        self._results = np.array([conditions[at].name for at in self._verification])

    def holding(self, events: Sequence[ApplicationVerified], features: Matrix) -> dict[int, list[int]]:
        """For each event of which any holds: the positions of those that hold, ascending.

        `features` are the (n, k) rows of the whole table of features; a missing one (NaN) is inside no interval.
        """
        values = features[:, self._columns]
        holds = (self._above < values) & (values < self._below)
        if self._verification:
            results = np.array([event.verification_result for event in events])
            holds[:, self._verification] &= results[:, np.newaxis] == self._results
        if self._missing:
            holds[:, self._missing] = np.isnan(values[:, self._missing])
        for at in self._income_gap:
            holds[:, at] = [bool(event.checks) and _income_gap(self._conditions[at], event) for event in events]
        found: dict[int, list[int]] = {}
        for row, at in np.argwhere(holds).tolist():
            found.setdefault(row, []).append(at)
        return found


_COLUMN_OF: dict[Kind, str] = {"verification": "loan_amount", "income_gap": "annual_income"}


def _column(condition: Condition) -> int:
    """The feature that a condition's interval is about; of an income gap none is, and any does."""
    return POSITION[_COLUMN_OF.get(condition.kind, condition.name)]


def _income_gap(condition: Condition, event: ApplicationVerified) -> bool:
    """The paper's flag, for what it compares: a gross income with a gross income."""
    return any(
        check.difference is not None
        and check.similarity is not None
        and abs(check.difference) > condition.above
        and check.similarity < condition.below
        for check in event.checks
        if check.claim == "annual_income" and check.field in GROSS
    )
