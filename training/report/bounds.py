"""How much of a large data set a report looks at, so that a training of minutes does not become one of hours.

Bounds are of rows and sums, never of seconds: the same data give the same report on a slow machine, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.fairness.frontier import Model
from training.folds import Design, Labels, Matrix, Rows

SEED = 20260101

EXPLAINED_CELLS = 100_000
EXPLAINED_LEAST, EXPLAINED_MOST = 1_000, 4_000
"""Rows that explanations ask about: so many cells' worth, between these bounds."""

SHOWN = 16
"""Features of which more than the importance is shown."""

SLICED_ROWS = 20_000
PROXY_ROWS = 10_000

REFITS = 150_000_000
"""What training again may cost: rows * trees * depth, summed over the models."""

REFIT_LEAST = 300
"""On fewer rows a model that was trained again says nothing."""


def sample(rows: int, most: int) -> Rows:
    """At most so many of the rows, by seed, in their order.

    >>> sample(3, 10).tolist(), len(sample(100, 10))
    ([0, 1, 2], 10)
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))


def explained_rows(rows: int, features: int) -> Rows:
    """Those that explanations ask about."""
    return sample(rows, int(np.clip(EXPLAINED_CELLS // max(features, 1), EXPLAINED_LEAST, EXPLAINED_MOST)))


def refit_rows(rows: int, model: Model, fits: int) -> Rows:
    """Those on which so many models can be trained again; none where they would be too few."""
    each = model.trees * int(model.params.get("max_depth", 6)) * fits
    affordable = REFITS // max(each, 1)
    return sample(rows, affordable) if affordable >= min(rows, REFIT_LEAST) else np.empty(0, np.intp)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Some rows of a design, as a design."""

    of: Design
    at: Rows

    @property
    def labels(self) -> Labels:
        """(n,)."""
        return self.of.labels[self.at]

    def fold(self, seen: Rows, held_out: Rows) -> tuple[Matrix, Matrix]:
        """The features of both."""
        return self.of.fold(self.at[seen], self.at[held_out])

    def everything(self) -> Matrix:
        """The features of all its rows."""
        return self.of.fold(self.at, self.at)[0]


def said_of_sample(what: str, asked: Sequence[int] | Rows, rows: int) -> list[str]:
    """The sentence of a report where not all rows were looked at."""
    return [f"{what}: of {len(asked):,} rows drawn by seed, of {rows:,}."] if len(asked) < rows else []
