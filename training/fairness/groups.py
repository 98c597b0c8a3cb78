"""Figures of the groups of one protected column, and of each against the group that it is held against."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.fairness.judged import NOT_STATED, Judged
from training.figures import TAILS, Estimate

Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.str_]

SMALLEST = 20
"""A group of fewer is named with its size alone: figures of so few say something about persons, not about a model."""

REPLICATES = 2_000
SEED = 20260101
BINS = 10
"""Of the calibration error within a group: equal mass; few, as groups are small."""

_FAVOURED_DESERVING, _FAVOURED_NOT, _REFUSED_DESERVING, _REFUSED_NOT = range(4)
_CELLS = 4


def _share(above: Vector, below: Vector) -> Vector:
    """A quotient; of nothing it is NaN."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below != 0))


RATES: dict[str, Callable[[Vector], Vector]] = {
    "favoured": lambda c: _share(c[..., _FAVOURED_DESERVING] + c[..., _FAVOURED_NOT], c.sum(axis=-1)),
    "deserving": lambda c: _share(c[..., _FAVOURED_DESERVING] + c[..., _REFUSED_DESERVING], c.sum(axis=-1)),
    "true_positive_rate": lambda c: _share(
        c[..., _FAVOURED_DESERVING], c[..., _FAVOURED_DESERVING] + c[..., _REFUSED_DESERVING]
    ),
    "false_positive_rate": lambda c: _share(c[..., _FAVOURED_NOT], c[..., _FAVOURED_NOT] + c[..., _REFUSED_NOT]),
}
"""Rate -> from the four counts of a group (favoured or not by deserving or not), any number of them at once.

`favoured` is what demographic parity compares, `true_positive_rate` equal opportunity (Hardt, Price, Srebro 2016), both
rates equalised odds.
"""

COMPARISONS: dict[str, Callable[[Mapping[str, Vector], Mapping[str, Vector]], Vector]] = {
    "impact_ratio": lambda one, other: _share(one["favoured"], other["favoured"]),
    "parity_difference": lambda one, other: one["favoured"] - other["favoured"],
    "opportunity_difference": lambda one, other: one["true_positive_rate"] - other["true_positive_rate"],
    "odds_difference": lambda one, other: np.maximum(
        np.abs(one["true_positive_rate"] - other["true_positive_rate"]),
        np.abs(one["false_positive_rate"] - other["false_positive_rate"]),
    ),
}
"""Comparison -> from a group's rates and those of the group that it is held against."""

PUSHED_UP = frozenset({"odds_difference"})
"""A greatest distance: noise can only raise it, so that even equal groups show some."""


