"""XGBoost's exact contributions, looked up instead of computed again for every applicant.

A small tree tells applicants apart by the outcomes of its few splits alone: applicants with the same outcomes have the
same contributions from it. So each tree of a small model is asked once, at load, for every combination of outcomes that
an applicant can have; afterwards an applicant's contributions are one row per tree, added in XGBoost's order and in its
float32. The bits are those of `predict(pred_contribs=True)`; a larger model answers for itself.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scoring.booster import xgboost

MAX_SPLITS = 8
"""Of a tree that is tabulated: its table has 2**splits rows."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ContributionTables:
    """The tables of a model of t trees over k features, each padded to s splits.

    `columns`, `thresholds`, `missing`: feature, threshold and the outcome for a missing value of each split, (t * s).
    `rows`: contributions by tree and outcomes, (t, 2**s, k). `bias`: the same for every applicant.
    """

    columns: npt.NDArray[np.intp]
    thresholds: Floats
    missing: npt.NDArray[np.bool_]
    rows: Floats
    bias: np.float32

    @classmethod
    def of(cls, booster: Any) -> "ContributionTables | None":
        """The tables of a booster; None where one of its trees has more splits than `MAX_SPLITS`."""
        model = orjson.loads(bytes(booster.save_raw("json")))["learner"]["gradient_booster"]["model"]
        trees = [_splits(tree) for tree in model["trees"]]
        width = max((len(splits) for splits in trees), default=0)
        if not 0 < width <= MAX_SPLITS:
            return None
        features = booster.num_features()
        # Padding: a comparison with minus infinity is never true, so the outcome is a zero bit.
        padded = [splits + [_Split(0, np.float32(-np.inf), False)] * (width - len(splits)) for splits in trees]
        flat = [split for splits in padded for split in splits]
        rows = np.zeros((len(trees), 2**width, features), np.float32)
        for number, splits in enumerate(trees):
            seen = _representatives(splits, features)
            answers = booster[number : number + 1].predict(_matrix(seen), pred_contribs=True)
            rows[number, _outcomes(seen, splits)] = answers[:, :-1]
        bias = booster.predict(_matrix(np.zeros((1, features))), pred_contribs=True)[0, -1]
        return cls(
            np.array([split.column for split in flat]),
            np.array([split.threshold for split in flat], np.float32),
            np.array([split.missing for split in flat]),
            rows,
            bias,
        )

    def contributions(self, features: npt.NDArray[np.float64]) -> Floats:
        """Contributions of (n, k) rows, (n, k); missing is NaN."""
        trees, size, _ = self.rows.shape
        # XGBoost, too, compares in float32.
        cells = features.astype(np.float32)[:, self.columns]
        outcomes = (cells < self.thresholds) | (np.isnan(cells) & self.missing)
        bits = 1 << np.arange(size.bit_length() - 1)
        patterns = outcomes.reshape(len(features), trees, -1) @ bits
        total = np.zeros(features.shape, np.float32)
        for tree in range(trees):
            total += self.rows[tree, patterns[:, tree]]
        return total


@dataclass(frozen=True, slots=True)
class _Split:
    """One node of a tree: whether `feature < threshold`; `missing` is its outcome for a missing value."""

    column: int
    threshold: np.float32
    missing: bool


def _splits(tree: dict[str, Any]) -> list[_Split]:
    nodes = zip(
        tree["left_children"], tree["split_indices"], tree["split_conditions"], tree["default_left"], strict=True
    )
    return [_Split(column, np.float32(at), bool(left)) for child, column, at, left in nodes if child != -1]


def _representatives(splits: list[_Split], features: int) -> npt.NDArray[np.float64]:
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


def _outcomes(rows: npt.NDArray[np.float64], splits: list[_Split]) -> npt.NDArray[np.intp]:
    """The outcomes of a tree's splits for each row, as the bits of a number."""
    cells = rows.astype(np.float32)
    outcomes = np.zeros(len(rows), np.intp)
    for bit, split in enumerate(splits):
        column = cells[:, split.column]
        outcomes |= ((column < split.threshold) | (np.isnan(column) & split.missing)).astype(np.intp) << bit
    return outcomes


def _matrix(rows: npt.NDArray[np.float64]) -> Any:
    return xgboost.DMatrix(rows, nthread=1)
