"""Points: model, penalties and policy in one currency, which adds up.

log-odds of a probability p are ln(p / (1 - p)), with p clipped to [1e-6, 1 - 1e-6] for this purpose alone; a policy's
`points.factor` turns them into points. Every number of points is rounded to 1e-6, and the row `numerical_residual`
takes what is left, so that the rows sum to final - base.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.reasons import NUMERICAL_RESIDUAL, REASONS
from scoring.bundle import Bundle, Raw
from scoring.features import FEATURES, POSITION
from scoring.policy import Points

CLIP = 1e-6
UNREGISTERED = "A document reader reported a finding of this code."

Row = dict[str, Any]

_POINTS = itemgetter("points")


def log_odds(probability: float) -> float:
    """Log-odds of a probability, clipped so that they stay finite."""
    p = CLIP if probability < CLIP else min(probability, 1 - CLIP)
    return math.log(p / (1 - p))


@dataclass(frozen=True, slots=True)
class Wording:
    """A reason code's sentence, cut where the applicant's value goes."""

    code: str
    before: str
    after: str | None

    @classmethod
    def of(cls, code: str, own: str | None = None, bound: float = math.nan) -> "Wording":
        """The wording of a code: the policy's `own` sentence, else the registry's, which may name the policy's `bound`,
        a share.

        A finding of a newer reader may not be registered yet; it still counts.
        """
        sentence = own or (REASONS[code].sentence if code in REASONS else UNREGISTERED)
        sentence = sentence.replace("{bound}", f"{100 * bound:.12g} %")
        before, value, after = sentence.partition("{value}")
        return cls(code, before, after if value else None)

    def text(self, value: str) -> str:
        """The sentence about `value`."""
        return self.before if self.after is None else f"{self.before}{value}{self.after}"

    def points(self, points: float | None, value: str | None) -> Row:
        """A row of the explanation that counts points (a `schemas.decision.Reason`)."""
        return {
            "code": self.code,
            "text": self.before if value is None else self.text(value),
            "points": points,
            "decisive": False,
            "value": value,
        }

    def decisive(self, value: str | None) -> Row:
        """A row of the explanation that decided by itself."""
        return {
            "code": self.code,
            "text": self.before if value is None else self.text(value),
            "points": None,
            "decisive": True,
            "value": value,
        }


class Explainer:
    """Turns contributions and penalties of one (bundle, points) into rows of an explanation."""

    def __init__(self, bundle: Bundle, points: Points) -> None:
        self._zero, self._factor = points.score, points.factor
        self._scale = bundle.a * points.factor
        self._shift = points.score + points.factor * bundle.b
        self._used = bundle.used
        self._features = [_feature_wording(bundle.features[at]) for at in self._used]
        self._residual = Wording.of(NUMERICAL_RESIDUAL)

    def base_points(self, raw: Raw) -> list[float]:
        """Where each applicant starts: the points of the model's average."""
        points: list[float] = _rounded(raw.bias * self._scale + self._shift)
        return points

    def model_points(self, raw: Raw) -> list[list[float]]:
        """Points of each feature that the model looks at for each applicant, in the bundle's order."""
        points: list[list[float]] = _rounded(raw.contributions[:, self._used] * self._scale)
        return points

    def final_points(self, score: float) -> float:
        """The points of a policy score."""
        return round(self._zero + self._factor * log_odds(score), 6)

    def penalty_points(self, before: float, after: float) -> float:
        """The points by which a penalty moves the score from `before` to `after`."""
        return round(self._factor * (log_odds(after) - log_odds(before)), 6)

    def feature_rows(self, values: Sequence[float], points: Sequence[float]) -> list[Row]:
        """A row for each feature that moved the score; one that did not is no reason.

        `values` are of the whole table of features, `points` of those that the model looks at.
        """
        rows, wordings = [], self._features
        for index, moved in enumerate(points):
            if moved:
                column, show, code, before, after = wordings[index]
                value = values[column]
                shown = show(value) if value == value else "missing"  # noqa: PLR0124 - the fastest test for NaN
                text = f"{before}{shown}{after}"
                rows.append({"code": code, "text": text, "points": moved, "decisive": False, "value": shown})
        return rows

    def residual_row(self, base: float, final: float, rows: Sequence[Row]) -> list[Row]:
        """The row of what rounding leaves, none where it leaves nothing."""
        left = round(final - base - sum(map(_POINTS, rows)), 6)
        return [self._residual.points(left, None)] if left else []


def _feature_wording(name: str) -> tuple[int, Callable[[float], str], str, str, str]:
    """Where a feature's value stands, how it is shown, its code, and its sentence before and after the value."""
    feature = FEATURES[name]
    wording = Wording.of(feature.reason)
    return POSITION[name], feature.show, wording.code, wording.before, wording.after or ""


def _rounded(values: npt.NDArray[np.float64]) -> Any:
    # Any: a list, or a list of lists, by the array's shape. + 0.0 turns -0.0 into 0.0: one number, one text.
    return (np.round(values, 6) + 0.0).tolist()