@dataclass(frozen=True, slots=True)
class Group:
    """One group's figures; none where it is too small. `calibration` is the group's mean probability of deserving less
    the share that deserved: above nought it was promised too much.
    """

    name: str
    rows: int
    rates: dict[str, Estimate]
    calibration: Estimate | None
    calibration_error: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A group held against the reference."""

    name: str
    reference: str
    figures: dict[str, Estimate]


@dataclass(frozen=True, slots=True)
class Fairness:
    """One protected column: its groups, largest first, and each but the reference against it."""

    column: str
    rows: int
    not_stated: int
    reference: str | None
    groups: tuple[Group, ...]
    compared: tuple[Compared, ...]


def fairness(column: str, groups: Labels, judged: Judged, reference: str | None = None) -> Fairness:
    """The figures of a protected column with 95 % intervals (percentiles of a seeded bootstrap of rows).

    `groups` (n,) of `judged`'s rows; `NOT_STATED` is no group. Held against is `reference`, else the most favoured
    group of at least a tenth of the rows, as the four-fifths rule holds against the group with the highest rate, but
    not against a handful. Raises ValueError where `reference` is no group that is large enough.
    """
    stated = groups != NOT_STATED
    names, sizes = np.unique(groups[stated], return_counts=True)
    order = np.lexsort((names, -sizes))
    large = [str(names[at]) for at in order if sizes[at] >= SMALLEST]
    counts = {name: _counts(judged.of(groups == name)) for name in large}
    drawn = _drawn(counts, int(stated.sum()))
    rates = {name: {rate: of(counts[name]) for rate, of in RATES.items()} for name in large}
    replicas = {name: {rate: of(drawn[name]) for rate, of in RATES.items()} for name in large}
    against = _reference(rates, counts, reference)
    return Fairness(
        column,
        len(groups),
        int((~stated).sum()),
        against,
        tuple(
            _group(name, judged.of(groups == name), rates[name], replicas[name])
            if name in rates
            else Group(name, int(size), {}, None, None)
            for name, size in ((str(names[at]), sizes[at]) for at in order)
        ),
        tuple(
            Compared(name, against, _compared(name, against, rates, replicas))
            for name in large
            if against is not None and name != against
        ),
    )


def _counts(group: Judged) -> Vector:
    """Of the four kinds of rows, how many."""
    kind = np.where(group.favoured, 0, 2) + np.where(group.deserving, 0, 1)
    return np.bincount(kind, minlength=_CELLS).astype(float)


def _drawn(counts: Mapping[str, Vector], rows: int) -> dict[str, Vector]:
    """Counts of bootstrap samples, (REPLICATES, 4) a group. To draw rows of which only the group and the kind count
    is to draw their counts.
    """
    if not counts:
        return {}
    rng = np.random.default_rng(SEED)
    flat = np.concatenate(list(counts.values()))
    rest = rows - flat.sum()
    drawn = rng.multinomial(rows, np.append(flat, rest) / rows, size=REPLICATES)[:, :-1].astype(float)
    return {name: drawn[:, _CELLS * at : _CELLS * (at + 1)] for at, name in enumerate(counts)}


def _reference(
    rates: Mapping[str, Mapping[str, Vector]], counts: Mapping[str, Vector], wanted: str | None
) -> str | None:
    if wanted is not None:
        if wanted not in rates:
            raise ValueError(f"{wanted!r} is no group of at least {SMALLEST} rows")
        return wanted
    total = sum(float(count.sum()) for count in counts.values())
    common = [name for name in rates if counts[name].sum() >= total / 10]
    return max(common, key=lambda name: float(rates[name]["favoured"]), default=None)


def _group(name: str, rows: Judged, rates: Mapping[str, Vector], replicas: Mapping[str, Vector]) -> Group:
    gaps = rows.probability - rows.deserving
    spread = float(gaps.std()) / len(rows) ** 0.5
    centre = float(gaps.mean())
    return Group(
        name,
        len(rows),
        {rate: _estimate(float(rates[rate]), replicas[rate]) for rate in RATES if np.isfinite(rates[rate])},
        Estimate(centre, centre - 1.96 * spread, centre + 1.96 * spread),
        _calibration_error(rows),
    )


def _calibration_error(rows: Judged) -> float:
    """Mean distance between probability and share of the deserving over bins of equal mass."""
    bins = np.array_split(np.argsort(rows.probability, kind="stable"), BINS)
    gaps = [
        abs(float(rows.probability[one].mean() - rows.deserving[one].mean())) * len(one) for one in bins if len(one)
    ]
    return sum(gaps) / len(rows)


def _compared(
    name: str,
    reference: str,
    rates: Mapping[str, Mapping[str, Vector]],
    replicas: Mapping[str, Mapping[str, Vector]],
) -> dict[str, Estimate]:
    found = {}
    for figure, of in COMPARISONS.items():
        value = float(of(rates[name], rates[reference]))
        if np.isfinite(value):
            found[figure] = _estimate(value, of(replicas[name], replicas[reference]), shifted=figure in PUSHED_UP)
    return found


def _estimate(value: float, replicas: Vector, *, shifted: bool = False) -> Estimate:
    """A value with the bounds within which 95 % of its replicas lie; where noise raises a figure, they are shifted
    back by what it raised them on average.
    """
    known = replicas[np.isfinite(replicas)]
    low, high = np.quantile(known, TAILS)
    shift = max(float(known.mean()) - value, 0.0) if shifted else 0.0
    bounds = (float(low) - shift, float(high) - shift)
    return Estimate(value, *(max(bound, 0.0) for bound in bounds)) if shifted else Estimate(value, *bounds)
