"""What is chosen from, and how much work is worth it: one row each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Setting:
    """Boosted trees but for the number of rounds, which is stopped early on rows held out."""

    name: str
    params: Mapping[str, Any]
    rounds_most: int


def _trees(name: str, rounds_most: int, **params: Any) -> Setting:
    return Setting(name, {"subsample": 0.7, "colsample_bytree": 0.7, **params}, rounds_most)


STUMPS = _trees("stumps", 600, max_depth=1, learning_rate=0.05, min_child_weight=5, reg_lambda=5)
PAIRS = _trees("pairs", 500, max_depth=2, learning_rate=0.04, min_child_weight=5, reg_lambda=5)
SMALL = _trees("small", 400, max_depth=3, learning_rate=0.04, min_child_weight=5, reg_lambda=10)
MEDIUM = _trees("medium", 400, max_depth=5, learning_rate=0.04, min_child_weight=10, reg_lambda=20)
QUICK = _trees("quick", 300, max_depth=4, learning_rate=0.1, min_child_weight=20, reg_lambda=10, max_bin=128)
DEEPER = _trees("deeper", 300, max_depth=6, learning_rate=0.06, min_child_weight=30, reg_lambda=20, max_bin=128)

PENALTIES: tuple[float, ...] = (0.003, 0.03, 0.3, 2.0)
"""C of the logistic model, from strong to weak."""

MIXES: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
"""The trees' share of the log-odds; the logistic model has the rest."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How a data set of at most `rows` rows is worked on: outer folds and their repeats for the figures, inner folds
    for the choices (1: one part held out).
    """

    rows: int
    folds: int
    repeats: int
    inner: int
    settings: tuple[Setting, ...]
    parallel_trees: int


EFFORTS: tuple[Effort, ...] = (
    Effort(3_000, 5, 3, 5, (STUMPS, PAIRS, SMALL), 4),
    Effort(12_000, 5, 2, 4, (STUMPS, SMALL, MEDIUM), 1),
    Effort(40_000, 5, 1, 3, (SMALL, MEDIUM, QUICK), 1),
    Effort(10**9, 5, 1, 1, (QUICK, DEEPER), 1),
)
"""The first that fits."""

PATIENCE = 40
"""Rounds without gain after which the trees of one part stop."""

SEED = 20260101


def effort_for(rows: int) -> Effort:
    """The work that so many rows are worth."""
    return next(effort for effort in EFFORTS if rows <= effort.rows)
