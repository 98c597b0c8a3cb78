"""Where a model is worst: slices of one or two features, named, with what chance would show among so many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PARTS = 4
"""A number is cut into quarters of its rows."""

LEAST_SHARE = 0.02
LEAST_ROWS = 50


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows in which the log loss is higher than elsewhere: `promised` is their mean probability, `found` the share of
    label 1 (a slice in which both agree is hard, one in which they do not is wrong). `z` counts standard errors;
    `certain` is whether they are more than chance gives the worst of all slices looked at (Bonferroni, 1 in 100).
    """

    where: str
    rows: int
    log_loss: float
    elsewhere: float
    promised: float
    found: float
    z: float
    certain: bool


def worst_slices(
    rows: Matrix,
    names: Sequence[str],
    probability: Vector,
    labels: npt.NDArray[np.int64],
    *,
    wanted: int = 5,
    levels: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[Slice]:
    """The slices by quarters (or few values, or missing) of one feature and of two together, worst first; of a pair
    that is no worse than its half only the half. (n, k) features, (n,) probabilities of label 1, out of fold. The
    numbers of a feature that has `levels` are places among them.
    """
    clipped = np.clip(probability, 1e-12, 1 - 1e-12)
    loss = -np.where(labels == 1, np.log(clipped), np.log(1 - clipped))
    least = max(LEAST_ROWS, int(LEAST_SHARE * len(loss)))
    singles = [
        (name, where, mask)
        for name, column in zip(names, rows.T, strict=True)
        for where, mask in _parts(name, column, levels.get(name))
    ]
    found = {where: (mask, z) for _, where, mask in singles if (z := _z(loss, mask, least)) is not None}
    pairs = {}
    for (name, where, mask), (other, there, also) in combinations(singles, 2):
        both = mask & also
        if name != other and (z := _z(loss, both, least)) is not None:
            halves = (
                max(found[half][1] for half in (where, there) if half in found) if {where, there} & found.keys() else 0
            )
            if z > halves:
                pairs[f"{where} and {there}"] = (both, z)
    everything = {**found, **pairs}
    limit = _bonferroni(len(everything))
    worst = sorted(((z, where) for where, (_, z) in everything.items() if z > 0), reverse=True)[:wanted]
    return [_slice(where, everything[where][0], loss, probability, labels, z, limit) for z, where in worst]


def _slice(
    where: str, inside: Mask, loss: Vector, probability: Vector, labels: npt.NDArray[np.int64], z: float, limit: float
) -> Slice:
    return Slice(
        where,
        int(inside.sum()),
        float(loss[inside].mean()),
        float(loss[~inside].mean()),
        float(probability[inside].mean()),
        float(labels[inside].mean()),
        float(z),
        certain=bool(z > limit),
    )


def _parts(name: str, column: Vector, levels: Sequence[str] | None) -> list[tuple[str, Mask]]:
    known = column[~np.isnan(column)]
    parts: list[tuple[str, Mask]] = [(f"{name} missing", np.isnan(column))] if len(known) < len(column) else []
    values = np.unique(known)
    if levels is not None:
        return parts + [(f"{name} = {levels[int(value)]}", column == value) for value in values]
    if len(values) <= PARTS:
        return parts + [(f"{name} = {value:g}", column == value) for value in values]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, PARTS + 1)))
    last = len(edges) - 2
    for at, (low, high) in enumerate(pairwise(edges)):
        inside = (column >= low) & ((column <= high) if at == last else (column < high))
        parts.append((f"{name} {low:g} to {high:g}", inside))
    return parts


def _z(loss: Vector, inside: Mask, least: int) -> float | None:
    """Welch's t of the slice against the rest; None where either is too small."""
    count = int(inside.sum())
    if count < least or len(loss) - count < least:
        return None
    one, rest = loss[inside], loss[~inside]
    error = (one.var() / len(one) + rest.var() / len(rest)) ** 0.5
    return float((one.mean() - rest.mean()) / error) if error else None


def _bonferroni(looked_at: int) -> float:
    return float(norm.isf(0.01 / max(looked_at, 1)))
