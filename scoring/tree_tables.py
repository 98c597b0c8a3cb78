"""XGBoost's margins and exact contributions, looked up instead of computed again for every applicant.

A small tree tells applicants apart by the outcomes of its few splits alone: applicants with the same outcomes have the
same leaf and the same contributions from it. So each tree of a small model is asked once, at load, for every
combination of outcomes that an applicant can have; afterwards an applicant is one row of each tree's table, added in
XGBoost's order and in its float32. The bits are those of `predict(output_margin=True)` and `predict(pred_contribs=
True)`, which is looked at for every such combination; a larger model, or one that sums otherwise, answers for itself.
"""

import math
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scoring.booster import xgboost

MAX_SPLITS = 8
"""Of a tree that is tabulated: its table has 2**splits rows."""

Matrix = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TreeTables:
    """The tables of a model of t trees over k features, each padded to s splits.

    `columns`, `thresholds`, `missing`: feature, threshold and the outcome for a missing value of each split, (t * s).
    `rows`: contributions by tree and outcomes, with the leaf's value as the last column, (t, 2**s, k + 1). `start`:
    the margin before the first tree. `bias`: what XGBoost gives every applicant beside the contributions.
    """

    columns: npt.NDArray[np.intp]
    thresholds: Floats
    missing: npt.NDArray[np.bool_]
    rows: Floats
    start: np.float32
    bias: np.float32

    @classmethod
    def of(cls, booster: Any) -> "TreeTables | None":
        """The tables of a booster; None where a tree has more splits than `MAX_SPLITS`, or a sum other bits."""
        model = orjson.loads(bytes(booster.save_raw("json")))["learner"]
        trees = model["gradient_booster"]["model"]["trees"]
        splits = [_splits(tree) for tree in trees]
        width = max((len(of_tree) for of_tree in splits), default=0)
        if not 0 < width <= MAX_SPLITS:
            return None
        features = booster.num_features()
        seen = [_representatives(of_tree, features) for of_tree in splits]
        rows = np.zeros((len(trees), 2**width, features + 1), np.float32)
        for number, (tree, of_tree, kinds) in enumerate(zip(trees, splits, seen, strict=True)):
            rows[number, _outcomes(kinds, of_tree)] = _answers(booster[number : number + 1], tree, kinds)
        # Padding: a comparison with minus infinity is never true, so the outcome is a zero bit.
        flat = [split for of_tree in splits for split in (of_tree + [_NEVER] * width)[:width]]
        everyone = np.concatenate(seen)
        data = _matrix(everyone)
        margins = booster.predict(data, output_margin=True)
        contributions = booster.predict(data, pred_contribs=True)
        tables = cls(
            np.array([split.column for split in flat]),
            np.array([split.threshold for split in flat], np.float32),
            np.array([split.missing for split in flat]),
            rows,
            _start(model["learner_model_param"]["base_score"], trees, booster.predict(data, pred_leaf=True), margins),
            contributions[0, -1],
        )
        found_margins, found = tables.margins_and_contributions(everyone)
        bias = np.full((len(everyone), 1), tables.bias)
        same = (found_margins == margins).all() and (np.hstack([found, bias]) == contributions).all()
        return tables if same else None

    def margins_and_contributions(self, features: Matrix) -> tuple[Floats, Floats]:
        """Margins (n,) and contributions (n, k) of (n, k) rows; missing is NaN."""
        trees, _, width = self.rows.shape
        patterns = self._patterns(features)
        total = np.zeros((len(features), width), np.float32)
        total[:, -1] = self.start
        for tree in range(trees):
            total += self.rows[tree, patterns[:, tree]]
        return total[:, -1], total[:, :-1]

    def margins(self, features: Matrix) -> Floats:
        """The margins alone, (n,): the same bits."""
        patterns = self._patterns(features)
        total = np.full(len(features), self.start)
        for tree, leaves in enumerate(self.rows[:, :, -1]):
            total += leaves[patterns[:, tree]]
        return total

    def _patterns(self, features: Matrix) -> npt.NDArray[np.uint8]:
        """For each row and tree the outcomes of its splits, as the bits of a number."""
        # XGBoost, too, compares in float32.
        cells = features.astype(np.float32)[:, self.columns]
        outcomes = (cells < self.thresholds) | (np.isnan(cells) & self.missing)
        # The width is worked out: of no rows at all NumPy cannot tell it.
        by_tree = outcomes.reshape(len(features), len(self.rows), len(self.columns) // len(self.rows))
        return np.packbits(by_tree, axis=2, bitorder="little")[:, :, 0]


@dataclass(frozen=True, slots=True)
class _Split:
    """One node of a tree: whether `feature < threshold`; `missing` is its outcome for a missing value."""

    column: int
    threshold: np.float32
    missing: bool


_NEVER = _Split(0, np.float32(-np.inf), False)


def _splits(tree: dict[str, Any]) -> list[_Split]:
    nodes = zip(
        tree["left_children"], tree["split_indices"], tree["split_conditions"], tree["default_left"], strict=True
    )
    return [_Split(column, np.float32(at), bool(left)) for child, column, at, left in nodes if child != -1]


def _answers(alone: Any, tree: dict[str, Any], rows: Matrix) -> Floats:
    """What one tree, as a booster of its own, says of rows: contributions and the value of the leaf, (n, k + 1)."""
    data = _matrix(rows)
    contributions = alone.predict(data, pred_contribs=True)[:, :-1]
    return np.column_stack([contributions, _leaf_values(tree, alone.predict(data, pred_leaf=True))])


def _leaf_values(tree: dict[str, Any], leaves: npt.NDArray[Any]) -> Floats:
    return np.array(tree["split_conditions"], np.float32)[leaves.astype(np.intp)]


def _start(base_score: str, trees: list[dict[str, Any]], leaves: npt.NDArray[Any], margins: Floats) -> np.float32:
    """The margin before the first tree: the log-odds of the base score.

    XGBoost writes the score with seven digits, which leave some neighbouring numbers: the right one is that from which
    the leaves' values add up to the `margins`. Without one, the number itself.
    """
    probability = float(base_score.strip("[]"))
    written = np.float32(math.log(probability / (1 - probability)))
    candidates = written + np.spacing(written) * np.arange(-16, 17, dtype=np.float32)
    sums = np.tile(candidates, (len(margins), 1))
    for number, tree in enumerate(trees):
        sums += _leaf_values(tree, leaves[:, number])[:, np.newaxis]
    right = np.flatnonzero((sums == margins[:, np.newaxis]).all(axis=0))
    return np.float32(candidates[right[0]] if right.size else written)


def _representatives(splits: list[_Split], features: int) -> Matrix:
    """Applicants of every kind that a tree can tell apart: on both sides of each threshold, and missing."""
    columns = sorted({split.column for split in splits})
    kinds = []
    for column in columns:
        thresholds = sorted({split.threshold for split in splits if split.column == column})
        below = np.nextafter(thresholds[0], np.float32(-np.inf))
        kinds.append([float(value) for value in (below, *thresholds, np.float32(np.nan))])
    combinations = list(product(*kinds))
    rows = np.zeros((len(combinations), features))
    rows[:, columns] = combinations
    return rows


def _outcomes(rows: Matrix, splits: list[_Split]) -> npt.NDArray[np.intp]:
    """The outcomes of a tree's splits for each row, as the bits of a number."""
    cells = rows.astype(np.float32)
    outcomes = np.zeros(len(rows), np.intp)
    for bit, split in enumerate(splits):
        column = cells[:, split.column]
        outcomes |= ((column < split.threshold) | (np.isnan(column) & split.missing)).astype(np.intp) << bit
    return outcomes


def _matrix(rows: Matrix) -> Any:
    return xgboost.DMatrix(rows, nthread=1)
