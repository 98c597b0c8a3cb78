"""A cross-check of explanations: a linear model around each row (LIME, Ribeiro et al. 2016) beside exact contributions.

Where the two name other features, nobody should quote one alone. LIME depends on how its neighbours are drawn; here
they are drawn from the data, each feature by itself, with a seed.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.explain.asked import Asked

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

ROWS = 200
NEIGHBOURS = 500
TOP = 3
RIDGE = 1.0
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Over so many rows: shares in which the strongest feature is another, and in which the `TOP` strongest are not the
    same; `fit`: the mean R² of the linear models, without which their word is worth little.
    """

    rows: int
    first: float
    set_of_top: float
    fit: float


def disagreement(model: Asked, rows: Matrix) -> Disagreement:
    """How often a local linear model names other features than the exact contributions, on a seeded sample of rows."""
    rng = np.random.default_rng(SEED)
    filled = np.where(np.isnan(rows), np.nanmedian(np.where(np.isnan(rows).all(axis=0), 0.0, rows), axis=0), rows)
    spread = np.where(filled.std(axis=0) > 0, filled.std(axis=0), 1.0)
    sample = rng.choice(len(rows), min(ROWS, len(rows)), replace=False)
    exact = model.contributions(rows[sample])
    average = exact.mean(axis=0)
    first = of_top = 0
    fits = []
    for at, row in enumerate(rows[sample]):
        effect, fit = _around(model, row, filled, spread, rng)
        ours, theirs = _strongest(exact[at] - average), _strongest(effect)
        first += ours[0] != theirs[0]
        of_top += set(ours) != set(theirs)
        fits.append(fit)
    count = len(sample)
    return Disagreement(count, first / count, of_top / count, float(np.mean(fits)))


def _strongest(effects: Vector) -> list[int]:
    return [int(at) for at in np.argsort(-np.abs(effects), kind="stable")[:TOP]]


def _around(
    model: Asked, row: Vector, filled: Matrix, spread: Vector, rng: np.random.Generator
) -> tuple[Vector, float]:
    """Each feature's effect at the row (slope times its distance from the mean), and R² of the weighted ridge."""
    known = np.where(np.isnan(row), filled.mean(axis=0), row)
    drawn = filled[rng.integers(0, len(filled), (NEIGHBOURS, len(row))), np.arange(len(row))]
    kept = rng.random(drawn.shape) < 0.5
    neighbours = np.where(kept, known, drawn)
    scaled = (neighbours - known) / spread
    weights = np.exp(-(scaled**2).sum(axis=1) / (0.75**2 * len(row)))
    answers = model.log_odds(np.where(kept, row, neighbours))
    design = np.column_stack([scaled, np.ones(NEIGHBOURS)])
    penalty = RIDGE * np.eye(len(row) + 1)
    penalty[-1, -1] = 0.0
    weighted = design * weights[:, np.newaxis]
    slopes = np.linalg.solve(design.T @ weighted + penalty, weighted.T @ answers)
    left = answers - design @ slopes
    centre = np.average(answers, weights=weights)
    total = float((weights * (answers - centre) ** 2).sum())
    fit = 1 - float((weights * left**2).sum()) / total if total else 1.0
    return slopes[:-1] * (known - filled.mean(axis=0)) / spread, fit
