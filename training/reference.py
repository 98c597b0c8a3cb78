"""How numbers lay in the training data: the histograms that drift is measured against."""

from typing import Any

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]

BINS = 10
FEW = 20
"""So many values, and not more, are categories: each is a bin of its own."""

PROBABILITY_EDGES = np.round(np.arange(21) / 20, 2)
"""Those of the warehouse's figures by probability."""


def histogram(column: Vector) -> dict[str, Any]:
    """Edges and counts of a column, its missing values counted apart.

    Few values are categories: `values` names them, and `edges` repeats the last one, so that a bin is still what lies
    between two edges. Of more values the deciles are the edges.

    >>> histogram(np.array([0.0, 1.0, 1.0, np.nan]))
    {'edges': [0.0, 1.0, 1.0], 'counts': [1, 2], 'missing': 1, 'values': [0.0, 1.0]}
    """
    known = column[~np.isnan(column)]
    missing = len(column) - len(known)
    values, counts = np.unique(known, return_counts=True)
    if not len(known):
        return {"edges": [], "counts": [], "missing": missing}
    if len(values) <= FEW:
        edges = [*values.tolist(), float(values[-1])]
        return {"edges": edges, "counts": counts.tolist(), "missing": missing, "values": values.tolist()}
    edges_at = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    counts = np.bincount(np.searchsorted(edges_at[1:-1], known, side="right"), minlength=max(len(edges_at) - 1, 1))
    return {"edges": edges_at.tolist(), "counts": counts.tolist(), "missing": missing}


def histogram_of_probabilities(p: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Shares of probabilities of rows that the model has not seen, (repeats, n), in bins of 0.05; shares, because a
    row counts once however often it was held out.
    """
    counts = np.bincount(
        np.minimum(np.searchsorted(PROBABILITY_EDGES, p.ravel(), side="right") - 1, len(PROBABILITY_EDGES) - 2),
        minlength=len(PROBABILITY_EDGES) - 1,
    )
    return {"edges": PROBABILITY_EDGES.tolist(), "shares": np.round(counts / p.size, 9).tolist()}
