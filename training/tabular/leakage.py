"""Columns that tell the target by themselves: known only afterwards, they would be lacking when it is decided."""

import numpy as np
from sklearn.metrics import roc_auc_score

from training.folds import Labels, Rows
from training.splits import fold_of, splits
from training.typed import Categories, Typed

LEAK = 0.99
"""A column that alone has a higher AUC is taken for a leak: no honest one of a lender's comes near."""

SUSPECT = 0.95
"""Above this a person is asked to look."""

BINS = 64
SMOOTHING = 5.0
SEED = 20260101


def alone(column: Typed, labels: Labels) -> float:
    """The AUC of a column by itself, missing as a value of its own: the rates of its values, or of its quantiles, each
    from the other half of the rows.
    """
    places = _places(column)
    rates = np.empty(len(labels))
    for seen, held in splits(fold_of(labels, np.arange(len(labels)), 2, SEED)):
        rows = np.bincount(places[seen], minlength=places.max() + 1)
        positives = np.bincount(places[seen], weights=labels[seen], minlength=places.max() + 1)
        rates[held] = ((positives + SMOOTHING * labels[seen].mean()) / (rows + SMOOTHING))[places[held]]
    return float(roc_auc_score(labels, rates))


def _places(column: Typed) -> Rows:
    if isinstance(column, Categories):
        return column.codes + 1
    gone = np.isnan(column.values)
    known = column.values[~gone]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else np.empty(0)
    return np.where(gone, 0, np.searchsorted(edges, column.values, side="right") + 1)
