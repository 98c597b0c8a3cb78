"""A model from rows: setting, rounds, mix and calibrator are chosen on inner folds, then all is fitted on every row."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from training.folds import Design, Labels, Matrix, Rows
from training.learner.boosted import Part, fit_trees, grow, margins_of
from training.learner.calibrators import Calibrator, choose_calibrator
from training.learner.linear import Linear, fit_linear
from training.learner.settings import MIXES, PENALTIES, SEED, Effort
from training.splits import fold_of, splits

Vector = npt.NDArray[np.float64]

HOLD_OUT = 5
"""Where one part is held out, it is a fifth."""


@dataclass(frozen=True, slots=True)
class Model:
    """What was fitted: trees and the logistic model, the trees' share of the log-odds, and the curve to probabilities.
    `choices` says what was chosen, for the card.
    """

    booster: Any
    linear: Linear
    trees_share: float
    calibrator: Calibrator
    choices: dict[str, Any]

    def margins(self, rows: Matrix) -> Vector:
        """Log-odds before calibration, (n,)."""
        return mixed(self.trees_share, margins_of(self.booster, rows), self.linear.margins(rows))

    def probabilities(self, rows: Matrix) -> Vector:
        """Of the positive class, (n,)."""
        return self.calibrator.calibrated(self.margins(rows))


def mixed(share: float, trees: Vector, linear: Vector) -> Vector:
    """Log-odds of both."""
    return share * trees + (1 - share) * linear


def learn(design: Design, rows: Rows, groups: Rows, effort: Effort, matrix: Matrix) -> Model:
    """The model of the rows `rows`, whose features, with encoders fitted on just them, are `matrix`."""
    labels = design.labels[rows]
    parts, held = _parts(design, rows, groups, effort)
    grown = [grow(parts, setting, effort.parallel_trees) for setting in effort.settings]
    best = min(grown, key=lambda one: one.loss)
    penalty, linear = _best_linear(parts)
    truth = labels[held]
    trees = np.concatenate(best.margins)
    share = min(MIXES[::-1], key=lambda one: _loss(mixed(one, trees, linear), truth))
    calibrator = choose_calibrator(mixed(share, trees, linear), truth)
    return Model(
        fit_trees(matrix, labels, best.setting, best.rounds, effort.parallel_trees),
        fit_linear(matrix, labels, penalty),
        share,
        calibrator,
        {
            "setting": best.setting.name,
            "rounds": best.rounds,
            "penalty": penalty,
            "trees_share": share,
            "calibrator": calibrator.kind,
        },
    )


def _parts(design: Design, rows: Rows, groups: Rows, effort: Effort) -> tuple[list[Part], Rows]:
    """The inner splits, and the places among `rows` of those held out, in their order."""
    labels = design.labels
    fold = fold_of(labels[rows], groups[rows], effort.inner if effort.inner > 1 else HOLD_OUT, SEED + 1)
    made, places = [], []
    for seen, held in list(splits(fold))[: effort.inner]:
        a, b = design.fold(rows[seen], rows[held])
        made.append(Part(a, labels[rows[seen]], b, labels[rows[held]]))
        places.append(held)
    return made, np.concatenate(places)


def _best_linear(parts: list[Part]) -> tuple[float, Vector]:
    """The penalty of the least loss on the held out rows, and the log-odds there."""
    truth = np.concatenate([part.held_labels for part in parts])
    tried = {
        penalty: np.concatenate([fit_linear(part.seen, part.seen_labels, penalty).margins(part.held) for part in parts])
        for penalty in PENALTIES
    }
    best = min(tried, key=lambda penalty: _loss(tried[penalty], truth))
    return best, tried[best]


def _loss(margins: Vector, labels: Labels) -> float:
    return float((np.logaddexp(0.0, margins) - labels * margins).mean())


def out_of_fold(
    design: Design, groups: Rows, effort: Effort, tell: Callable[[str], None] = lambda _: None
) -> npt.NDArray[np.float64]:
    """Probabilities of models that have not seen the row, nor made any choice on it: (repeats, n)."""
    everyone = design.labels
    found = np.empty((effort.repeats, len(everyone)))
    for repeat in range(effort.repeats):
        fold = fold_of(everyone, groups, effort.folds, SEED + 100 * repeat)
        for number, (seen, held) in enumerate(splits(fold), repeat * effort.folds + 1):
            tell(f"fold {number} of {effort.folds * effort.repeats}")
            matrix, held_matrix = design.fold(seen, held)
            found[repeat, held] = learn(design, seen, groups, effort, matrix).probabilities(held_matrix)
    return found
