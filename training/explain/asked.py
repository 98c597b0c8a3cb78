"""A model that can be asked: what every explanation needs of one."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scoring.booster import xgboost
from training.calibration import probability

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]


class Asked(Protocol):
    """A trained model with its calibrator."""

    @property
    def names(self) -> Sequence[str]:
        """Of the columns."""

    def log_odds(self, rows: Matrix) -> Vector:
        """Calibrated log-odds of the positive class, (n,)."""

    def contributions(self, rows: Matrix) -> Matrix:
        """Of each feature to the calibrated log-odds, exact (TreeSHAP), (n, k); with a constant they sum to them."""


class PlattBooster:
    """An XGBoost model with Platt's a and b."""

    def __init__(self, booster: Any, names: Sequence[str], a: float, b: float) -> None:
        self._booster, self.names, self._a, self._b = booster, tuple(names), a, b

    def log_odds(self, rows: Matrix) -> Vector:
        """Calibrated log-odds, (n,)."""
        margins = self._booster.predict(self._data(rows), output_margin=True).astype(np.float64)
        return np.asarray(self._a * margins + self._b)

    def contributions(self, rows: Matrix) -> Matrix:
        """Exact contributions, (n, k)."""
        found = self._booster.predict(self._data(rows), pred_contribs=True).astype(np.float64)
        return np.asarray(self._a * found[:, :-1])

    def _data(self, rows: Matrix) -> Any:
        return xgboost.DMatrix(rows, nthread=1)


def probabilities(model: Asked, rows: Matrix) -> Vector:
    """Calibrated probabilities of the positive class, (n,)."""
    return probability(model.log_odds(rows))
