"""What models say of rows that they have not seen: repeated stratified folds, and a map fitted on one row's fellows."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import RepeatedStratifiedKFold

from training.folds import Design, Labels, Matrix, Rows

Vector = npt.NDArray[np.float64]

Learn = Callable[[Matrix, Labels, Matrix], Vector]
"""Learns from the rows and labels seen, and gives the log-odds of the rows held out."""

Calibrate = Callable[[Vector, Labels], Callable[[Vector], Vector]]
"""Learns from log-odds and labels to turn log-odds into probabilities."""


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Log-odds of models that have not seen the row, and the fold that held it out, both (repeats, n)."""

    margins: npt.NDArray[np.float64]
    fold_of: npt.NDArray[np.int64]


def folds_of(labels: Labels, folds: int, repeats: int, seed: int) -> list[tuple[Rows, Rows]]:
    """The rows seen and held out of each fold, repeat after repeat; the labels alone decide."""
    split = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=seed)
    return list(split.split(np.zeros((len(labels), 1)), labels))


def out_of_fold(design: Design, learn: Learn, folds: int, repeats: int, seed: int) -> OutOfFold:
    """Each row's log-odds from models that have not seen it, once a repeat."""
    labels = design.labels
    margins, fold_of = np.empty((repeats, len(labels))), np.empty((repeats, len(labels)), np.int64)
    for index, (seen, held_out) in enumerate(folds_of(labels, folds, repeats, seed)):
        rows, others = design.fold(seen, held_out)
        margins[index // folds, held_out] = learn(rows, labels[seen], others)
        fold_of[index // folds, held_out] = index % folds
    return OutOfFold(margins, fold_of)


def cross_fitted(found: OutOfFold, labels: Labels, calibrate: Calibrate) -> npt.NDArray[np.float64]:
    """Probabilities (repeats, n): each fold's by a calibrator that was fitted on all rows but the fold's, on one
    log-odds a row: its mean over the repeats.
    """
    p, means = np.empty_like(found.margins), found.margins.mean(axis=0)
    for repeat, (margins, fold_of) in enumerate(zip(found.margins, found.fold_of, strict=True)):
        for fold in np.unique(fold_of):
            inside = fold_of == fold
            p[repeat, inside] = calibrate(means[~inside], labels[~inside])(margins[inside])
    return p
