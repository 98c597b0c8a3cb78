"""What a feature is worth: the model trained again without it, on the same folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from training.figures import TAILS
from training.folds import Design, Rows

Vector = npt.NDArray[np.float64]

REPLICATES = 200
SEED = 20260101

Fit = Callable[[Design, Rows, Rows, frozenset[int]], Vector]
"""(design, seen, held out, positions left out) -> scores of the rows held out."""


@dataclass(frozen=True, slots=True)
class Ablated:
    """AUC without a feature, and what is lost with its 95 % interval (the same resamples for both models)."""

    feature: str
    auc: float
    lost: float
    low: float
    high: float


def ablation(design: Design, names: Sequence[str], folds: Sequence[tuple[Rows, Rows]], fit: Fit) -> list[Ablated]:
    """Each feature left out in turn, the one that costs most first."""
    whole = _scores(design, folds, fit, frozenset())
    rng = np.random.default_rng(SEED)
    labels = design.labels
    samples = [
        drawn
        for drawn in (rng.integers(0, len(labels), len(labels)) for _ in range(REPLICATES))
        if 0 < labels[drawn].sum() < len(labels)
    ]
    of_whole = [roc_auc_score(labels[drawn], whole[drawn]) for drawn in samples]
    auc = float(roc_auc_score(labels, whole))
    found = []
    for at, name in enumerate(names):
        without = _scores(design, folds, fit, frozenset({at}))
        lost = [
            one - roc_auc_score(labels[drawn], without[drawn]) for one, drawn in zip(of_whole, samples, strict=True)
        ]
        low, high = np.quantile(lost, TAILS)
        left = float(roc_auc_score(labels, without))
        found.append(Ablated(name, left, auc - left, float(low), float(high)))
    return sorted(found, key=lambda one: (-one.lost, one.feature))


def _scores(design: Design, folds: Sequence[tuple[Rows, Rows]], fit: Fit, left_out: frozenset[int]) -> Vector:
    scores = np.empty(len(design.labels))
    for seen, held_out in folds:
        scores[held_out] = fit(design, seen, held_out, left_out)
    return scores
