"""Any data set as the rows of folds: encoders are fitted on the rows that a model may see, and on no others."""

from collections.abc import Mapping

import numpy as np

from training.encode.encoders import Encoder, encode_seen, fit_encoder
from training.folds import Labels, Matrix, Rows
from training.specification import Specification
from training.typed import Typed


class TableDesign:
    """A data set typed by a specification. `groups` (n,): rows of one group are copies and stay in one fold."""

    def __init__(
        self, columns: Mapping[str, Typed], specification: Specification, labels: Labels, groups: Rows | None = None
    ) -> None:
        self.columns = {name: columns[name] for name in specification.model_features}
        self.specification = specification
        self._labels = labels
        self.groups = np.arange(len(labels)) if groups is None else groups

    @property
    def labels(self) -> Labels:
        """(n,), 1: positive."""
        return self._labels

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The features of both; encoders know `seen` alone."""
        encoders = self.encoders(seen)
        return self._seen(encoders, seen), self.encoded(encoders, held_out)

    def everything(self) -> Matrix:
        """The features of all rows, (n, k), encoders fitted on all."""
        rows = np.arange(len(self._labels))
        return self._seen(self.encoders(rows), rows)

    def encoders(self, seen: Rows) -> list[Encoder]:
        """One a column, in their order, fitted on some rows."""
        return [
            fit_encoder(name, self.specification.columns.get(name), column.rows(seen), self._labels[seen])
            for name, column in self.columns.items()
        ]

    def encoded(self, encoders: list[Encoder], rows: Rows) -> Matrix:
        """The features of rows that the encoders have not seen."""
        return encode_columns(encoders, {name: column.rows(rows) for name, column in self.columns.items()})

    def _seen(self, encoders: list[Encoder], rows: Rows) -> Matrix:
        columns = zip(encoders, self.columns.values(), strict=True)
        return np.hstack([encode_seen(encoder, column.rows(rows), self._labels[rows]) for encoder, column in columns])


def encode_columns(encoders: list[Encoder], columns: Mapping[str, Typed]) -> Matrix:
    """The matrix of some columns, (n, k)."""
    return np.hstack([encoder.encode(column) for encoder, column in zip(encoders, columns.values(), strict=True)])


def feature_names(encoders: list[Encoder]) -> tuple[str, ...]:
    """Of the matrix's columns."""
    return tuple(name for encoder in encoders for name in encoder.names)
