"""Maps from log-odds to probabilities, to be compared: each learns from log-odds and labels of other rows."""

from collections.abc import Callable

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from training.calibration import platt, probability
from training.folds import Labels
from training.out_of_fold import Calibrate, Vector

STRENGTH = 100.0
"""The inverse penalty on beta's weights: where classes do not overlap they would grow for ever."""


def none(_: Vector, __: Labels) -> Callable[[Vector], Vector]:
    """What the model says itself."""
    return probability


def isotonic(margins: Vector, labels: Labels) -> Callable[[Vector], Vector]:
    """Rising steps. No probability is 0 or 1: one label more is taken for granted on either side."""
    least = 1 / (len(labels) + 2)
    steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(margins, labels)
    return lambda others: np.asarray(steps.predict(others), np.float64)


def beta(margins: Vector, labels: Labels) -> Callable[[Vector], Vector]:
    """Kull et al. 2017: a ln p - b ln(1 - p) + c, with no weight below nought."""
    columns = _logarithms(margins)
    kept = [0, 1]
    model = LogisticRegression(C=STRENGTH, max_iter=1_000).fit(columns, labels)
    if (model.coef_ < 0).any():
        kept = [int(np.argmax(model.coef_[0]))]
        model = LogisticRegression(C=STRENGTH, max_iter=1_000).fit(columns[:, kept], labels)
    return lambda others: probability(model.decision_function(_logarithms(others)[:, kept]).astype(np.float64))


CALIBRATORS: dict[str, Calibrate] = {"none": none, "Platt": platt, "isotonic": isotonic, "beta": beta}


def _logarithms(margins: Vector) -> Vector:
    return np.column_stack([-np.logaddexp(0.0, -margins), np.logaddexp(0.0, margins)])
