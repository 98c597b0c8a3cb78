"""The typical approved applicant of training data: what principal reasons are measured against."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from scoring.features import FEATURES


def typical_approved(
    names: Sequence[str], rows: npt.NDArray[np.float64], approved: npt.NDArray[np.int64]
) -> dict[str, float]:
    """The median of each feature over the approved rows, (n, k) in the order of `names`: `typical_approved` of a
    bundle's manifest. A feature that all of them lack is left out.

    A value that nobody can have (half a dependent) is the next lower that somebody can: it is told to applicants.

    >>> typical_approved(["dependents"], np.array([[0.0], [1.0], [2.0], [5.0]]), np.array([1, 1, 1, 1]))
    {'dependents': 1.0}
    """
    chosen = rows[approved == 1]
    seen = {name: column[~np.isnan(column)] for name, column in zip(names, chosen.T, strict=True)}
    return {
        name: float(np.quantile(column, 0.5, method="linear" if FEATURES[name].values.step is None else "lower"))
        for name, column in seen.items()
        if column.size
    }
