"""Boosted trees whose number of rounds is stopped early on rows held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scoring.booster import xgboost
from training.folds import Labels, Matrix
from training.learner.settings import PATIENCE, SEED, Setting

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Part:
    """One inner split: what a model sees, and what it is held against."""

    seen: Matrix
    seen_labels: Labels
    held: Matrix
    held_labels: Labels


@dataclass(frozen=True, slots=True)
class Grown:
    """A setting tried on the parts: its mean loss at the best number of rounds, and the log-odds there."""

    setting: Setting
    rounds: int
    loss: float
    margins: list[Vector]


def params(setting: Setting, parallel_trees: int) -> dict[str, Any]:
    """XGBoost's parameters; one thread, so that equal data give equal bytes."""
    return {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "nthread": 1,
        "seed": SEED,
        "verbosity": 0,
        "num_parallel_tree": parallel_trees,
        **setting.params,
    }


def grow(parts: Sequence[Part], setting: Setting, parallel_trees: int) -> Grown:
    """Try a setting: one number of rounds for all parts, that of the least loss over them."""
    curves, boosters = [], []
    for part in parts:
        told: dict[str, Any] = {}
        held = xgboost.DMatrix(part.held, label=part.held_labels, nthread=1)
        boosters.append(
            xgboost.train(
                params(setting, parallel_trees),
                xgboost.DMatrix(part.seen, label=part.seen_labels, nthread=1),
                num_boost_round=setting.rounds_most,
                evals=[(held, "held")],
                early_stopping_rounds=PATIENCE,
                evals_result=told,
                verbose_eval=False,
            )
        )
        curves.append(np.array(told["held"]["logloss"]))
    # Parts stop at different rounds; one that stopped keeps its last loss.
    longest = max(map(len, curves))
    even = np.array([np.concatenate([curve, np.full(longest - len(curve), curve[-1])]) for curve in curves])
    sizes = np.array([len(part.held_labels) for part in parts], dtype=np.float64)
    mean = np.average(even, axis=0, weights=sizes)
    rounds = int(mean.argmin()) + 1
    margins = [
        margins_of(booster, part.held, min(rounds, len(curve)))
        for booster, part, curve in zip(boosters, parts, curves, strict=True)
    ]
    return Grown(setting, rounds, float(mean.min()), margins)


def fit_trees(rows: Matrix, labels: Labels, setting: Setting, rounds: int, parallel_trees: int) -> Any:
    """The booster on all rows."""
    data = xgboost.DMatrix(rows, label=labels, nthread=1)
    return xgboost.train(params(setting, parallel_trees), data, num_boost_round=rounds)


def margins_of(booster: Any, rows: Matrix, rounds: int = 0) -> Vector:
    """Log-odds of the positive class, (n,); of the first `rounds` alone, or of all."""
    data = xgboost.DMatrix(rows, nthread=1)
    found: Vector = booster.predict(data, output_margin=True, iteration_range=(0, rounds)).astype(np.float64)
    return found
