"""Encoders of one column each, fitted on rows that a model may see, kept as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from training.specification import Column
from training.typed import MISSING_CODE, Categories, Numbers, Typed

Matrix = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

ONE_HOT_MOST = 12
"""A category of more values than this is encoded by the rate of positives of each value (Micci-Barreca 2001)."""

RARE = 5
"""Values of fewer rows are no column of their own: they count as another value."""

SMOOTHING = 20.0
"""So many rows of the overall rate are added to each value's own."""

TARGET_FOLDS = 5
SEED = 20260101


class Encoder(Protocol):
    """One column's encoder."""

    kind: ClassVar[str]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns it gives."""

    def encode(self, column: Typed) -> Matrix:
        """(n, len(names)). What was not seen is told apart from what is missing wherever missing was seen."""


@dataclass(frozen=True, slots=True)
class NumberEncoder:
    """A number as it is; missing is NaN."""

    kind: ClassVar[str] = "number"
    column: str

    @property
    def names(self) -> tuple[str, ...]:
        """The column's own."""
        return (self.column,)

    def encode(self, column: Typed) -> Matrix:
        """(n, 1)."""
        assert isinstance(column, Numbers)
        return column.values[:, None]


@dataclass(frozen=True, slots=True)
class OneHotEncoder:
    """A column of noughts and ones for each level, and one for missing where it was seen. Of two levels the second is
    enough.
    """

    kind: ClassVar[str] = "one_hot"
    column: str
    levels: tuple[str, ...]
    missing: bool

    @property
    def _told(self) -> tuple[str, ...]:
        return self.levels[1:] if len(self.levels) == 2 and not self.missing else self.levels

    @property
    def names(self) -> tuple[str, ...]:
        """`column=level`."""
        return tuple(f"{self.column}={level}" for level in self._told) + (
            (f"{self.column} missing",) if self.missing else ()
        )

    def encode(self, column: Typed) -> Matrix:
        """(n, levels)."""
        place = {level: at for at, level in enumerate(self._told)}
        width = len(self.names)
        # One row more for what has no column: a level that was not seen, or was rare.
        of_code = np.zeros((len(_levels(column)) + 1, width))
        for code, level in enumerate(_levels(column)):
            if level in place:
                of_code[code, place[level]] = 1.0
        if self.missing:
            of_code[MISSING_CODE, width - 1] = 1.0
        return of_code[_codes(column)]


@dataclass(frozen=True, slots=True)
class LabelEncoder:
    """A level's place in the order of the rates of positives; missing is NaN, and so is what was not seen."""

    kind: ClassVar[str] = "label"
    column: str
    levels: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The column's own."""
        return (self.column,)

    def encode(self, column: Typed) -> Matrix:
        """(n, 1)."""
        place = {level: float(at) for at, level in enumerate(self.levels)}
        of_code = np.array([*(place.get(level, np.nan) for level in _levels(column)), np.nan])
        return of_code[_codes(column)][:, None]


@dataclass(frozen=True, slots=True)
class TargetEncoder:
    """The rate of positives of each level, drawn towards the overall rate; what was not seen has the overall rate."""

    kind: ClassVar[str] = "target"
    column: str
    rates: Mapping[str, float]
    missing: float
    overall: float

    @property
    def names(self) -> tuple[str, ...]:
        """`rate of column`."""
        return (f"rate of {self.column}",)

    def encode(self, column: Typed) -> Matrix:
        """(n, 1)."""
        of_code = np.array([*(self.rates.get(level, self.overall) for level in _levels(column)), self.missing])
        return of_code[_codes(column)][:, None]


KINDS: Mapping[str, type[Any]] = {one.kind: one for one in (NumberEncoder, OneHotEncoder, LabelEncoder, TargetEncoder)}
"""By the name that stands in a bundle."""


def fit_encoder(name: str, specified: Column | None, column: Typed, labels: Labels) -> Encoder:
    """The encoder of a column, fitted on all rows given."""
    if isinstance(column, Numbers):
        return NumberEncoder(name)
    counts = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)
    seen = [at for at in range(len(column.levels)) if counts[at + 1]]
    chosen = (specified and specified.encoding) or ("one_hot" if len(seen) <= ONE_HOT_MOST else "target")
    if chosen == "one_hot":
        kept = tuple(column.levels[at] for at in seen if counts[at + 1] >= RARE)
        return OneHotEncoder(name, kept, bool(counts[0]))
    rates, missing, overall = _rates(column, labels)
    if chosen == "target":
        return TargetEncoder(name, {column.levels[at]: rates[at] for at in seen}, missing, overall)
    order = sorted(seen, key=lambda at: (rates[at], column.levels[at]))
    return LabelEncoder(name, tuple(column.levels[at] for at in order))


def encode_seen(encoder: Encoder, column: Typed, labels: Labels) -> Matrix:
    """Rows that the encoder was fitted on. A rate that holds a row's own label would tell it: each row has that of the
    other folds.
    """
    if not isinstance(encoder, TargetEncoder):
        return encoder.encode(column)
    assert isinstance(column, Categories)
    fold = np.random.default_rng(SEED).permutation(len(labels)) % TARGET_FOLDS
    encoded = np.empty((len(labels), 1))
    for held in range(TARGET_FOLDS):
        out, other = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
        rates, missing, _ = _rates(column.rows(other), labels[other])
        encoded[out, 0] = np.array([*rates, missing])[column.codes[out]]
    return encoded


def as_json(encoder: Encoder) -> dict[str, Any]:
    """An encoder as a bundle holds it."""
    return {"kind": encoder.kind, **asdict(encoder)}  # type: ignore[call-overload]


def from_json(content: Mapping[str, Any]) -> Encoder:
    """The encoder that `as_json` gave. KeyError or TypeError for anything else."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in content.items()
    }
    made: Encoder = KINDS[fields.pop("kind")](**fields)
    return made


def _rates(column: Categories, labels: Labels) -> tuple[list[float], float, float]:
    """The smoothed rate of each level, that of missing, and the overall one, without the digits that sums differ in."""
    overall = float(labels.mean()) if len(labels) else 0.5
    rows = np.bincount(column.codes + 1, minlength=len(column.levels) + 1)
    positives = np.bincount(column.codes + 1, weights=labels, minlength=len(column.levels) + 1)
    rates = [float(f"{rate:.12g}") for rate in (positives + SMOOTHING * overall) / (rows + SMOOTHING)]
    return rates[1:], rates[0], float(f"{overall:.12g}")


def _levels(column: Typed) -> tuple[str, ...]:
    assert isinstance(column, Categories)
    return column.levels


def _codes(column: Typed) -> Labels:
    assert isinstance(column, Categories)
    return column.codes
