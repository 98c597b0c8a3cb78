"""Which features count: what is lost when one is shuffled, and how far each moves a row."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from training.explain.asked import Asked

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

SHUFFLES = 10
ROWS = 20_000
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Importance:
    """One feature. `lost`: AUC lost when its values are dealt out anew among the rows (Breiman 2001), the mean over
    shuffles, `spread` their standard deviation. `moved`: mean distance it moves a row's log-odds.
    """

    feature: str
    lost: float
    spread: float
    moved: float


def importance(model: Asked, rows: Matrix, labels: npt.NDArray[np.int64]) -> list[Importance]:
    """Every feature, the one that moves rows farthest first. Of many rows a seeded sample is asked."""
    rng = np.random.default_rng(SEED)
    if len(rows) > ROWS:
        asked = np.sort(rng.choice(len(rows), ROWS, replace=False))
        rows, labels = rows[asked], labels[asked]
    whole = float(roc_auc_score(labels, model.log_odds(rows)))
    moved = np.abs(model.contributions(rows)).mean(axis=0)
    found = []
    for at, name in enumerate(model.names):
        losses = [whole - _shuffled(model, rows, labels, at, rng) for _ in range(SHUFFLES)]
        found.append(Importance(name, float(np.mean(losses)), float(np.std(losses)), float(moved[at])))
    return sorted(found, key=lambda one: (-one.moved, one.feature))


def _shuffled(model: Asked, rows: Matrix, labels: npt.NDArray[np.int64], at: int, rng: np.random.Generator) -> float:
    dealt = rows.copy()
    dealt[:, at] = rng.permutation(rows[:, at])
    return float(roc_auc_score(labels, model.log_odds(dealt)))
