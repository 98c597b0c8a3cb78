"""Each kind of panel as a drawing within its box, from the answer that the preview's pages get."""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dashboards.columns import COLUMNS, heading, spaced
from dashboards.panels import Colour, Kind, Panel
from dashboards.preview.svg import (
    INK,
    SOFT,
    Box,
    length,
    line,
    rectangle,
    tag,
    words,
)
from dashboards.preview.units import shown

GREEN, AMBER, RED = "#16877a", "#e0a01b", "#c0432f"
COLOURS: Final[Mapping[Colour, str]] = {
    "green": "#0f7a5f", "yellow": "#8a6500", "orange": "#b05000", "red": "#b3261e", "blue": "#1f6fb5", "text": INK,
}  # fmt: skip
SERIES: Final = ("#2b6cb0", "#d9822b", "#1b9e83", "#a05ab5", "#c9a800", "#5bb0de", "#b3476b", "#6b7885")
MEANT: Final = {
    **dict.fromkeys(("approve", "approved", "match", "agrees", "ok", "repaid", "verified"), GREEN),
    **dict.fromkeys(("refer", "referred", "unverified", "suspicious", "missing", "late", "unreadable"), AMBER),
    "unavailable": SERIES[-1],
    **dict.fromkeys(("decline", "declined", "mismatch", "default", "defaulted", "lost"), RED),
}
BUCKET_MS: Final = 300_000
"""Nothing is counted by less than five minutes."""
MINUTE_MS, DAY_MS = 60_000, 86_400_000
_TICKS_MS: Final = tuple(
    n * MINUTE_MS for n in (1, 2, 5, 10, 15, 30, 60, 180, 360, 720, 1440, 2880, 7200, 10080, 43200)
)
ROW, SMALL = 22.0, 11.5

Answer = Mapping[str, Any]
Point = tuple[float, float]


def stat(panel: Panel, answer: Answer, box: Box) -> Iterator[str]:
    """The last figure of each column of numbers, in its thresholds' colour; what is red says so beside it."""
    columns = [place for place, column in enumerate(answer["columns"]) if column["type"] == "number"]
    for place, own in zip(columns, _beside(box, len(columns)), strict=True):
        name = answer["columns"][place]["name"]
        value = next((row[place] for row in reversed(answer["rows"]) if row[place] is not None), None)
        colour = of_threshold(value, panel)
        drawn = COLOURS[colour] if colour else INK
        text = shown(value, dict(panel.units).get(name, panel.unit), panel.decimals)
        middle = own.y + own.height / 2 + 9
        yield words(own.x, middle, text, 30, drawn, room=own.width, weight=600)
        beneath = heading(name) if len(columns) > 1 else colour if colour in {"red", "orange"} else ""
        yield words(own.x, middle + 20, beneath, SMALL, drawn, room=own.width)


def timeseries(panel: Panel, answer: Answer, box: Box, marks: Sequence[Answer] = ()) -> Iterator[str]:
    """Bars above each other where a panel is stacked, else lines; a dashed line for each mark."""
    series = series_of(answer)
    colours = of_series(list(series))
    at = box.inside(62, 6, 8, 42)
    begins, ends = float(answer["from_ms"]), float(answer["to_ms"])

    def x(ms: float) -> float:
        return at.x + at.width * min(max((ms - begins) / (ends - begins), 0), 1)

    highest = _highest(series, panel)
    top, step = scale(highest, 1.0 if panel.unit == "percentunit" and panel.stacked else None)

    def y(value: float) -> float:
        return at.bottom - at.height * min(max(value / top, 0), 1)

    yield from _axes(panel, at, x, (begins, ends), (top, step))
    if panel.stacked:
        yield from _bars(series, colours, max(answer["interval_ms"], BUCKET_MS), x, y)
    else:
        yield from _lines(series, colours, x, y)
    for mark in marks:
        if begins <= mark["time"] <= ends:
            yield line(x(mark["time"]), at.y, x(mark["time"]), at.bottom, COLOURS["blue"], stroke_dasharray="4 3")
    yield from _legend(series, colours, Box(at.x, box.bottom - 14, at.width, 14))


