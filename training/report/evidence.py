"""What a validation report is made of: measured before, and only drawn here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from training.explain.ablation import Ablated
from training.explain.dependence import Dependence
from training.explain.importance import Importance
from training.explain.surrogate import Disagreement
from training.fairness.frontier import Point
from training.fairness.groups import Fairness
from training.fairness.proxies import Told
from training.fairness.slices import Slice
from training.fairness.yardsticks import Held
from training.figures import Estimate

if TYPE_CHECKING:
    from training.report.thin_files import Thin

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OfColumn:
    """One protected column: its groups, the yardsticks they were held against, what tells them, and what mitigation
    costs.
    """

    fairness: Fairness
    held: Sequence[Held]
    told: Sequence[Told]
    frontier: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A model's evidence. `probability` (n,) is out of fold and calibrated, of label 1, which `positive` names in
    words; `rows` (n, k) and `contributions` (n, k) are of the model that is shipped. What was not measured is empty,
    and `not_measured` says why: heading -> sentence. `favour` says who is favoured; a feature that has `levels` is a
    place among them, so that its numbers have names.
    """

    name: str
    bundle_id: str
    positive: str
    facts: Sequence[tuple[str, str]]
    probability: Vector
    labels: Labels
    figures: Mapping[str, Estimate]
    names: Sequence[str]
    rows: Matrix
    contributions: Matrix
    importance: Sequence[Importance] = ()
    dependence: Sequence[Dependence] = ()
    disagreement: Disagreement | None = None
    ablation: Sequence[Ablated] = ()
    slices: Sequence[Slice] = ()
    columns: Sequence[OfColumn] = ()
    directions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    thin: "Thin | None" = None
    favour: str = ""
    levels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    rebuild: Sequence[str] = ()
    not_measured: Mapping[str, str] = field(default_factory=dict)
