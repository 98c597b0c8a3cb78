"""A search for settings, and an unbiased figure of it: the search is done again inside each fold."""

from dataclasses import dataclass

import numpy as np

from training.folds import Design, Labels, Matrix
from training.learning import choose, log_loss_of
from training.out_of_fold import Learn, OutOfFold, Vector, out_of_fold
from training.recipes import Trees
from training.study.learners import boosted

INNER_FOLDS = 3

SPACE: dict[str, tuple[float | int | str, ...]] = {
    "max_depth": (2, 3, 4, 6),
    "learning_rate": (0.05, 0.1, 0.2, 0.3),
    "min_child_weight": (0.1, 1, 5),
    "reg_lambda": (0.1, 1, 5),
    "subsample": (0.7, 1.0),
    "gamma": (0, 1),
    "tree_method": ("hist", "exact"),
}
TREES = (40, 100, 200)


@dataclass(frozen=True, slots=True)
class Searched:
    """`nested`: log-odds out of fold, of settings that were chosen without the fold. `best` had the least log loss over
    the same folds of all rows, and `flattered` is that loss, which it was chosen for.
    """

    nested: OutOfFold
    draws: int
    best: Trees
    flattered: float


def drawn(draws: int, seed: int) -> list[Trees]:
    """Settings drawn at random from `SPACE` and `TREES`."""
    rng = np.random.default_rng(seed)
    return [
        Trees(int(rng.choice(TREES)), {name: values[int(rng.integers(len(values)))] for name, values in SPACE.items()})
        for _ in range(draws)
    ]


def search(design: Design, draws: int, folds: int, seed: int) -> Searched:
    """Search among `draws` settings inside each of `folds` folds, and once on all rows."""
    settings = drawn(draws, seed)
    learns = [boosted(grown, seed) for grown in settings]

    def learn(rows: Matrix, labels: Labels, others: Matrix) -> Vector:
        return learns[choose(rows, labels, learns, INNER_FOLDS, seed)](rows, labels, others)

    nested = out_of_fold(design, learn, folds, 1, seed)
    losses = [_loss(design, one, folds, seed) for one in learns]
    best = int(np.argmin(np.round(losses, 9)))
    return Searched(nested, draws, settings[best], losses[best])


def _loss(design: Design, learn: Learn, folds: int, seed: int) -> float:
    return log_loss_of(out_of_fold(design, learn, folds, 1, seed).margins[0], design.labels)
