"""Folds in which copies of a row stay together and the classes are as everywhere."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from training.folds import Labels, Rows


def fold_of(labels: Labels, groups: Rows, folds: int, seed: int) -> Rows:
    """Which fold each row is in, (n,). Rows of one group are in one fold; single rows are dealt out class by class.

    >>> found = fold_of(np.array([0, 1] * 10), np.arange(20), 5, seed=1)
    >>> np.bincount(found).tolist(), np.bincount(found, weights=[0, 1] * 10).tolist()
    ([4, 4, 4, 4, 4], [2.0, 2.0, 2.0, 2.0, 2.0])
    """
    rng = np.random.default_rng(seed)
    _, of_row, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    positives = np.bincount(of_row, weights=labels)
    fold = np.zeros(len(sizes), dtype=np.intp)
    filled = np.zeros((2, folds))
    several = np.flatnonzero(sizes > 1)
    shuffled = several[rng.permutation(len(several))]
    for group in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        kind = int(2 * positives[group] > sizes[group])
        fold[group] = np.argmin(filled[kind])
        filled[:, fold[group]] += (sizes[group] - positives[group], positives[group])
    for kind in (0, 1):
        single = np.flatnonzero((sizes == 1) & (positives == kind))
        fold[single[rng.permutation(len(single))]] = _dealt(filled[kind], len(single))
    return fold[of_row]


def _dealt(filled: npt.NDArray[np.float64], count: int) -> Rows:
    """The fold of each of so many rows, so that folds which hold `filled` rows end as equal as can be."""
    order = np.argsort(filled, kind="stable")
    given = np.zeros(len(filled), dtype=np.intp)
    # Level up the emptier folds first, then go round.
    for at in range(1, len(order) + 1):
        level = filled[order[at]] if at < len(order) else np.inf
        room = np.maximum(level - (filled[order[:at]] + given[order[:at]]), 0)
        if room.sum() >= count - given.sum() or at == len(order):
            break
        given[order[:at]] += room.astype(np.intp)
    left = count - int(given.sum())
    given[order[:at]] += left // at
    given[order[: left % at]] += 1
    return np.repeat(np.arange(len(filled)), given)


def splits(fold: Rows) -> Iterator[tuple[Rows, Rows]]:
    """For each fold the rows that a model sees, and those held out."""
    for held in range(int(fold.max()) + 1):
        yield np.flatnonzero(fold != held), np.flatnonzero(fold == held)
