"""The threshold from stated costs: what a decision earns, the bands that follow, and how much hangs on each cost."""

import re
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from schemas.problem import Problem
from scoring.policy_document import parse_policy
from scoring.shipped import shipped_policy_text

Vector = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

PER = 1_000
"""Profits are told per so many applicants."""

CURVE = np.round(np.arange(0, 100) / 100, 2)
"""Thresholds of the profit curve."""

FACTORS = (0.5, 2.0)
"""By which each cost is multiplied, to see what hangs on it."""

_LEAST, _DIGITS = 1e-4, 4


@dataclass(frozen=True, slots=True)
class Costs:
    """In one unit: a positive that is approved earns `gain`, a negative that is approved costs `loss`, and a person's
    look at one applicant costs `review`. The person is taken to be right.
    """

    gain: float
    loss: float
    review: float

    def __post_init__(self) -> None:
        """Raises Problem for a cost that is none."""
        for one in fields(self):
            value = getattr(self, one.name)
            if not np.isfinite(value) or value <= 0:
                raise Problem(f"{one.name}: expected a number above 0")

    @property
    def cut(self) -> float:
        """The probability above which an approval earns more than a decline."""
        return self.loss / (self.gain + self.loss)

    def bands(self) -> tuple[float, float]:
        """(approve, decline): above the first approve, up to the second decline, between them a person decides.

        Where a review never pays both are the one cut.

        >>> Costs(gain=1, loss=5, review=0.25).bands(), Costs(gain=1, loss=1, review=1).bands()
        ((0.95, 0.25), (0.5, 0.5))
        """
        approve, decline = 1 - self.review / self.loss, self.review / self.gain
        if approve <= decline:
            approve = decline = self.cut
        return min(round(approve, _DIGITS), 1 - _LEAST), max(round(decline, _DIGITS), 0.0)

    def times(self, name: str, factor: float) -> "Costs":
        """With one of them multiplied."""
        return replace(self, **{name: getattr(self, name) * factor})

    def profit(self, p: Vector, labels: Labels, bands: tuple[float, float]) -> float:
        """What `bands` earn per `PER` applicants."""
        approved, referred = p > bands[0], (p > bands[1]) & (p <= bands[0])
        good = labels == 1
        earned = self.gain * (good & (approved | referred)).sum() - self.loss * (~good & approved).sum()
        return float(earned - self.review * referred.sum()) * PER / p.size


DEFAULT_COSTS = Costs(gain=1, loss=5, review=0.25)
"""Nobody's: a bank states its own."""


def threshold_study(p: npt.NDArray[np.float64], labels: Labels, costs: Costs, standard: tuple[float, float]) -> Any:
    """What follows from `costs` for cross-fitted probabilities, (repeats, n): bands, the profit of them, of one cut and
    of the `standard` bands; the profit curve; and what half and double of each cost would change.
    """
    everyone, of_all = p.ravel(), np.tile(labels, len(p))
    curve = [costs.profit(everyone, of_all, (float(cut), float(cut))) for cut in CURVE]
    best = int(np.argmax(curve))
    as_good = CURVE[np.array(curve) >= curve[best] - 0.01 * abs(curve[best])]
    bands = costs.bands()
    return {
        "costs": asdict(costs),
        "bands": _bands(bands),
        "cut": round(costs.cut, _DIGITS),
        "profit": {
            "bands": costs.profit(everyone, of_all, bands),
            "cut": costs.profit(everyone, of_all, (costs.cut, costs.cut)),
            "standard": costs.profit(everyone, of_all, standard),
            "approve all": costs.profit(everyone, of_all, (-1.0, -1.0)),
            "right every time": costs.gain * PER * float(labels.mean()),
        },
        "curve": [[float(cut), profit] for cut, profit in zip(CURVE, curve, strict=True)],
        "best_on_curve": float(CURVE[best]),
        "within_1_percent": [float(as_good.min()), float(as_good.max())],
        "sensitivity": [
            {"cost": one.name, "times": factor, **_with(everyone, of_all, costs.times(one.name, factor), bands)}
            for one in fields(costs)
            for factor in FACTORS
        ],
    }


def _with(p: Vector, labels: Labels, costs: Costs, bands: tuple[float, float]) -> dict[str, Any]:
    return {
        "bands": _bands(costs.bands()),
        "profit": costs.profit(p, labels, costs.bands()),
        "profit_of_unchanged_bands": costs.profit(p, labels, bands),
    }


def _bands(bands: tuple[float, float]) -> dict[str, float]:
    return {"approve": bands[0], "decline": bands[1]}


def standard_bands() -> tuple[float, float]:
    """Those of the shipped policy `standard`."""
    bands = parse_policy(shipped_policy_text("standard")).bands
    return bands.approve, bands.decline


def policy_of(costs: Costs, name: str) -> str:
    """The shipped policy `standard` with the bands that follow from `costs`: a document that `policy check` takes."""
    approve, decline = costs.bands()
    said = (
        f"# Bands from stated costs: a good loan earns {costs.gain:g}, a bad one costs {costs.loss:g}, a review "
        f"{costs.review:g}.\n# The rest is policy standard's. Penalties lower the score before the bands are asked.\n"
    )
    text = re.sub(r"(?m)^name: .*$", f"name: {name}", shipped_policy_text("standard"), count=1)
    bands = f"bands: {{approve: {_plain(approve)}, decline: {_plain(decline)}}}"
    text = said + re.sub(r"(?m)^bands: \{.*\}", bands, text, count=1)
    written = parse_policy(text)
    if (written.name, written.bands.approve, written.bands.decline) != (name, approve, decline):
        raise Problem("the bands could not be written into policy standard")
    return text


def _plain(number: float) -> str:
    return f"{number:.{_DIGITS}f}".rstrip("0").rstrip(".")
