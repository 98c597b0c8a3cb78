"""Probabilities in order once, so that the figures of many resamples cost a few sums each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Rows = npt.NDArray[np.intp]

MASS_BINS = 15
LEAST = 1e-15
"""Probabilities are clipped here before their logarithm is taken."""


class Ranked:
    """The probabilities of n rows: their distinct values in rising order, and where each row stands among them."""

    def __init__(self, p: Vector, cut: float) -> None:
        self.values, self._at = np.unique(p, return_inverse=True)
        clipped = np.clip(self.values, LEAST, 1 - LEAST)
        self.loss_of_negative, self.loss_of_positive = -np.log1p(-clipped), -np.log(clipped)
        self.called_negative = int(np.searchsorted(self.values, cut, side="right"))

    def cells(self, labels: Integers) -> Integers:
        """For each row its value's place and its label in one number, (n,)."""
        return self._at + len(self.values) * labels

    def count(self, cells: Integers) -> "Counts":
        """How often each value occurs with either label among rows of which `cells` are given."""
        counted = np.bincount(cells, minlength=2 * len(self.values)).astype(np.float64)
        return Counts(self, counted[: len(self.values)], counted[len(self.values) :])


@dataclass(frozen=True)
class Counts:
    """Rows counted by value and label; every figure is a sum over the values."""

    ranked: Ranked
    negative: Vector
    positive: Vector

    @cached_property
    def _sums(self) -> tuple[Vector, Vector]:
        """Negatives and positives up to each value, that value included."""
        return np.cumsum(self.negative), np.cumsum(self.positive)

    @cached_property
    def _called(self) -> tuple[float, float, float, float]:
        """True and false positives, all positives, all rows."""
        below, (negatives, positives) = self.ranked.called_negative, self._sums
        false = negatives[-1] - (negatives[below - 1] if below else 0.0)
        true = positives[-1] - (positives[below - 1] if below else 0.0)
        return float(true), float(false), float(positives[-1]), float(positives[-1] + negatives[-1])

    def auc(self) -> float:
        """The share of pairs of a positive and a negative that are in the right order, ties as one half."""
        negatives, positives = self._sums
        return float(_dot(self.positive, negatives - self.negative / 2) / (negatives[-1] * positives[-1]))

    def gini(self) -> float:
        """2 AUC - 1."""
        return 2 * self.auc() - 1

    def ks(self) -> float:
        """The greatest distance between the distributions of positives and negatives."""
        negatives, positives = self._sums
        return float(np.abs(negatives / negatives[-1] - positives / positives[-1]).max())

    def brier(self) -> float:
        """Mean squared distance between probability and label."""
        values = self.ranked.values
        return (_dot(self.negative, values**2) + _dot(self.positive, (1 - values) ** 2)) / self._called[3]

    def log_loss(self) -> float:
        """Mean negative log-likelihood."""
        losses = self.ranked.loss_of_negative, self.ranked.loss_of_positive
        return (_dot(self.negative, losses[0]) + _dot(self.positive, losses[1])) / self._called[3]

    def ece(self) -> float:
        """Mean distance between probability and rate of positives over bins of equal mass, weighted by their size."""
        starts, values = self.mass_bins(), self.ranked.values
        gaps = np.add.reduceat(self.positive * (1 - values) - self.negative * values, starts)
        return float(np.abs(gaps).sum() / self._called[3])

    def mass_bins(self) -> Rows:
        """Where each bin that holds rows begins among the values: a value is in the bin of its middle row."""
        negatives, positives = self._sums
        rows = negatives + positives
        middles = rows - (self.negative + self.positive) / 2
        inner = np.arange(1, MASS_BINS) * rows[-1] / MASS_BINS
        starts = np.unique(np.concatenate([[0], np.searchsorted(middles, inner)]))
        return starts[starts < len(rows)]

    def accuracy(self) -> float:
        """The share of rows that are called right."""
        true, false, positives, rows = self._called
        return (true + (rows - positives) - false) / rows

    def precision(self) -> float:
        """Of those called positive, the share that is; 0 where nobody is called so."""
        true, false, _, _ = self._called
        return true / (true + false) if true else 0.0

    def recall(self) -> float:
        """Of the positives, the share called so."""
        true, _, positives, _ = self._called
        return true / positives

    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        true, false, positives, _ = self._called
        return 2 * true / (true + false + positives)


def _dot(one: Vector, other: Vector) -> float:
    """Without BLAS: its threads cost a hundred times the sum, and may add in another order elsewhere."""
    return float(np.einsum("i,i", one, other))


FIGURES: Mapping[str, Callable[[Counts], float]] = {
    "auc": Counts.auc,
    "ks": Counts.ks,
    "gini": Counts.gini,
    "brier": Counts.brier,
    "ece": Counts.ece,
    "log_loss": Counts.log_loss,
    "accuracy": Counts.accuracy,
    "precision": Counts.precision,
    "recall": Counts.recall,
    "f1": Counts.f1,
}
"""Every figure that is estimated with an interval."""
