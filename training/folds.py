"""Rows of any data set, ready for folds: whatever is fitted to data is fitted on the rows that a model may see."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from scoring.features import POSITION, compute
from training.data import LoanData

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]


class Design(Protocol):
    """A data set as models see it. Missing values are NaN."""

    @property
    def labels(self) -> Labels:
        """(n,), 1: the positive class."""

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The features of the rows `seen` and of the rows `held_out`; encoders know `seen` alone."""

    def everything(self) -> Matrix:
        """The features of all rows, encoders fitted on all: (n, k), for the model that is shipped."""


class LoanDesign:
    """The loan layout. Its features are formulas of their own row: nothing is fitted."""

    def __init__(self, loans: LoanData, features: Sequence[str]) -> None:
        self._labels = loans.approved
        self._rows = compute(loans.raw)[:, [POSITION[name] for name in features]]

    @property
    def labels(self) -> Labels:
        """(n,), 1: approved."""
        return self._labels

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The features of both."""
        return self._rows[seen], self._rows[held_out]

    def everything(self) -> Matrix:
        """The features of all rows, (n, k)."""
        return self._rows
