"""Whether a model keeps its directions, for every applicant there could be: proven tree by tree, from the trees alone.

A tree cuts the applicants into boxes, one a leaf. A step along one feature leads from one box to another where both
hold the same values of all the others; over all such pairs of boxes, the second leaf must not be the better one. What
each tree keeps the sum keeps, and so do a calibrator that rises and the rounding after it. The other way round it need
not hold: trees that disagree may still add up to a model that keeps its directions, and then this proves nothing.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import orjson

from scoring.features import Direction

Box = dict[int, tuple[float, float]]
"""Feature by number -> from (inclusive) and to (exclusive); a feature that is not there takes any value."""

ANYWHERE = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Kept:
    """Of one feature: how many pairs of leaves a step of it can lead between, in all trees, and how many of these lead
    the `wrong` way. With none, the model keeps the direction.
    """

    pairs: int
    wrong: int


def proof(booster: Any, held: Mapping[str, Direction], features: tuple[str, ...]) -> dict[str, Kept]:
    """For each feature that is `held` to a direction (0: it is not), what its steps do in every tree of a booster."""
    trees = orjson.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
    boxes = [list(_boxes(tree)) for tree in trees]
    return {
        name: _kept(boxes, features.index(name), direction)
        for name, direction in held.items()
        if direction and name in features
    }


def least_threshold(booster: Any, column: int) -> float:
    """The least value of a feature at which any tree splits; infinity where none does.

    Asset coverage rises with the amount where the assets together are a debt: with a split above nought alone, no model
    sees that.
    """
    trees = orjson.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]["trees"]
    return min((box[column][1] for tree in trees for box, _ in _boxes(tree) if column in box), default=math.inf)


def _kept(trees: list[list[tuple[Box, float]]], column: int, direction: Direction) -> Kept:
    steps = [
        (lower[1], upper[1])
        for leaves in trees
        for lower, upper in permutations(leaves, 2)
        if _leads(lower[0], upper[0], column)
    ]
    return Kept(len(steps), sum(direction * (after - before) < 0 for before, after in steps))


def _leads(lower: Box, upper: Box, column: int) -> bool:
    """Whether more of one feature alone can lead from a value in `lower` to one in `upper`."""
    if lower.get(column, ANYWHERE)[1] > upper.get(column, ANYWHERE)[0]:
        return False
    others = (lower.keys() | upper.keys()) - {column}
    return all(_meet(lower.get(other, ANYWHERE), upper.get(other, ANYWHERE)) for other in others)


def _meet(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return max(one[0], other[0]) < min(one[1], other[1])


def _boxes(tree: Mapping[str, Any], node: int = 0, box: Box | None = None) -> Iterator[tuple[Box, float]]:
    """Each leaf below a node: where it lies, and its value."""
    box = box or {}
    at, left = tree["split_conditions"][node], tree["left_children"][node]
    if left == -1:
        yield box, at
        return
    column = tree["split_indices"][node]
    low, high = box.get(column, ANYWHERE)
    yield from _boxes(tree, left, {**box, column: (low, min(high, at))})
    yield from _boxes(tree, tree["right_children"][node], {**box, column: (max(low, at), high)})
