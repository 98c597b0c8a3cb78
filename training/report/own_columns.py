"""A data set by its own columns: a category is one column, whatever number of columns the model has of it."""

from collections.abc import Mapping, Sequence

import numpy as np

from scoring.booster import xgboost
from training.design import TableDesign, encode_columns
from training.encode.encoders import ONE_HOT_MOST, Encoder, encode_seen, fit_encoder
from training.folds import Labels, Matrix, Rows
from training.learner.learn import Model
from training.report.evidence import Vector
from training.specification import Column
from training.typed import MISSING_CODE, Categories, Numbers, Typed


class OwnColumns:
    """The columns that a model sees, as a design of that many features: numbers as they are, categories by the order of
    their rates of positives among the rows seen, or, where they have many values, by those rates.
    """

    def __init__(self, design: TableDesign) -> None:
        self._design = design
        self.names = tuple(design.columns)
        self._ordered = {name: _ordered(column, design.labels) for name, column in design.columns.items()}

    @property
    def labels(self) -> Labels:
        """(n,), 1: positive."""
        return self._design.labels

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Of each category its values, the one with the fewest positives first."""
        return {name: one.levels for name, one in self._ordered.items() if isinstance(one, Categories)}

    @property
    def rows(self) -> Matrix:
        """(n, k): numbers, and places among `levels`; missing is NaN."""
        return np.column_stack([_numbers(column) for column in self._ordered.values()])

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The features of both, fitted on `seen` alone."""
        known, asked = [], []
        for name, column in self._ordered.items():
            encoder = self._encoder(name, column.rows(seen), self.labels[seen])
            known.append(encode_seen(encoder, column.rows(seen), self.labels[seen]))
            asked.append(encoder.encode(column.rows(held_out)))
        return np.hstack(known), np.hstack(asked)

    def everything(self) -> Matrix:
        """The features of all rows."""
        return self.fold(np.arange(len(self.labels)), np.arange(0))[0]

    def _encoder(self, name: str, column: Typed, labels: Labels) -> Encoder:
        many = isinstance(column, Categories) and len(column.levels) > ONE_HOT_MOST
        return fit_encoder(name, Column(kind="category", encoding="target" if many else "label"), column, labels)


def _ordered(column: Typed, labels: Labels) -> Typed:
    """A category with its levels in the order of their rates of positives."""
    if not isinstance(column, Categories):
        return column
    known = column.codes >= 0
    counts = np.bincount(column.codes[known], minlength=len(column.levels))
    positives = np.bincount(column.codes[known], weights=labels[known], minlength=len(column.levels))
    order = np.argsort(positives / np.maximum(counts, 1), kind="stable")
    place = np.append(np.argsort(order), MISSING_CODE)
    return Categories(tuple(column.levels[at] for at in order), place[column.codes])


def _numbers(column: Typed) -> Vector:
    if isinstance(column, Numbers):
        return column.values
    return np.where(column.codes < 0, np.nan, column.codes.astype(np.float64))


class OwnModel:
    """A model that is asked by the data set's own columns, as `OwnColumns.rows` has them."""

    def __init__(self, model: Model, encoders: Sequence[Encoder], own: OwnColumns) -> None:
        self.names = own.names
        self._model, self._encoders, self._levels = model, list(encoders), own.levels
        self._centre = model.linear.contributions(self._matrix(own.rows)).mean(axis=0)

    def log_odds(self, rows: Matrix) -> Vector:
        """Calibrated log-odds, (n,)."""
        p = self._model.probabilities(self._matrix(rows))
        return np.asarray(np.log(p) - np.log1p(-p))

    def contributions(self, rows: Matrix) -> Matrix:
        """Of each column to the log-odds before calibration, (n, k): exact for the trees (TreeSHAP) and for the
        logistic model, whose parts are told against their mean.
        """
        matrix, share = self._matrix(rows), self._model.trees_share
        trees = self._model.booster.predict(xgboost.DMatrix(matrix, nthread=1), pred_contribs=True)[:, :-1]
        linear = self._model.linear.contributions(matrix) - self._centre
        both = share * trees.astype(np.float64) + (1 - share) * linear
        ends = np.cumsum([len(encoder.names) for encoder in self._encoders])
        return np.column_stack([part.sum(axis=1) for part in np.split(both, ends[:-1], axis=1)])

    def _matrix(self, rows: Matrix) -> Matrix:
        columns = {
            name: _typed(column, self._levels.get(name)) for name, column in zip(self.names, rows.T, strict=True)
        }
        return encode_columns(self._encoders, columns)


def _typed(column: Vector, levels: tuple[str, ...] | None) -> Typed:
    """The column of numbers; a value between two levels, such as a median, counts as the nearer."""
    if levels is None:
        return Numbers(column)
    return Categories(levels, np.where(np.isnan(column), MISSING_CODE, np.rint(np.nan_to_num(column))).astype(np.int64))


def shown_levels(levels: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Those of the categories that have few enough to be named."""
    return {name: of for name, of in levels.items() if len(of) <= ONE_HOT_MOST}
