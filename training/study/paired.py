"""Whether two models of the same rows differ by more than chance: three tests, each for what it is meant for."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference with its 95 % interval and two-sided p-value."""

    value: float
    low: float
    high: float
    p_value: float


def of_folds(differences: Vector, held_out_share: float) -> Difference:
    """The corrected resampled t-test (Nadeau and Bengio 2003) of one difference a fold.

    Folds share most of what models were trained on, so their differences are not independent: the variance is enlarged
    by held out / seen. `held_out_share` is 1 / folds.

    >>> of_folds(np.array([0.01, 0.01, 0.01]), 0.2).p_value
    0.0
    """
    count, mean = len(differences), float(differences.mean())
    enlarged = (1 / count + held_out_share / (1 - held_out_share)) * float(differences.var(ddof=1))
    error = math.sqrt(enlarged)
    if error < 1e-15:
        return Difference(mean, mean, mean, 0.0 if abs(mean) > 1e-15 else 1.0)
    reach = float(stats.t.ppf(0.975, count - 1)) * error
    p_value = 2 * float(stats.t.sf(abs(mean) / error, count - 1))
    return Difference(mean, mean - reach, mean + reach, p_value)


def of_calls(right: npt.NDArray[np.bool_], other_right: npt.NDArray[np.bool_]) -> float:
    """McNemar's exact p-value of the rows that one model alone gets right."""
    one, other = int((right & ~other_right).sum()), int((other_right & ~right).sum())
    return float(stats.binomtest(one, one + other).pvalue) if one + other else 1.0


def of_order(p: Vector, other: Vector, labels: Labels) -> Difference:
    """DeLong's test of two AUCs on the same rows (DeLong et al. 1988): the first less the second."""
    (auc, v10, v01), (other_auc, other_v10, other_v01) = (_placements(one, labels) for one in (p, other))
    variance = (v10 - other_v10).var(ddof=1) / len(v10) + (v01 - other_v01).var(ddof=1) / len(v01)
    value, error = auc - other_auc, math.sqrt(float(variance))
    if error < 1e-15:
        return Difference(value, value, value, 0.0 if abs(value) > 1e-15 else 1.0)
    reach = float(stats.norm.ppf(0.975)) * error
    return Difference(value, value - reach, value + reach, 2 * float(stats.norm.sf(abs(value) / error)))


def holm(p_values: list[float]) -> list[float]:
    """P-values corrected for their number (Holm 1979), in the order given.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    corrected, least = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order.tolist()):
        least = max(least, min(1.0, p_values[at] * (len(p_values) - rank)))
        corrected[at] = least
    return corrected


def _placements(p: Vector, labels: Labels) -> tuple[float, Vector, Vector]:
    """The AUC, for each positive the share of negatives below it, for each negative the share of positives above."""
    positives, negatives = p[labels == 1], p[labels == 0]
    ranks, of_positives, of_negatives = (stats.rankdata(one) for one in (p, positives, negatives))
    v10 = (ranks[labels == 1] - of_positives) / len(negatives)
    v01 = 1 - (ranks[labels == 0] - of_negatives) / len(positives)
    return float(v10.mean()), v10, v01
