"""Which way a feature moves the probability, for all (partial dependence) and for each (ICE)."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.calibration import probability
from training.explain.asked import Asked

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

GRID = 21
ROWS = 400
SEED = 20260101
LEAST = 1e-6
"""A step of the log-odds below it is no step."""


@dataclass(frozen=True, slots=True)
class Dependence:
    """One feature from its least to its greatest value: at each of `values` the mean probability (Friedman 2001) and
    the 10 % and 90 % quantiles of single rows (Goldstein et al. 2015). `rising` and `falling`: of all steps of all
    rows, the shares that go up and down; both above nought is no monotone model.
    """

    feature: str
    values: Vector
    mean: Vector
    low: Vector
    high: Vector
    rising: float
    falling: float

    @property
    def way(self) -> str:
        """The direction in a word."""
        if self.rising and self.falling:
            return "both ways"
        if self.rising:
            return "never falls"
        return "never rises" if self.falling else "flat"


def dependence(model: Asked, rows: Matrix, names: Collection[str] | None = None) -> list[Dependence]:
    """Each feature of the model, or each of `names`, over a seeded sample of (n, k) rows. A column that is missing
    throughout has none.
    """
    rng = np.random.default_rng(SEED)
    sample = rows[np.sort(rng.choice(len(rows), min(ROWS, len(rows)), replace=False))]
    return [
        _of(model, sample, at, name, values)
        for at, name in enumerate(model.names)
        if (names is None or name in names) and len(values := _values(rows[:, at]))
    ]


def _values(column: Vector) -> Vector:
    known = column[~np.isnan(column)]
    distinct = np.unique(known)
    return distinct if len(distinct) <= GRID else np.unique(np.quantile(known, np.linspace(0, 1, GRID)))


def _of(model: Asked, sample: Matrix, at: int, name: str, values: Vector) -> Dependence:
    asked = np.repeat(sample[np.newaxis], len(values), axis=0)
    asked[:, :, at] = values[:, np.newaxis]
    log_odds = model.log_odds(asked.reshape(-1, sample.shape[1])).reshape(len(values), len(sample))
    p = probability(log_odds)
    steps = np.diff(log_odds, axis=0)
    low, high = np.quantile(p, [0.1, 0.9], axis=1)
    moved = np.abs(steps) > LEAST
    rising, falling = (float((way & moved).mean()) if steps.size else 0.0 for way in (steps > 0, steps < 0))
    return Dependence(name, values, p.mean(axis=1), low, high, rising, falling)
