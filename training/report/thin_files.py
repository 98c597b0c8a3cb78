"""What a model would say of thin files: the rows held out, with their CIBIL scores masked."""

from dataclasses import dataclass

import numpy as np

from training.calibration import probability
from training.figures import CUT, Estimate, estimates
from training.folds import LoanDesign
from training.learning import learn_by_choice
from training.out_of_fold import folds_of
from training.report.evidence import Vector
from training.train import Training

SCORE = "cibil_score"

TOLD = ("auc", "ks", "brier", "ece", "log_loss", "accuracy")


@dataclass(frozen=True, slots=True)
class Thin:
    """Figures with the score and with it masked, and the shares of rows above the cut: of all rows, and of those whose
    label is 0.
    """

    figures: dict[str, tuple[Estimate, Estimate]]
    above: tuple[float, float]
    above_of_negative: tuple[float, float]
    missing_in_training: int


def thin_files(made: Training, known: Vector) -> Thin | None:
    """Of a model that has the score as a feature; None where it has none. `known` (n,): out of fold, first repeat.

    The folds are those of the first repeat, the settings those that were chosen for the model that is shipped, and
    so is the calibrator. Where training has no row without a score, a masked one goes where each tree sends what it
    never saw: the figures say what a policy's rule holds back.
    """
    recipe, labels = made.recipe, made.loans.approved
    if SCORE not in recipe.features:
        return None
    at = recipe.features.index(SCORE)
    design, learn = LoanDesign(made.loans, recipe.features), learn_by_choice(recipe, made.choice)
    margins = np.empty(len(labels))
    for seen, held_out in folds_of(labels, recipe.folds, recipe.repeats, recipe.seed)[: recipe.folds]:
        rows, others = design.fold(seen, held_out)
        masked = others.copy()
        masked[:, at] = np.nan
        margins[held_out] = learn(rows, labels[seen], masked)
    curve = made.card.calibrator
    unknown = probability(curve["a"] * margins + curve["b"])
    both = [estimates(p, labels) for p in (known, unknown)]
    return Thin(
        {name: (both[0][name], both[1][name]) for name in TOLD},
        (float((known > CUT).mean()), float((unknown > CUT).mean())),
        (float((known[labels == 0] > CUT).mean()), float((unknown[labels == 0] > CUT).mean())),
        int(np.isnan(made.rows[:, at]).sum()),
    )
