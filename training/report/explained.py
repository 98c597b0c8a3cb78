"""What a report says of how a model thinks: importance, direction, cross-check, slices, ablation; bounded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sklearn.model_selection import StratifiedKFold

from training.explain.ablation import ablation
from training.explain.asked import Asked
from training.explain.dependence import dependence
from training.explain.importance import importance
from training.explain.surrogate import disagreement
from training.fairness.frontier import Model, fitted
from training.fairness.slices import worst_slices
from training.folds import Design, Labels, Matrix, Rows
from training.report.bounds import SEED, SHOWN, SLICED_ROWS, Sampled, explained_rows, refit_rows, said_of_sample, sample
from training.report.evidence import Vector

FOLDS = 5

ABLATION = "Ablation"


@dataclass(frozen=True, slots=True)
class Explained:
    """Parts of the evidence by name, sentences for its notes, and what was not measured with the reason."""

    parts: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    not_measured: dict[str, str] = field(default_factory=dict)


def explained(
    model: Asked,
    design: Design,
    base: Model,
    rows: Matrix,
    probability: Vector,
    levels: Mapping[str, Sequence[str]] = MappingProxyType({}),
    unsliced: Sequence[str] = (),
) -> Explained:
    """All of it for a model with its rows (n, k), in which a feature that has `levels` is a place among them.

    `design` has the same features for training again, with the settings `base`; `probability` (n,) is out of fold.
    Features in `unsliced` make no slices.
    """
    labels, names = design.labels, tuple(model.names)
    asked = explained_rows(len(rows), len(names))
    ranked = importance(model, rows[asked], labels[asked])
    shown = [one.feature for one in ranked[:SHOWN]]
    lost = _ablation(design, names, base, shown)
    parts = {
        "names": names,
        "rows": rows[asked],
        "contributions": model.contributions(rows[asked]),
        "importance": ranked[:SHOWN],
        "dependence": dependence(model, rows[asked], shown),
        "disagreement": disagreement(model, rows[asked]),
        "slices": _slices(rows, names, [name for name in shown if name not in unsliced], probability, labels, levels),
        "ablation": lost.parts.get("ablation", ()),
    }
    notes = [
        "Importance, directions and contributions ask the model that is shipped, of rows that it was trained on.",
        *said_of_sample("Importance, directions and contributions", asked, len(rows)),
        *said_of_sample("Worst slices", sample(len(rows), SLICED_ROWS), len(rows)),
    ]
    if len(names) > SHOWN:
        notes.append(f"Of {len(names)} features the {SHOWN} that move rows farthest are shown.")
    return Explained(parts, [*notes, *lost.notes], lost.not_measured)


def _slices(
    rows: Matrix,
    names: Sequence[str],
    shown: Sequence[str],
    probability: Vector,
    labels: Labels,
    levels: Mapping[str, Sequence[str]],
) -> Any:
    at, columns = sample(len(rows), SLICED_ROWS), [names.index(name) for name in shown]
    return worst_slices(rows[at][:, columns], shown, probability[at], labels[at], levels=levels)


def _ablation(design: Design, names: Sequence[str], base: Model, shown: Sequence[str]) -> Explained:
    """Each of the features shown left out in turn, on as many rows as can be afforded."""
    if len(names) < 2:
        return Explained({}, [], {ABLATION: "of a single feature nothing can be left out"})
    at = refit_rows(len(design.labels), base, FOLDS * (len(shown) + 1))
    some = Sampled(design, at)
    if not len(at) or min(some.labels.sum(), len(at) - some.labels.sum()) < FOLDS:
        return Explained(
            {}, [], {ABLATION: "so many trees cannot be trained again for each feature in reasonable time"}
        )

    def fit(of: Design, seen: Rows, held_out: Rows, without: frozenset[int]) -> Vector:
        return fitted(of, Model(base.params, base.trees, without), seen, held_out)

    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(at, some.labels))
    return Explained(
        {"ablation": ablation(some, names, folds, fit, shown)}, said_of_sample("Ablation", at, len(design.labels))
    )
