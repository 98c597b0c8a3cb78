"""The figures of a model, from probabilities and labels that it has not seen: of a card, and with their intervals."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score, roc_curve

from training.ranked import FIGURES, MASS_BINS, Counts, Ranked, Rows

Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

BINS = 15
ECE_BINS: dict[str, int | str] = {"number": BINS, "kind": "equal width"}
"""The bins of the ECE, as a card says them: another number, or bins of equal size, would give another figure."""

ESTIMATED_ECE_BINS: dict[str, int | str] = {"number": MASS_BINS, "kind": "equal mass"}
"""Those of the ECE among `estimates`."""

REPLICATES, REPLICATES_OF_MANY, MANY = 1_000, 300, 20_000
"""Resamples of a bootstrap; fewer of more than so many rows, where each takes long and bounds are near anyhow."""

NOISE_DRAWS = 10_000
SEED = 20260101
TAILS = (0.025, 0.975)
"""Between these quantiles of the replicates lies an interval."""

CUT = 0.5
"""Above this probability a row counts as called positive."""

PUSHED_UP = frozenset({"ks", "ece"})
"""Figures that noise can only raise. A resample has the sample's noise and its own, so its figure is too high on
average; their intervals are shifted down by that much, and never below nought."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def figures(p: Vector, approved: Labels) -> dict[str, float]:
    """Accuracy at 0.5, AUC, Gini, KS, log loss, Brier score and ECE (15 equal-width bins) of out-of-fold
    probabilities of approval.
    """
    auc = float(roc_auc_score(approved, p))
    false_positive, true_positive, _ = roc_curve(approved, p)
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    loss = -(approved * np.log(clipped) + (1 - approved) * np.log(1 - clipped)).mean()
    return {
        "accuracy": float(((p > 0.5) == (approved == 1)).mean()),
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float((true_positive - false_positive).max()),
        "log_loss": float(loss),
        "brier": float(((p - approved) ** 2).mean()),
        "ece": expected_calibration_error(p, approved),
    }


def expected_calibration_error(p: Vector, approved: Labels) -> float:
    """Mean distance between probability and approval rate over equal-width bins, weighted by their size."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(p[bins == b].mean() - approved[bins == b].mean())) * float((bins == b).mean())
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))


def estimates(p: Vector, labels: Labels, *, cut: float = CUT, replicates: int | None = None) -> dict[str, Estimate]:
    """AUC, KS, Gini, Brier score, ECE, log loss, and at `cut` accuracy, precision, recall and F1 of out-of-fold
    probabilities of the positive class, each with its 95 % interval, and `ece_noise_floor`: the ECE that probabilities
    which are exactly right would show on so many rows.

    `p` is (n,), or (repeats, n) where a cross-validation was repeated: a figure is then the mean over repeats, and its
    interval still that of n rows, for repeats are no new applicants. `labels` (n,), 1: positive; both must occur.

    The ECE has 15 bins of equal mass. Equal probabilities are in one bin, so the order of rows does not matter.
    Intervals are percentiles of a seeded bootstrap of rows: the same input gives the same bounds. Where nobody is
    called positive, precision and F1 are 0.

    >>> labels = np.array([0, 0, 1, 1] * 25)
    >>> right = estimates(np.where(labels, 0.9, 0.1), labels)
    >>> right["auc"], round(right["brier"].value, 4)
    (Estimate(value=1.0, low=1.0, high=1.0), 0.01)
    """
    repeats = [Ranked(one, cut) for one in np.atleast_2d(p)]
    found = _means(repeats, labels, [np.arange(len(labels))])
    resampled = _means(repeats, labels, _resamples(labels, replicates))
    told = {name: _estimate(name, float(found[name][0]), resampled[name]) for name in found}
    return {**told, "ece_noise_floor": ece_noise_floor(np.atleast_2d(p)[0])}


def bootstrap(p: Vector, labels: Labels, *, cut: float = CUT, replicates: int | None = None) -> dict[str, Vector]:
    """The figures of `estimates` on resamples of the rows, (replicates,) each.

    The resamples depend on the labels alone, so two models of the same rows may be compared replicate by replicate.
    """
    return _means([Ranked(one, cut) for one in np.atleast_2d(p)], labels, _resamples(labels, replicates))


def ece_noise_floor(p: Vector) -> Estimate:
    """The mean ECE, and the bounds of 95 %, where every label is drawn with just its probability in `p`, (n,).

    The sum of a bin's labels is taken as normal, with its own variance.
    """
    ranked = Ranked(p, CUT)
    counts = ranked.count(ranked.cells(np.zeros(len(p), np.int64)))
    variances = np.add.reduceat(counts.negative * ranked.values * (1 - ranked.values), counts.mass_bins())
    drawn = np.random.default_rng(SEED).standard_normal((NOISE_DRAWS, len(variances)))
    eces = np.abs(drawn * np.sqrt(variances)).sum(axis=1) / len(p)
    low, high = np.quantile(eces, TAILS)
    return Estimate(float(eces.mean()), float(low), float(high))


def _estimate(name: str, value: float, resampled: Vector) -> Estimate:
    low, high = np.quantile(resampled, TAILS)
    if name in PUSHED_UP:
        excess = max(float(resampled.mean()) - value, 0.0)
        low, high = max(low - excess, 0.0), high - excess
    return Estimate(value, min(float(low), value), max(float(high), value))


def _means(repeats: list[Ranked], labels: Labels, samples: Iterable[Rows]) -> dict[str, Vector]:
    """Each figure, its mean over repeats, on each sample of rows."""
    cells = [ranked.cells(labels) for ranked in repeats]
    found = [
        np.mean([_row(ranked.count(of[sample])) for ranked, of in zip(repeats, cells, strict=True)], axis=0)
        for sample in samples
    ]
    return dict(zip(FIGURES, np.array(found).T, strict=True))


def _row(counts: Counts) -> list[float]:
    return [figure(counts) for figure in FIGURES.values()]


def _resamples(labels: Labels, replicates: int | None) -> Iterator[Rows]:
    """Rows drawn with replacement; a draw that has one label alone is drawn again."""
    rng, n, made = np.random.default_rng(SEED), len(labels), 0
    wanted = replicates or (REPLICATES if n <= MANY else REPLICATES_OF_MANY)
    while made < wanted:
        sample = rng.integers(0, n, n)
        if 0 < labels[sample].sum() < n:
            made += 1
            yield sample
