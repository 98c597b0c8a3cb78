"""Platt scaling: calibrated log-odds = a * margin + b, by maximum likelihood (Platt 1999)."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


def fit_platt(margins: Vector, approved: Labels, steps: int = 100) -> tuple[float, float]:
    """(a, b) by Newton's method on Platt's smoothed targets, which keep a perfect separation finite.

    `margins` should be out-of-fold: of a model that has not seen the row. One a row: the smoothing counts rows.
    """
    positives, negatives = int(approved.sum()), int(len(approved) - approved.sum())
    target = np.where(approved == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    design = np.column_stack([margins, np.ones_like(margins)])
    weights: Vector = np.array([1.0, 0.0])
    for _ in range(steps):
        p = probability(design @ weights)
        gradient = design.T @ (p - target)
        hessian = design.T @ (design * (p * (1 - p))[:, None]) + 1e-9 * np.eye(2)
        step: Vector = np.linalg.solve(hessian, gradient).astype(np.float64)
        weights = _downhill(design, target, weights, step)
        if np.abs(step).max() < 1e-10:
            break
    return float(weights[0]), float(weights[1])


def fit_platt_of_repeats(margins: npt.NDArray[np.float64], approved: Labels) -> tuple[float, float]:
    """(a, b) on each row's mean margin over the repeats of a cross-validation, (repeats, n).

    Repeats are no new applicants. Pooled, they would pass for some, and make Platt's smoothing a fraction of what so
    many rows deserve. The mean was measured against the mean of one fit a repeat, on rows that neither the models nor
    the calibrators had seen: its log loss is lower or equal, on the public labels and on noisy ones.
    """
    return fit_platt(margins.mean(axis=0), approved)


def platt(margins: Vector, approved: Labels) -> Callable[[Vector], Vector]:
    """Platt's map from margins to probabilities, fitted on these."""
    a, b = fit_platt(margins, approved)
    return lambda others: probability(a * others + b)


def probability(log_odds: Vector) -> Vector:
    """The probabilities of given log-odds."""
    return np.exp(-np.logaddexp(0.0, -log_odds))


def _downhill(design: npt.NDArray[np.float64], target: Vector, weights: Vector, step: Vector) -> Vector:
    """Half the step until the loss does not grow."""
    start = _loss(design @ weights, target)
    for _ in range(40):
        if _loss(design @ (weights - step), target) <= start:
            return weights - step
        step = step / 2
    return weights


def _loss(log_odds: Vector, target: Vector) -> float:
    return float((np.logaddexp(0.0, log_odds) - target * log_odds).sum())
