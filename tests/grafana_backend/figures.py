"""An answer, whoever brought it, as columns of a kind and rows of plain values; and as the points of a chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboards.preview.answers import _type as kind_of
from dashboards.preview.answers import plain
from dashboards.preview.asking import Found
from tests.grafana_backend.backend import Frame

FRAME_KINDS = {"time.Time": "time", "string": "text", "bool": "text", "json.RawMessage": "text"}
"""Type of a frame's field -> what it is to a panel; the others are numbers."""


@dataclass(frozen=True)
class Figures:
    """Name and kind (`time`, `number`, `text`) of the columns, and the rows in the answer's order."""

    columns: list[tuple[str, str]]
    rows: list[list[Any]]


def of_preview(found: Found) -> Figures:
    """What the preview gets."""
    columns = list(zip(found.names, map(kind_of, found.types), strict=True))
    return Figures(columns, [[plain(value) for value in row] for row in found.rows])


def of_frame(frame: Frame) -> Figures:
    """What Grafana gets. ValueError where rows are missing."""
    if len(frame.first) != frame.rows:
        raise ValueError("not every row was asked for")
    columns = [(field["name"], FRAME_KINDS.get(field["type"].lstrip("*"), "number")) for field in frame.fields]
    kinds = [kind for _, kind in columns]
    return Figures(columns, [[_plain(*pair) for pair in zip(kinds, row, strict=True)] for row in frame.first])


def points(figures: Figures, labels: Sequence[str] = ()) -> dict[tuple[Any, ...], float]:
    """(time, series, column) -> number, of rows with a time: what a chart draws. ValueError for a point drawn twice.

    A frame in the wide form has a column a series; `labels` are theirs, "" for none. Rows in the long form name it.
    """
    kinds = [kind for _, kind in figures.columns]
    time, texts = kinds.index("time"), [place for place, kind in enumerate(kinds) if kind == "text"]
    found: dict[tuple[Any, ...], float] = {}
    for row in figures.rows:
        series = "|".join(str(row[place]) for place in texts)
        for place, ((name, kind), value) in enumerate(zip(figures.columns, row, strict=True)):
            if kind != "number" or value is None:
                continue
            point = (row[time], labels[place] if labels else series, name)
            if point in found:
                raise ValueError(f"two values for one point of {name}")
            found[point] = value
    return found


def labels(frame: Frame) -> list[str]:
    """The series of each field of a wide frame."""
    return ["|".join((field.get("labels") or {}).values()) for field in frame.fields]


def _plain(kind: str, value: Any) -> Any:
    if kind == "number":
        return value if not isinstance(value, str) and value is not None and math.isfinite(value) else None
    if kind == "time" and value is not None:
        return plain(datetime.fromisoformat(value))
    return plain(value)