def barchart(panel: Panel, answer: Answer, box: Box) -> Iterator[str]:
    """A bar for each row, its columns beside or above each other: rows of figures upright, as many others as fit."""
    numbers = [place for place, column in enumerate(answer["columns"]) if column["type"] == "number"]
    if all(_is_figure(row[place]) for row in answer["rows"] for place in range(len(row)) if place not in numbers):
        yield from _upright(panel, answer, numbers, box)
        return
    labels = [place for place in range(len(answer["columns"])) if place not in numbers]
    names = [answer["columns"][place]["name"] for place in numbers]
    colours = of_series(names)
    named = [answer["columns"][place]["name"] for place in labels]
    several = len(numbers) > 1
    at = box.inside(0, 2, 0, 22 if several else 4)
    kept = answer["rows"][: max(int(at.height // 13), 1)]
    high = min(at.height / max(len(kept), 1), ROW + 6)
    size = min(12.5, high - 1.5)
    told = [
        ", ".join(spaced(name, shown(row[place], "none")) for name, place in zip(named, labels, strict=True))
        for row in kept
    ]
    left = min(max((length(text, size) for text in told), default=0) + 10, at.width * 0.45)
    bars = at.inside(left, 0, 62, 0)
    most = max((_reach(panel, [row[place] for place in numbers]) for row in kept), default=0) or 1
    for number, (row, label) in enumerate(zip(kept, told, strict=True)):
        y = at.y + number * high
        yield words(at.x, y + high / 2 + size * 0.36, label, size, room=left - 8)
        values = [max(row[place] or 0, 0) for place in numbers]
        thin = 1 if panel.stacked else max(len(values), 1)
        each, x = (high - 4) / thin, bars.x
        for index, (value, colour) in enumerate(zip(values, colours, strict=True)):
            wide = bars.width * value / most
            top = y + 2 + (0 if panel.stacked else index * each)
            yield rectangle(Box(x, top, wide, max(each - 0.5, 1)), colour)
            x += wide if panel.stacked else 0
        reached = bars.x + bars.width * _reach(panel, values) / most
        said = shown(_reach(panel, values), panel.unit, panel.decimals)
        yield words(reached + 6, y + high / 2 + size * 0.36, said, min(size, SMALL), SOFT)
    if several:
        yield from _legend([*map(heading, names)], colours, Box(at.x, box.bottom - 14, at.width, 14))
    if len(kept) < len(answer["rows"]):
        left_out = f"and {len(answer['rows']) - len(kept):,} more"
        yield words(box.right, box.bottom - 3, left_out, SMALL, SOFT, anchor="end")


def table(panel: Panel, answer: Answer, box: Box) -> Iterator[str]:
    """As many rows as fit, and how many do not."""
    seen, units = _not_once(panel, answer), dict(panel.units)
    columns = [answer["columns"][place] for place in seen]
    room = max(int((box.height - ROW) // ROW), 1)
    rows = [
        [row[place] for place in seen] for row in answer["rows"][: room if len(answer["rows"]) <= room else room - 1]
    ]
    heads = [heading(column["name"]) for column in columns]
    cells = [[_cell(panel, units, column, value) for column, value in zip(columns, row, strict=True)] for row in rows]
    natural = [
        min(max(length(text, 12.5) for text in (head, *(row[place] for row in cells))), 300) + 18
        for place, head in enumerate(heads)
    ]
    wide = [each * box.width / sum(natural) for each in natural]
    for number, texts in enumerate([heads, *cells]):
        y, x = box.y + number * ROW, box.x
        if number:
            yield line(box.x, y, box.right, y)
        for place, text in enumerate(texts):
            figure = columns[place]["type"] == "number"
            fill = SOFT if number == 0 else _chip(panel, columns[place], rows[number - 1][place])
            where = x + wide[place] - 10 if figure else x
            anchor, weight = ("end" if figure else "start"), (600 if fill not in {INK, SOFT} else 400)
            yield words(
                where, y + 15, text, 12.5 if number else SMALL, fill, room=wide[place] - 8, anchor=anchor, weight=weight
            )
            x += wide[place]
    left = len(answer["rows"]) - len(rows)
    if left:
        yield words(box.x, box.y + (len(rows) + 1) * ROW + 15, f"and {left:,} more", SMALL, SOFT)


DRAWN: Final[Mapping[Kind, Callable[..., Iterator[str]]]] = {
    "stat": stat,
    "timeseries": timeseries,
    "barchart": barchart,
    "table": table,
}


def of_threshold(value: Any, panel: Panel) -> Colour | None:
    """The name of the colour that a panel's thresholds give a value; none where there are no thresholds."""
    if value is None or isinstance(value, str) or not panel.thresholds:
        return None
    found: Colour = "green"
    for since, colour in panel.thresholds:
        found = colour if value >= since else found
    return found


def of_series(names: Sequence[str]) -> list[str]:
    """A colour for each series: an outcome's own, or the next one.

    >>> of_series(["approved", "p50", "Declined"])
    ['#16877a', '#2b6cb0', '#c0432f']
    """
    others = [name for name in names if name.lower() not in MEANT]
    return [MEANT.get(name.lower()) or SERIES[others.index(name) % len(SERIES)] for name in names]


def series_of(answer: Answer) -> dict[str, list[Point]]:
    """Name -> its points (milliseconds, value) by time; of a column of texts, a series for each text."""
    columns, found = answer["columns"], dict[str, list[Point]]()
    time = next(place for place, column in enumerate(columns) if column["type"] == "time")
    names = [place for place, column in enumerate(columns) if column["type"] == "text"]
    for row in answer["rows"]:
        prefix = ", ".join(str(row[place]) for place in names)
        for place, column in enumerate(columns):
            if column["type"] == "number":
                points = found.setdefault(prefix or column["name"], [])
                if row[place] is not None and row[time] is not None:
                    points.append((row[time], row[place]))
    return {name: sorted(points) for name, points in found.items()}


def scale(highest: float, at_most: float | None = None) -> tuple[float, float]:
    """The end of an axis from 0, and how far apart its lines stand: round figures.

    >>> [scale(87), scale(0.31), scale(0.97, at_most=1), scale(0)]
    [(100.0, 20.0), (0.4, 0.1), (1.0, 0.25), (1.0, 0.25)]
    """
    if highest <= 0:
        highest = 1.0
    raw = highest / 4.5
    power: float = 10.0 ** math.floor(math.log10(raw))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= raw * 0.999)
    top = round(math.ceil(highest / step * 0.999) * step, 12)
    return (top if at_most is None else min(top, at_most)), step


def _upright(panel: Panel, answer: Answer, numbers: Sequence[int], box: Box) -> Iterator[str]:
    """A distribution: bands from left to right."""
    names = [answer["columns"][place]["name"] for place in numbers]
    colours, rows = of_series(names), answer["rows"]
    at = box.inside(62, 6, 8, 42)
    top, step = scale(max(_reach(panel, [row[place] for place in numbers]) for row in rows))
    yield from _levels(panel, at, top, step)
    wide = at.width / len(rows)
    each = wide * 0.84 if panel.stacked else wide * 0.84 / len(numbers)
    every = math.ceil(38 / wide)
    for number, row in enumerate(rows):
        left, below = at.x + number * wide + wide * 0.08, 0.0
        for index, (place, colour) in enumerate(zip(numbers, colours, strict=True)):
            high = at.height * max(row[place] or 0, 0) / top
            x = left if panel.stacked else left + index * each
            yield rectangle(Box(x, at.bottom - below - high, each, high), colour)
            below += high if panel.stacked else 0
        if number % every == 0:
            label = next(str(value) for place, value in enumerate(row) if place not in numbers)
            yield words(left + wide * 0.42, at.bottom + 16, label, SMALL, SOFT, anchor="middle")
    yield from _legend([*map(heading, names)], colours, Box(at.x, box.bottom - 14, at.width, 14))


def _levels(panel: Panel, at: Box, top: float, step: float) -> Iterator[str]:
    for number in range(int(top / step + 0.001) + 1):
        value, y = number * step, at.bottom - at.height * number * step / top
        yield line(at.x, y, at.right, y)
        yield words(at.x - 6, y + 4, shown(round(value, 9), panel.unit), SMALL, SOFT, anchor="end", room=58)


def _is_figure(value: Any) -> bool:
    return value is not None and re.fullmatch(r"-?\d+(\.\d+)?", str(value)) is not None


def _reach(panel: Panel, values: Sequence[float | None]) -> float:
    """How far a row's bars go."""
    known = [max(value or 0, 0) for value in values]
    return sum(known) if panel.stacked else max(known, default=0)


def _highest(series: Mapping[str, Sequence[Point]], panel: Panel) -> float:
    if not panel.stacked:
        return max((value for points in series.values() for _, value in points), default=0)
    sums: dict[float, float] = {}
    for points in series.values():
        for ms, value in points:
            sums[ms] = sums.get(ms, 0) + max(value, 0)
    return max(sums.values(), default=0)


def _bars(
    series: Mapping[str, Sequence[Point]],
    colours: Sequence[str],
    wide_ms: float,
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> Iterator[str]:
    sums: dict[float, float] = {}
    for points, colour in zip(series.values(), colours, strict=True):
        for ms, value in points:
            below = sums.get(ms, 0)
            sums[ms] = below + max(value, 0)
            left, right = x(ms), x(ms + wide_ms)
            gap = 1 if right - left > 4 else 0
            yield rectangle(Box(left, y(sums[ms]), max(right - left - gap, 0.5), y(below) - y(sums[ms])), colour)


def _lines(
    series: Mapping[str, Sequence[Point]],
    colours: Sequence[str],
    x: Callable[[float], float],
    y: Callable[[float], float],
) -> Iterator[str]:
    for points, colour in zip(series.values(), colours, strict=True):
        if len(points) <= MARKED:
            for ms, value in points:
                yield tag("circle", None, cx=x(ms), cy=y(value), r=2.5, fill=colour)
        drawn = " ".join(f"{x(ms):.1f},{y(value):.1f}" for ms, value in points)
        yield tag("polyline", None, points=drawn, fill="none", stroke=colour, stroke_width=1.6)


MARKED: Final = 40
"""So few points of a line are marked themselves."""


def _axes(
    panel: Panel,
    at: Box,
    x: Callable[[float], float],
    times: tuple[float, float],
    values: tuple[float, float],
) -> Iterator[str]:
    yield from _levels(panel, at, *values)
    begins, ends = times
    most = max(at.width / 90, 2)
    apart = next((each for each in _TICKS_MS if (ends - begins) / each <= most), _TICKS_MS[-1])
    first = math.ceil(begins / apart) * apart
    for ms in range(first, int(ends) + 1, apart):
        form = "%d %b" if apart >= DAY_MS else "%H:%M"
        yield words(
            x(ms), at.bottom + 16, f"{datetime.fromtimestamp(ms / 1000, UTC):{form}}", SMALL, SOFT, anchor="middle"
        )


def _legend(names: Sequence[str] | Mapping[str, Any], colours: Sequence[str], box: Box) -> Iterator[str]:
    x = box.x
    for name, colour in zip(names, colours, strict=True):
        said = name.replace("_", " ")
        if x + 20 > box.right:
            return
        yield rectangle(Box(x, box.y + 2, 10, 10), colour, rx=2)
        yield words(x + 15, box.y + 11, said, SMALL, SOFT, room=box.right - x - 15)
        x += 15 + length(said, SMALL) + 16


def _cell(panel: Panel, units: Mapping[str, str], column: Mapping[str, str], value: Any) -> str:
    unit = units.get(column["name"], "dateTimeAsIso" if column["type"] == "time" else panel.unit)
    whole = isinstance(value, int) and unit != "percentunit"
    own = COLUMNS[column["name"]].decimals if column["name"] in COLUMNS else None
    text = shown(value, unit, None if whole else panel.decimals if own is None else own)
    return spaced(column["name"], text)


def _not_once(panel: Panel, answer: Answer) -> list[int]:
    """Places of the columns that a table shows."""
    rows = answer["rows"]
    return [
        place
        for place, column in enumerate(answer["columns"])
        if column["name"] not in panel.once or any(row[place] != rows[0][place] for row in rows)
    ]


def _chip(panel: Panel, column: Mapping[str, str], value: Any) -> str:
    """The colour of a cell's text: an outcome's, or its threshold's where the column is coloured."""
    if value in ("approve", "refer", "decline"):
        return {"approve": GREEN, "refer": "#8a6500", "decline": RED}[value]
    colour = of_threshold(value, panel) if column["name"] in panel.coloured else None
    return COLOURS[colour] if colour else INK


def _beside(box: Box, count: int) -> list[Box]:
    wide = box.width / max(count, 1)
    return [Box(box.x + number * wide, box.y, wide - 6, box.height) for number in range(count)]
