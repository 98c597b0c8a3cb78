"""Remedies for classes of unequal size, each inside the folds; and the mistake of one before the split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.under_sampling import RandomUnderSampler
from sklearn.impute import SimpleImputer

from training.folds import Design, Labels, Matrix, Rows
from training.out_of_fold import Learn, Vector

Resample = Callable[[Matrix, Labels], tuple[Matrix, Labels]]


def smote(seed: int) -> Resample:
    """Made-up rows of the rarer class, each between a row and one of its five neighbours (Chawla et al. 2002)."""

    def resample(rows: Matrix, labels: Labels) -> tuple[Matrix, Labels]:
        neighbours = min(5, int(np.bincount(labels).min()) - 1)
        return _resampled(SMOTE(random_state=seed, k_neighbors=neighbours), rows, labels)

    return resample


def undersampling(seed: int) -> Resample:
    """As many of the commoner class as of the rarer one, drawn at random."""
    return lambda rows, labels: _resampled(RandomUnderSampler(random_state=seed), rows, labels)


def resampled(learn: Learn, resample: Resample) -> Learn:
    """Learn from resampled rows; the rows held out stay as they are."""

    def learn_resampled(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        return learn(*resample(rows, labels), others)

    return learn_resampled


@dataclass(frozen=True)
class Plain:
    """A matrix with labels as a design: nothing is fitted."""

    rows: Matrix
    labels: Labels

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The rows of both."""
        return self.rows[seen], self.rows[held_out]

    def everything(self) -> Matrix:
        """All rows."""
        return self.rows


def leaky(design: Design, resample: Resample) -> Plain:
    """LEAKY: rows are made up before the split, so a fold holds out neighbours and mixtures of rows that were seen."""
    return Plain(*resample(design.everything(), design.labels))


def _resampled(sampler: Any, rows: Matrix, labels: Labels) -> tuple[Matrix, Labels]:
    known = SimpleImputer(strategy="median", keep_empty_features=True).fit_transform(rows)
    made, of_made = sampler.fit_resample(known, labels)
    return np.asarray(made, np.float64), np.asarray(of_made, np.int64)
