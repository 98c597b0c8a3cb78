"""Figures as people read them, by Grafana's names of units; what `static/units.js` is for a browser."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Steps = Sequence[tuple[float, str]]

_SECONDS: Final[Steps] = ((86_400, " days"), (3_600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs"))
_BYTES: Final[Steps] = ((2**40, " TiB"), (2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B"))
_COUNTS: Final[Steps] = ((1e9, " B"), (1e6, " M"), (1e3, " K"))


def shown(value: Any, unit: str, decimals: int | None = None) -> str:
    """A value with its unit; a dash where there is none.

    >>> [shown(0.3456, "percentunit", 1), shown(1234.5, "ms"), shown(120_000, "short"), shown(True, "none")]
    ['34.6 %', '1.2 s', '120.0 K', 'yes']
    """
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return _UNITS.get(unit, _short)(value, decimals)


def _counted(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:,.{decimals}f}"
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}"
    most = 1 if size >= 100 else 2 if size >= 1 else 3 if size >= 0.01 else 4
    return f"{value:.{most}f}".rstrip("0").rstrip(".")


def _scaled(value: float, steps: Steps, decimals: int | None) -> str:
    step, name = next((each for each in steps if abs(value) >= each[0]), steps[-1])
    part = value / step
    if decimals is None:
        decimals = 0 if abs(part) >= 100 or part == int(part) else 1
    return _counted(part, decimals) + name


def _short(value: float, decimals: int | None) -> str:
    return (
        _counted(value, decimals) if abs(value) < 1e5 else _scaled(value, _COUNTS, 1 if decimals is None else decimals)
    )


def _seconds(value: float, decimals: int | None) -> str:
    return "0 s" if value == 0 else _scaled(value, _SECONDS, decimals)


def _percent(value: float, decimals: int | None) -> str:
    if decimals is None:
        decimals = 1 if value != 0 and abs(value) < 0.0995 else 0
    return f"{_counted(value * 100, decimals)} %"


def moment(value: float) -> str:
    """Milliseconds since 1970 as a time in UTC."""
    return f"{datetime.fromtimestamp(value / 1000, UTC):%Y-%m-%d %H:%M:%S}"


_UNITS: Final[Mapping[str, Callable[[float, int | None], str]]] = {
    "none": lambda value, decimals: (
        str(int(value)) if decimals is None and value == int(value) else _counted(value, decimals)
    ),
    "locale": lambda value, decimals: f"{value:,.{decimals or 0}f}",
    "percentunit": _percent,
    "percent": lambda value, decimals: f"{_counted(value, 1 if decimals is None else decimals)} %",
    "ms": lambda value, decimals: _seconds(value / 1000, decimals),
    "s": _seconds,
    "bytes": lambda value, decimals: "0 B" if value == 0 else _scaled(value, _BYTES, decimals),
    "dateTimeAsIso": lambda value, _: moment(value),
    "dateTimeFromNow": lambda value, _: moment(value),
    **dict.fromkeys(("cps", "ops", "reqps"), lambda value, decimals: f"{_short(value, decimals)} /s"),
}
