"""The reference of principal reasons: a typical approved application.

What a factor cost is measured against it, as a lender's practice and Regulation B's commentary (12 CFR 1002, supplement
I, 9(b)(2)) have it: against what applicants get who were approved. A bundle that states its typical approved applicant
(`training.typical`) is taken at its word. For others it is the median, feature by feature, of those of its golden
vectors whom the model approves: they span the training data and are nobody's.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoring.bundle import Bundle, sigmoid
from scoring.features import FEATURES

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Reference:
    """`values` and `contributions` are in the bundle's order; the latter and `margin` are unscaled, as in `Raw`.
    `probability` is calibrated.
    """

    values: Vector
    contributions: Vector
    margin: float
    probability: float


def reference_of(bundle: Bundle, approve: float) -> Reference:
    """The typical approved applicant of a bundle, for a policy that approves above `approve`: the first of the
    candidates whom it approves, before penalties. Where it approves none of them, the one with the highest score.
    """
    candidates = np.array(list(_candidates(bundle, approve)))
    raw = bundle.raw(candidates)
    chances = [sigmoid(bundle.a * margin + bundle.b) for margin in raw.margin.tolist()]
    at = next((at for at, chance in enumerate(chances) if chance > approve), int(np.argmax(chances)))
    return Reference(candidates[at], raw.contributions[at], float(raw.margin[at]), chances[at])


def _candidates(bundle: Bundle, approve: float) -> Iterator[Vector]:
    if bundle.typical:
        yield np.array([bundle.typical.get(name, math.nan) for name in bundle.features])
    golden = np.array(bundle.golden)
    complete = golden[~np.isnan(golden).all(axis=1)] if (~np.isnan(golden).all(axis=1)).any() else golden
    margins = bundle.margins(complete)
    passing = complete[[sigmoid(bundle.a * margin + bundle.b) > approve for margin in margins.tolist()]]
    if len(passing):
        # A column that is missing throughout has no median, and stays missing.
        yield np.array([_median(name, one) for name, one in zip(bundle.features, passing.T, strict=True)])
    yield from complete[np.argsort(-margins, kind="stable")]


def _median(name: str, column: Vector) -> float:
    """A value that somebody can have: no half of what comes in whole steps."""
    if np.isnan(column).all():
        return math.nan
    return float(np.nanquantile(column, 0.5, method="linear" if FEATURES[name].values.step is None else "lower"))
