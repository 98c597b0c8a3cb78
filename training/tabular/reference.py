"""How the training data's columns are spread, for drift: numbers by deciles, categories as categories."""

from typing import Any

import numpy as np

from training.typed import Categories, Typed

BINS = 10
MOST_LEVELS = 50


def reference_of(column: Typed) -> dict[str, Any]:
    """Edges and counts of a number, levels and counts of a category; missing values counted apart.

    >>> reference_of(Categories(("car", "house"), np.array([0, 1, 1, -1])))
    {'levels': ['house', 'car'], 'counts': [2, 1], 'others': 0, 'missing': 1}
    """
    missing = int(column.missing().sum())
    if isinstance(column, Categories):
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
        order = sorted(range(len(column.levels)), key=lambda at: (-counts[at], column.levels[at]))
        told = order[:MOST_LEVELS]
        return {
            "levels": [column.levels[at] for at in told],
            "counts": [int(counts[at]) for at in told],
            "others": int(sum(counts[at] for at in order[MOST_LEVELS:])),
            "missing": missing,
        }
    known = column.values[~np.isnan(column.values)]
    if not len(known):
        return {"edges": [], "counts": [], "missing": missing}
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)))
    counts = np.bincount(np.searchsorted(edges[1:-1], known, side="right"), minlength=max(len(edges) - 1, 1))
    return {"edges": edges.tolist(), "counts": counts.tolist(), "missing": missing}
