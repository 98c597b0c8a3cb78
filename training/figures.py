"""The figures of a model card, from probabilities and labels."""

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score, roc_curve

BINS = 15
ECE_BINS: dict[str, int | str] = {"number": BINS, "kind": "equal width"}
"""The bins of the ECE, as a card says them: another number, or bins of equal size, would give another figure."""


def figures(p: npt.NDArray[np.float64], approved: npt.NDArray[np.int64]) -> dict[str, float]:
    """Accuracy at 0.5, AUC, Gini, KS, log loss, Brier score and ECE (15 equal-width bins) of out-of-fold
    probabilities of approval.
    """
    auc = float(roc_auc_score(approved, p))
    false_positive, true_positive, _ = roc_curve(approved, p)
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    loss = -(approved * np.log(clipped) + (1 - approved) * np.log(1 - clipped)).mean()
    return {
        "accuracy": float(((p > 0.5) == (approved == 1)).mean()),
        "auc": auc,
        "gini": 2 * auc - 1,
        "ks": float((true_positive - false_positive).max()),
        "log_loss": float(loss),
        "brier": float(((p - approved) ** 2).mean()),
        "ece": expected_calibration_error(p, approved),
    }


def expected_calibration_error(p: npt.NDArray[np.float64], approved: npt.NDArray[np.int64]) -> float:
    """Mean distance between probability and approval rate over equal-width bins, weighted by their size."""
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(p[bins == b].mean() - approved[bins == b].mean())) * float((bins == b).mean())
        for b in range(BINS)
        if (bins == b).any()
    ]
    return float(sum(gaps))
