"""What a report says of one protected column: groups, yardsticks, what tells them, and what mitigation costs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from training.fairness.frontier import FOLDS, Model, frontier
from training.fairness.groups import SMALLEST, fairness
from training.fairness.judged import NOT_STATED, Judged
from training.fairness.proxies import proxies
from training.fairness.yardsticks import held_against, yardsticks
from training.folds import Design, Matrix
from training.report.bounds import PROXY_ROWS, Sampled, refit_rows, said_of_sample, sample
from training.report.evidence import OfColumn, Vector
from training.typed import Categories, Typed

Groups = npt.NDArray[np.str_]
Mask = npt.NDArray[np.bool_]

PARTS = 4
"""A protected number, such as an age, is cut into quarters of its rows."""

MOST_GROUPS = 8
OTHERS = "(others)"
SUSPECTS = 3
WAYS = 12
"""Models that the frontier trains, at most."""


def groups_of(column: Typed) -> Groups:
    """The group of each row of a protected column; of many categories the rarest are one group.

    >>> groups_of(Categories(("f", "m"), np.array([1, 0, -1]))).tolist()
    ['m', 'f', '']
    """
    if isinstance(column, Categories):
        names = np.array([*column.levels, NOT_STATED])
        counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.levels))
        if len(column.levels) > MOST_GROUPS:
            names[np.argsort(-counts, kind="stable")[MOST_GROUPS - 1 :]] = OTHERS[: names.dtype.itemsize // 4]
        return np.asarray(names[column.codes])
    known = column.values[~np.isnan(column.values)]
    values = np.unique(known)
    if len(values) <= MOST_GROUPS:
        return np.array([NOT_STATED if np.isnan(value) else f"{value:g}" for value in column.values])
    edges = np.unique(np.quantile(known, np.linspace(0, 1, PARTS + 1)))
    names = np.array([*(f"{low:g} to {high:g}" for low, high in pairwise(edges)), NOT_STATED])
    place = np.clip(np.searchsorted(edges, column.values, side="right") - 1, 0, len(edges) - 2)
    return np.asarray(names[np.where(np.isnan(column.values), len(edges) - 1, place)])


@dataclass(frozen=True, slots=True)
class Favour:
    """Who is favoured: `share` of all rows, those whose `probability` (n,) of deserving is highest. `label` is the
    label of the deserving, who are (n,).
    """

    label: int
    probability: Vector
    deserving: Mask

    @classmethod
    def of(cls, label: int, probability: Vector, labels: npt.NDArray[np.int64]) -> "Favour":
        """`probability` is of label 1, and is turned where 0 is what applicants hope for."""
        return cls(label, probability if label == 1 else 1 - probability, labels == label)

    @property
    def share(self) -> float:
        """As many as deserve it."""
        return float(self.deserving.mean())

    @property
    def judged(self) -> Judged:
        """Who is favoured, and who deserves it."""
        return Judged.at(float(np.quantile(self.probability, 1 - self.share)), self.probability, self.deserving)


@dataclass(frozen=True, slots=True)
class Protected:
    """Columns of the evidence, sentences for its notes, and what was not measured."""

    columns: list[OfColumn] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    not_measured: dict[str, str] = field(default_factory=dict)


def of_column(
    name: str, groups: Groups, favour: Favour, design: Design, names: Sequence[str], rows: Matrix, base: Model
) -> Protected:
    """One column. `design` trains again with the settings `base`; `rows` (n, k) are what may tell the group."""
    found = fairness(name, groups, favour.judged)
    large = [one for one in found.groups if one.rows >= SMALLEST]
    if len(large) < 2:
        few = f"fewer than two groups of at least {SMALLEST} rows"
        return Protected([OfColumn(found, [], [], [])], [], {f"Comparison by {name}": few})
    told_at = sample(len(groups), PROXY_ROWS)
    told = [one for one in proxies(rows[told_at], names, groups[told_at]) if one.group != OTHERS]
    suspects = [one.feature for of in told for one in of.alone[:SUSPECTS] if one.tells]
    at = refit_rows(len(groups), base, FOLDS * WAYS)
    some = Sampled(design, at)
    if not len(at) or min(some.labels.sum(), len(at) - some.labels.sum()) < FOLDS:
        why = "so many trees cannot be trained again for each way in reasonable time"
        points, open_ = [], {f"Mitigation by {name}": why}
    else:
        open_ = {}
        points = frontier(
            some,
            names,
            groups[at],
            base,
            favourable=favour.label,
            share=favour.share,
            suspects=list(dict.fromkeys(suspects))[:SUSPECTS],
        )
        points = [one for one in points if np.isfinite(one.impact_ratio)]
        if not points:
            open_ = {f"Mitigation by {name}": "too few rows of the groups are among those that models are trained on"}
    return Protected(
        [OfColumn(found, held_against(found, yardsticks()), told, points)],
        [
            *said_of_sample(f"What tells {name}", told_at, len(groups)),
            *said_of_sample(f"Mitigation by {name}", at, len(groups)),
        ],
        open_,
    )
