"""Forward-chaining: models learn of what was before, and are asked about what came next."""

import numpy as np
import numpy.typing as npt

from training.folds import Design, Rows
from training.out_of_fold import Learn, Vector

Times = npt.NDArray[np.float64]


def steps_of(times: Times, steps: int) -> list[tuple[Rows, Rows]]:
    """The rows before and the rows of each of `steps` periods of about equal size, after a first one that is only
    learned from. Rows of one moment are in one period.

    >>> [(len(seen), len(held_out)) for seen, held_out in steps_of(np.arange(12.0), 2)]
    [(4, 4), (8, 4)]
    """
    edges = np.unique(np.quantile(times, np.linspace(0, 1, steps + 2)[1:-1], method="higher"))
    period = np.searchsorted(edges, times, side="right")
    return [(np.flatnonzero(period < at), np.flatnonzero(period == at)) for at in range(1, len(edges) + 1)]


def forward(design: Design, learn: Learn, steps: list[tuple[Rows, Rows]]) -> tuple[Vector, Rows]:
    """Log-odds of the rows of all periods but the first, and which rows they are."""
    margins = [
        learn(rows, design.labels[seen], others)
        for seen, held_out in steps
        for rows, others in (design.fold(seen, held_out),)
    ]
    return np.concatenate(margins), np.concatenate([held_out for _, held_out in steps])
