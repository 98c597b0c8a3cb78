"""Whether a model keeps its directions: a grid of applicants, each made riskier step by step, and nobody may gain.

The applicants are nobody's: each number is drawn by itself from levels within the training data and beyond it. A step
changes one number that was sent, and with it every feature that is made of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.booster import xgboost
from scoring.features import POSITION, RAW, Columns, compute
from training.calibration import probability

Matrix = npt.NDArray[np.float64]

APPLICANTS = 400
LEVELS = 41
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Move:
    """One way of becoming riskier: the raw number `number` rises (`way` 1) or falls (-1)."""

    name: str
    number: str
    way: int


MOVES: tuple[Move, ...] = (
    Move("asks for more", "amount", 1),
    Move("earns less", "annual_income", -1),
    Move("has a lower CIBIL score", "cibil_score", -1),
    *(Move(f"has fewer {kind} assets", kind, -1) for kind in ("residential", "commercial", "luxury", "bank")),
    Move("repays in less time", "term_years", -1),
)


def directions(booster: Any, calibrator: dict[str, float], features: tuple[str, ...], raw: Columns) -> dict[str, Any]:
    """For each move how many steps were taken, how many of them `raised` the calibrated probability, and by how much at
    `most`.
    """
    levels = {name: _levels(raw[name]) for name in RAW}
    rng = np.random.default_rng(SEED)
    grid = {name: rng.choice(levels[name], APPLICANTS) for name in RAW}
    columns = [POSITION[name] for name in features]
    found = {}
    for move in MOVES:
        ladder = levels[move.number][:: move.way]
        steps = {name: np.repeat(column, len(ladder)) for name, column in grid.items()}
        steps[move.number] = np.tile(ladder, APPLICANTS)
        p = _probability(booster, calibrator, compute(steps)[:, columns]).reshape(APPLICANTS, -1)
        gained = np.diff(p, axis=1)
        found[move.name] = {
            "steps": gained.size,
            "raised": int((gained > 0).sum()),
            "most": float(f"{gained.max(initial=0.0):.4g}"),
        }
    return found


def _levels(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Levels of one number from least to most, and beyond both ends; missing where all of it is."""
    known = column[~np.isnan(column)]
    if not len(known):
        return np.full(1, np.nan)
    inner = np.quantile(known, np.linspace(0, 1, LEVELS))
    low, high = inner[0], inner[-1]
    # Money must stay above nought; where the data know a negative amount, levels beyond are negative, too.
    below = [low / 10, low / 3] if low > 0 else [low - high, low - high / 10]
    return np.unique([*below, *inner, high * 3, high * 10])


def _probability(booster: Any, calibrator: dict[str, float], rows: Matrix) -> Matrix:
    margins = booster.predict(xgboost.DMatrix(rows, nthread=1), output_margin=True).astype(np.float64)
    return np.round(probability(calibrator["a"] * margins + calibrator["b"]), 9)
