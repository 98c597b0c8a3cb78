"""Which features tell the protected group: a model that may not see a column can still see its shadow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from scoring.booster import xgboost
from training.fairness.groups import SMALLEST
from training.fairness.judged import NOT_STATED

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.str_]

FOLDS = 5
SHUFFLES = 200
SEED = 20260101
LEVEL = 0.99
"""What shuffled groups stay below so often is noise."""

_PARAMS = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.1, "nthread": 1, "verbosity": 0, "seed": SEED}
_TREES = 60


@dataclass(frozen=True, slots=True)
class Proxy:
    """How well one feature alone tells the members of `group` from everybody else: AUC, .5 is not at all, 1 for
    certain. `noise` is what a feature that has nothing to do with them would still reach.
    """

    feature: str
    group: str
    auc: float
    noise: float

    @property
    def tells(self) -> bool:
        """Whether it is more than noise."""
        return self.auc > self.noise


@dataclass(frozen=True, slots=True)
class Told:
    """What all features together tell of a group (AUC of a small model, out of fold), and each alone, strongest
    first.
    """

    group: str
    together: float
    alone: tuple[Proxy, ...]


def proxies(rows: Matrix, names: Sequence[str], groups: Labels) -> list[Told]:
    """Of each group of at least `SMALLEST` rows what the features (n, k) tell; of two groups one is told, for the
    other is its opposite. A missing value is a value here: to be missing may tell.
    """
    stated = groups != NOT_STATED
    found, sizes = np.unique(groups[stated], return_counts=True)
    told = [str(name) for name, size in zip(found, sizes, strict=True) if size >= SMALLEST]
    if len(told) == len(found) == 2:
        told = told[:1]
    ranks = np.column_stack([_ranks(column) for column in rows[stated].T])
    return [_told(name, rows[stated], ranks, names, groups[stated] == name) for name in told if len(found) > 1]


def _told(group: str, rows: Matrix, ranks: Matrix, names: Sequence[str], members: npt.NDArray[np.bool_]) -> Told:
    noise = _noise(ranks, members)
    aucs = _aucs(ranks, members)
    alone = [
        Proxy(name, group, float(auc), float(ceiling)) for name, auc, ceiling in zip(names, aucs, noise, strict=True)
    ]
    return Told(group, _together(rows, members), tuple(sorted(alone, key=lambda one: -one.auc)))


def _ranks(column: Vector) -> Vector:
    """Average ranks from 1, missing below all: AUC needs nothing else."""
    filled = np.where(np.isnan(column), -np.inf, column)
    _, inverse, counts = np.unique(filled, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts - 1) / 2)[inverse])


def _aucs(ranks: Matrix, members: npt.NDArray[np.bool_]) -> Vector:
    """AUC of each column, whichever way it points (Mann and Whitney 1947)."""
    inside = int(members.sum())
    outside = len(members) - inside
    auc = (ranks[members].sum(axis=0) - inside * (inside + 1) / 2) / (inside * outside)
    return np.asarray(np.maximum(auc, 1 - auc))


def _noise(ranks: Matrix, members: npt.NDArray[np.bool_]) -> Vector:
    rng = np.random.default_rng(SEED)
    shuffled = [_aucs(ranks, rng.permutation(members)) for _ in range(SHUFFLES)]
    return np.asarray(np.quantile(shuffled, LEVEL, axis=0))


def _together(rows: Matrix, members: npt.NDArray[np.bool_]) -> float:
    margins = np.empty(len(rows))
    for seen, held_out in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(rows, members):
        booster = xgboost.train(_PARAMS, xgboost.DMatrix(rows[seen], label=members[seen], nthread=1), _TREES)
        margins[held_out] = booster.predict(xgboost.DMatrix(rows[held_out], nthread=1))
    return float(roc_auc_score(members, margins))
