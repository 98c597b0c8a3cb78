"""Rows that are copies of one another: in different folds a model would be asked about what it has seen."""

from collections.abc import Iterable

import numpy as np

from training.folds import Rows
from training.typed import Categories, Typed


def groups_of(columns: Iterable[Typed], rows: int) -> Rows:
    """A number for each row, equal where all columns are, (n,)."""
    group = np.zeros(rows, dtype=np.intp)
    for column in columns:
        values = column.codes if isinstance(column, Categories) else column.values
        _, place = np.unique(values, return_inverse=True)
        _, group = np.unique(group * (int(place.max()) + 1) + place, return_inverse=True)
    return group
