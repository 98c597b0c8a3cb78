"""An additive logistic model: each number as a bent line, missing values as their own term, held small by a penalty."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from training.folds import Labels, Matrix

Vector = npt.NDArray[np.float64]

FEW_VALUES = 10
"""A number of at most so many distinct values has a term for each of them."""

BENDS = (0.2, 0.4, 0.6, 0.8)
"""Quantiles at which the line of a number may bend."""

CLIP = (0.005, 0.995)
"""Beyond these quantiles a number counts as at them: outliers bend no line."""


@dataclass(frozen=True, slots=True)
class Term:
    """How a column of the matrix enters: clipped to [low, high], less `centre`, by `scale`; with the places where its
    line bends, in its own unit, or its values where each has a term.
    """

    low: float
    high: float
    centre: float
    scale: float
    bends: tuple[float, ...]
    values: tuple[float, ...]
    missing: bool

    def columns(self, x: Vector) -> Matrix:
        """(n, terms); a missing number is nought in all but its own term."""
        gone = np.isnan(x)
        clipped = np.clip(np.where(gone, self.centre, x), self.low, self.high)
        parts = [(clipped - self.centre) / self.scale]
        parts += [np.maximum(clipped - bend, 0.0) / self.scale for bend in self.bends]
        parts += [(x == value).astype(np.float64) for value in self.values]
        if self.missing:
            parts.append(gone.astype(np.float64))
        return np.column_stack(parts)


def fit_terms(rows: Matrix) -> list[Term]:
    """The terms of each column, from rows that a model may see."""
    return [_term(column) for column in rows.T]


def expand(terms: list[Term], rows: Matrix) -> Matrix:
    """(n, all terms)."""
    return np.hstack([term.columns(column) for term, column in zip(terms, rows.T, strict=True)])


def _term(column: Vector) -> Term:
    known = column[~np.isnan(column)]
    missing = len(known) < len(column)
    if not len(known):
        return Term(0.0, 0.0, 0.0, 1.0, (), (), missing)
    distinct = np.unique(known)
    if len(distinct) <= FEW_VALUES:
        values = tuple(distinct.tolist()) if len(distinct) > 2 else ()
        return Term(float(distinct[0]), float(distinct[-1]), *_centre(known), (), values, missing)
    low, high = np.quantile(known, CLIP)
    if low == high:
        low, high = distinct[0], distinct[-1]
    clipped = np.clip(known, low, high)
    bends = tuple(bend for bend in np.unique(np.quantile(known, BENDS)).tolist() if low < bend < high)
    return Term(float(low), float(high), *_centre(clipped), bends, (), missing)


def _centre(known: Vector) -> tuple[float, float]:
    return float(known.mean()), float(known.std()) or 1.0


@dataclass(frozen=True, slots=True)
class Linear:
    """A fitted model: log-odds = intercept + terms · weights."""

    terms: list[Term]
    weights: Vector
    intercept: float

    def margins(self, rows: Matrix) -> Vector:
        """Log-odds of the positive class, (n,)."""
        found: Vector = np.einsum("ij,j->i", expand(self.terms, rows), self.weights) + self.intercept
        return found

    def contributions(self, rows: Matrix) -> Matrix:
        """Each column's part of the log-odds, (n, k); with the intercept they sum to them."""
        parts, at = [], 0
        for term, column in zip(self.terms, rows.T, strict=True):
            expanded = term.columns(column)
            parts.append(expanded @ self.weights[at : at + expanded.shape[1]])
            at += expanded.shape[1]
        return np.column_stack(parts)

    def as_json(self) -> dict[str, Any]:
        """As a bundle holds it."""
        return {
            "terms": [asdict(term) for term in self.terms],
            "weights": self.weights.tolist(),
            "intercept": self.intercept,
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Linear":
        """The model that `as_json` gave."""
        terms = [Term(**_tuples(term)) for term in content["terms"]]
        return cls(terms, np.array(content["weights"], np.float64), content["intercept"])


def _tuples(content: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in content.items()}


def fit_linear(rows: Matrix, labels: Labels, penalty: float) -> Linear:
    """By maximum likelihood with an L2 penalty (C = `penalty`), rounded where processors differ."""
    terms = fit_terms(rows)
    solver = LogisticRegression(C=penalty, solver="newton-cholesky", max_iter=60, tol=1e-6)
    solver.fit(expand(terms, rows), labels)
    weights = np.array([float(f"{weight:.9g}") for weight in solver.coef_[0]])
    return Linear(terms, weights, float(f"{solver.intercept_[0]:.9g}"))
