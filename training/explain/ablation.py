"""What a feature is worth: the model trained again without it, on the same folds."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from training.figures import TAILS
from training.folds import Design, Labels, Rows
from training.ranked import Ranked

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


def ablation(
    design: Design,
    names: Sequence[str],
    folds: Sequence[tuple[Rows, Rows]],
    fit: Fit,
    asked: Collection[str] | None = None,
) -> list[Ablated]:
    """Each feature, or each of those `asked`, left out in turn, the one that costs most first."""
    whole = _scores(design, folds, fit, frozenset())
    rng = np.random.default_rng(SEED)
    labels = design.labels
    samples = [
        drawn
        for drawn in (rng.integers(0, len(labels), len(labels)) for _ in range(REPLICATES))
        if 0 < labels[drawn].sum() < len(labels)
    ]
    of_whole = _aucs(whole, labels, samples)
    auc = float(roc_auc_score(labels, whole))
    found = []
    for at, name in enumerate(names):
        if asked is not None and name not in asked:
            continue
        without = _scores(design, folds, fit, frozenset({at}))
        low, high = np.quantile(of_whole - _aucs(without, labels, samples), TAILS)
        left = float(roc_auc_score(labels, without))
        found.append(Ablated(name, left, auc - left, float(low), float(high)))
    return sorted(found, key=lambda one: (-one.lost, one.feature))


def _aucs(scores: Vector, labels: Labels, samples: Sequence[Rows]) -> Vector:
    ranked = Ranked(scores, 0.5)
    cells = ranked.cells(labels)
    return np.array([ranked.count(cells[drawn]).auc() for drawn in samples])


def _scores(design: Design, folds: Sequence[tuple[Rows, Rows]], fit: Fit, left_out: frozenset[int]) -> Vector:
    scores = np.empty(len(design.labels))
    for seen, held_out in folds:
        scores[held_out] = fit(design, seen, held_out, left_out)
    return scores
