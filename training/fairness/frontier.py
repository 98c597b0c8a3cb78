"""What it costs to favour groups alike: each way to mitigate, measured on the same folds at the same share of
approvals.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from scoring.booster import xgboost
from training.fairness.groups import COMPARISONS, RATES, SMALLEST
from training.fairness.judged import NOT_STATED
from training.folds import Design

Vector = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Groups = npt.NDArray[np.str_]

FOLDS = 5
SEED = 20260101


@dataclass(frozen=True, slots=True)
class Model:
    """Settings that a model is fitted with: XGBoost's parameters, trees, and features left out (positions)."""

    params: Mapping[str, Any]
    trees: int
    without: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Point:
    """One way, out of fold: how well it tells, and how the least favoured group fares. `uses_group`: it needs the
    protected column to decide, which is disparate treatment where a law forbids that; such a point is a bound, no
    proposal.
    """

    way: str
    kind: str
    auc: float
    accuracy: float
    impact_ratio: float
    opportunity_difference: float
    uses_group: bool = False
    dominated: bool = False


def frontier(
    design: Design,
    names: Sequence[str],
    groups: Groups,
    base: Model,
    *,
    favourable: int,
    share: float,
    suspects: Sequence[str] = (),
) -> list[Point]:
    """All ways for one protected column, the base first; a point is `dominated` where another has a higher impact
    ratio and no lower AUC. Each approves the same `share` of all, so that no way looks fair by approving everybody.

    `favourable` is the label whose probability approves (0 where the positive class is *denied*). `suspects` are
    features that tell the group (`proxies`): models without them are among the less discriminatory alternatives
    tried.
    """
    folds = list(StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(np.zeros(len(groups)), design.labels))
    deserving = design.labels == favourable

    def scored(model: Model, weigh: Callable[[Groups, Mask], Vector] | None = None) -> Vector:
        found = np.empty(len(groups))
        for seen, held_out in folds:
            weights = weigh(groups[seen], deserving[seen]) if weigh else None
            found[held_out] = fitted(design, model, seen, held_out, weights)
        return found if favourable == 1 else 1 - found

    scores = scored(base)
    points = [_point("the model", "base", scores, deserving, groups, _at(scores, share))]
    points.append(_of("reweighing", "weights", scored(base, reweighing), deserving, groups, share))
    points += [
        _of(way, "alternative", scored(model), deserving, groups, share)
        for way, model in _alternatives(base, names, suspects)
    ]
    own = _at_own_cuts(scores, groups, share)
    points.append(_point("a cut for each group", "cuts", scores, deserving, groups, own, uses_group=True))
    return [_with_dominance(one, points) for one in points]


def reweighing(groups: Groups, deserving: Mask) -> Vector:
    """Weights under which group and label are independent (Kamiran and Calders 2012): expected / found share of each
    pair.

    >>> reweighing(np.array(["a", "a", "a", "b"]), np.array([True, True, False, False])).round(2).tolist()
    [0.75, 0.75, 1.5, 0.5]
    """
    weights = np.ones(len(groups))
    for group in np.unique(groups):
        inside = groups == group
        for label in (True, False):
            pair = inside & (deserving == label)
            if pair.any():
                weights[pair] = inside.mean() * (deserving == label).mean() / pair.mean()
    return weights


def _alternatives(base: Model, names: Sequence[str], suspects: Sequence[str]) -> list[tuple[str, Model]]:
    """The search for less discriminatory alternatives: without each suspect, without all, and simpler models."""
    at = {name: index for index, name in enumerate(names)}
    without = [(f"without {name}", frozenset({at[name]})) for name in suspects]
    if len(suspects) > 1:
        without.append(("without all of these", frozenset(at[name] for name in suspects)))
    depth = int(base.params.get("max_depth", 6))
    simpler = [
        (f"depth {shallower}", Model({**base.params, "max_depth": shallower}, base.trees))
        for shallower in sorted({1, max(depth - 1, 1)})
        if shallower < depth
    ]
    return [
        *((way, Model(base.params, base.trees, left_out)) for way, left_out in without if len(left_out) < len(names)),
        *simpler,
        ("half the trees", Model(base.params, max(base.trees // 2, 1))),
        ("leaves of more rows", Model({**base.params, "min_child_weight": 20}, base.trees)),
    ]


def fitted(
    design: Design,
    model: Model,
    seen: npt.NDArray[np.intp],
    held_out: npt.NDArray[np.intp],
    weights: Vector | None = None,
) -> Vector:
    """The probabilities that a model gives the rows held out, having learned the rows seen."""
    known, asked = design.fold(seen, held_out)
    kept = [at for at in range(known.shape[1]) if at not in model.without]
    data = xgboost.DMatrix(known[:, kept], label=design.labels[seen], weight=weights, nthread=1)
    params = {"objective": "binary:logistic", "nthread": 1, "verbosity": 0, "seed": SEED, **_params(model, kept)}
    booster = xgboost.train(params, data, num_boost_round=model.trees)
    found: Vector = booster.predict(xgboost.DMatrix(asked[:, kept], nthread=1)).astype(float)
    return found


def _params(model: Model, kept: Sequence[int]) -> dict[str, Any]:
    """Constraints stand by position, and go with their features."""
    constraints = model.params.get("monotone_constraints")
    if constraints is None:
        return dict(model.params)
    return {**model.params, "monotone_constraints": tuple(constraints[at] for at in kept)}


def _at(scores: Vector, share: float) -> Mask:
    """The best `share` of all rows."""
    return np.asarray(scores > np.quantile(scores, 1 - share))


def _at_own_cuts(scores: Vector, groups: Groups, share: float) -> Mask:
    favoured = np.zeros(len(scores), dtype=bool)
    for group in np.unique(groups):
        inside = groups == group
        favoured[inside] = _at(scores[inside], share)
    return favoured


def _of(way: str, kind: str, scores: Vector, deserving: Mask, groups: Groups, share: float) -> Point:
    return _point(way, kind, scores, deserving, groups, _at(scores, share))


def _point(
    way: str, kind: str, scores: Vector, deserving: Mask, groups: Groups, favoured: Mask, *, uses_group: bool = False
) -> Point:
    found, sizes = np.unique(groups[groups != NOT_STATED], return_counts=True)
    rates = []
    for name in found[sizes >= SMALLEST]:
        inside = groups == name
        kinds = np.where(favoured[inside], 0, 2) + np.where(deserving[inside], 0, 1)
        counts = np.bincount(kinds, minlength=4).astype(float)
        rates.append({rate: of(counts) for rate, of in RATES.items()})
    best = max(rates, key=lambda one: float(one["favoured"]), default={})
    against = [{figure: float(of(one, best)) for figure, of in COMPARISONS.items()} for one in rates if one is not best]
    return Point(
        way,
        kind,
        float(roc_auc_score(deserving, scores)),
        float((favoured == deserving).mean()),
        min((one["impact_ratio"] for one in against), default=np.nan),
        min((one["opportunity_difference"] for one in against), default=np.nan),
        uses_group,
    )


def _with_dominance(point: Point, points: Sequence[Point]) -> Point:
    better = any(
        other.impact_ratio > point.impact_ratio and other.auc >= point.auc for other in points if not other.uses_group
    )
    return Point(
        point.way,
        point.kind,
        point.auc,
        point.accuracy,
        point.impact_ratio,
        point.opportunity_difference,
        point.uses_group,
        dominated=better and not point.uses_group,
    )
