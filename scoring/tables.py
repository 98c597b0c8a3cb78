"""The content hashes of the tables that decide beside a model: features and reasons. Part of every bundle's id."""

from functools import cache

import numpy as np

from schemas.reasons import REASONS
from scoring.canonical import canonical_json, sha256
from scoring.features import FEATURES, RAW, Columns

_STEPS = 8


@cache
def table_hashes() -> dict[str, str]:
    """The tables of this version, by name: a decision under the same hashes has the same features and words."""
    return {"features": sha256(_features()), "reasons": sha256(_reasons())}


def _features() -> bytes:
    """Each row with what its formula makes of some fixed applicants: a formula is code and has no other content."""
    raw = _applicants()
    return canonical_json(
        [
            [row.name, row.unit, row.reason, row.direction, [float(value).hex() for value in row.formula(raw)]]
            for row in FEATURES.values()
        ]
    )


def _applicants() -> Columns:
    """Numbers that are nobody's and different in every column, one of them missing in each row."""
    table = np.array([[3.0 + 7.0 * row + 11.0 * column for column in range(len(RAW))] for row in range(_STEPS)])
    table[np.arange(_STEPS), (5 * np.arange(_STEPS)) % len(RAW)] = np.nan
    return dict(zip(RAW, table.T, strict=True))


def _reasons() -> bytes:
    return canonical_json([[row.code, row.source, row.sentence] for row in REASONS.values()])
