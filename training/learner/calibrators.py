"""From log-odds to probabilities: as they are, by Platt's curve, the beta curve, or steps; what holds is chosen."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from training.calibration import fit_platt, probability
from training.folds import Labels
from training.splits import fold_of, splits

Vector = npt.NDArray[np.float64]

FOLDS = 5
SEED = 20260101
LEAST = 1e-6
"""No probability is nearer to 0 or 1: rows that none like them contradicted prove no certainty."""

STEPS_LEAST_ROWS = 5_000
"""Steps are tried on no fewer rows: with less they follow noise."""


class Calibrator(Protocol):
    """A rising curve from log-odds to probabilities."""

    kind: ClassVar[str]

    def calibrated(self, margins: Vector) -> Vector:
        """Probabilities, (n,)."""


@dataclass(frozen=True, slots=True)
class AsTheyAre:
    """The log-odds are taken at their word."""

    kind: ClassVar[str] = "none"

    def calibrated(self, margins: Vector) -> Vector:
        """Probabilities."""
        return _bounded(probability(margins))


@dataclass(frozen=True, slots=True)
class PlattCurve:
    """Log-odds = a * margin + b (Platt 1999)."""

    kind: ClassVar[str] = "platt"
    a: float
    b: float

    def calibrated(self, margins: Vector) -> Vector:
        """Probabilities."""
        return _bounded(probability(self.a * margins + self.b))


@dataclass(frozen=True, slots=True)
class BetaCurve:
    """Log-odds = a * log(p) - b * log(1 - p) + c (Kull, Silva Filho and Flach 2017); a and b are at least 0."""

    kind: ClassVar[str] = "beta"
    a: float
    b: float
    c: float

    def calibrated(self, margins: Vector) -> Vector:
        """Probabilities."""
        return _bounded(probability(self.a * _log_p(margins) + self.b * _log_p(-margins) * -1.0 + self.c))


@dataclass(frozen=True, slots=True)
class Steps:
    """Isotonic regression, straight lines between its knots."""

    kind: ClassVar[str] = "isotonic"
    margins: tuple[float, ...]
    rates: tuple[float, ...]

    def calibrated(self, margins: Vector) -> Vector:
        """Probabilities."""
        return _bounded(np.interp(margins, self.margins, self.rates))


KINDS: Mapping[str, type[Any]] = {one.kind: one for one in (AsTheyAre, PlattCurve, BetaCurve, Steps)}
"""By the name that stands in a bundle."""


def _fit_as_they_are(margins: Vector, labels: Labels) -> Calibrator:
    del margins, labels
    return AsTheyAre()


def _fit_platt(margins: Vector, labels: Labels) -> Calibrator | None:
    a, b = fit_platt(margins, labels)
    return PlattCurve(_short(a), _short(b)) if a > 0 else None


def _fit_beta(margins: Vector, labels: Labels) -> Calibrator | None:
    inputs = np.column_stack([_log_p(margins), -_log_p(-margins)])
    fitted = LogisticRegression(C=1e4, solver="newton-cholesky", max_iter=100).fit(inputs, labels)
    a, b = fitted.coef_[0]
    return BetaCurve(_short(a), _short(b), _short(fitted.intercept_[0])) if min(a, b) > 0 else None


def _fit_steps(margins: Vector, labels: Labels) -> Calibrator | None:
    if len(labels) < STEPS_LEAST_ROWS:
        return None
    fitted = IsotonicRegression(out_of_bounds="clip").fit(margins, labels)
    # Middles of the flat parts, joined by lines: whoever scores more has more, and ties are few.
    knots, rates = fitted.X_thresholds_, fitted.y_thresholds_
    levels, first = np.unique(rates, return_index=True)
    last = np.append(first[1:], len(rates)) - 1
    middles = (knots[first] + knots[last]) / 2
    if len(levels) < 2:
        return None
    return Steps(tuple(map(_short, middles)), tuple(map(_short, levels)))


FITS: tuple[Callable[[Vector, Labels], Calibrator | None], ...] = (
    _fit_as_they_are,
    _fit_platt,
    _fit_beta,
    _fit_steps,
)
"""From the fewest parameters to the most; a later one has to be better to be chosen."""


def choose_calibrator(margins: Vector, labels: Labels) -> Calibrator:
    """The curve whose loss, fitted on other folds of these rows, is least; a simpler one within one standard error of
    the difference is as good.
    """
    fold = fold_of(labels, np.arange(len(labels)), FOLDS, SEED)
    best: Vector | None = None
    chosen = FITS[0]
    for fit in FITS:
        losses = np.empty(len(labels))
        for seen, held in splits(fold):
            curve = fit(margins[seen], labels[seen])
            if curve is None:
                break
            losses[held] = _losses(curve.calibrated(margins[held]), labels[held])
        else:
            gained = None if best is None else best - losses
            if gained is None or gained.mean() > gained.std() / np.sqrt(len(gained)):
                best, chosen = losses, fit
    return chosen(margins, labels) or AsTheyAre()


def as_json(calibrator: Calibrator) -> dict[str, Any]:
    """As a bundle holds it."""
    return {"kind": calibrator.kind, **asdict(calibrator)}  # type: ignore[call-overload]


def from_json(content: Mapping[str, Any]) -> Calibrator:
    """The curve that `as_json` gave. KeyError or TypeError for anything else."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    made: Calibrator = KINDS[fields.pop("kind")](**fields)
    return made


def _losses(p: Vector, labels: Labels) -> Vector:
    return -np.log(np.where(labels == 1, p, 1 - p))


def _log_p(margins: Vector) -> Vector:
    """Log of the probability of given log-odds."""
    return -np.logaddexp(0.0, -margins)


def _bounded(p: Vector) -> Vector:
    return np.clip(p, LEAST, 1 - LEAST)


def _short(value: float) -> float:
    return float(f"{value:.12g}")
