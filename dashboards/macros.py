"""Grafana's SQL as ClickHouse reads it: the macros of its ClickHouse plugin (4.20.0) and its variables, expanded by us.

In two things we are stricter than Grafana, so that a value stays a value. A variable must name a format that quotes
(`singlequote`, `sqlstring`), and its backslashes are escaped, which Grafana leaves alone although ClickHouse reads
them. What a variable brings is never looked through for macros, where Grafana's back end expands those, too.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


class MacroProblem(ValueError):
    """A query asks for what is not there: the message names the macro or variable, never a value."""


@dataclass(frozen=True, slots=True)
class Window:
    """The chosen time, and how far apart a chart's points stand; all in milliseconds, times since 1970 in UTC."""

    from_ms: int
    to_ms: int
    interval_ms: int = 1000


def expand(sql: str, window: Window, values: Mapping[str, Sequence[str]]) -> str:
    r"""`sql` with every macro and variable replaced. Raises MacroProblem.

    >>> day = Window(0, 86_400_000, 3_600_000)
    >>> expand("$__timeInterval(at) WHERE $__timeFilter(at)", day, {})
    'toStartOfInterval(toDateTime(at), INTERVAL 3600 second) WHERE at >= toDateTime(0) AND at <= toDateTime(86400)'
    >>> print(expand("tenant IN (${tenant:singlequote})", day, {"tenant": ["a", "o'b"]}))
    tenant IN ('a','o\'b')
    """
    written, position = [], 0
    while found := _NEXT.search(sql, position):
        written.append(sql[position : found.start()])
        text, position = _expanded(sql, found, window, values)
        written.append(text)
    return "".join(written) + sql[position:]


def variables_of(sql: str) -> frozenset[str]:
    r"""The names of the variables that a query asks for.

    >>> sorted(variables_of("SELECT 1 -- ${none}\n WHERE a IN (${tenant:singlequote}) AND b = '$'"))
    ['tenant']
    """
    return frozenset(found["variable"] for found in _NEXT.finditer(sql) if found["variable"] is not None)


def quoted(value: str) -> str:
    r"""A text as ClickHouse's literal, whatever it holds.

    >>> print(quoted("it's \\ a\nline"))
    'it\'s \\ a\nline'
    """
    # A half of a surrogate pair has no bytes: no stored text equals it.
    return f"'{value.encode('utf-8', 'replace').decode().translate(_ESCAPED)}'"


_ESCAPED: Final = str.maketrans(
    {"\\": r"\\", "'": r"\'", "\0": r"\0", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
)

FORMATS: Final[Mapping[str, Callable[[Sequence[str]], str]]] = {
    "singlequote": lambda values: ",".join(map(quoted, values or ("",))),
    # Grafana doubles quotes here; to ClickHouse that is the same text.
    "sqlstring": lambda values: ",".join(map(quoted, values or ("",))),
}
"""Grafana's name of a format -> what it makes of the chosen values; of none, a text that no row has."""

_NEXT: Final = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<text>'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\")"
    r"|\$__(?P<macro>\w+)"
    r"|\$\{(?P<variable>\w+)(?::(?P<format>\w+))?\}"
    r"|(?P<other>\$\{|\$\w|\[\[)",
    re.DOTALL,
)


def _expanded(sql: str, found: re.Match[str], window: Window, values: Mapping[str, Sequence[str]]) -> tuple[str, int]:
    """What stands for a match, and where the query goes on."""
    if found["comment"] is not None:
        return " ", found.end()
    if found["text"] is not None:
        return _check_text(found["text"]), found.end()
    if found["other"] is not None:
        raise MacroProblem(f"{found['other']} at character {found.start()} begins neither a macro nor ${{name:format}}")
    if found["variable"] is not None:
        return _variable(found["variable"], found["format"], values), found.end()
    name = found["macro"]
    if name not in MACROS:
        raise MacroProblem(f"$__{name} is no macro that is known here; there are {', '.join(MACROS)}")
    takes, written = MACROS[name]
    arguments, end = _arguments(sql, found.end(), name)
    if len(arguments) != takes:
        raise MacroProblem(f"$__{name} takes {takes} arguments, and was given {len(arguments)}")
    return written(window, [expand(argument, window, values) for argument in arguments]), end


def _check_text(text: str) -> str:
    if "$__" in text or "${" in text:
        raise MacroProblem("a macro or variable stands inside quotes; variables bring their own")
    return text


def _variable(name: str, form: str | None, values: Mapping[str, Sequence[str]]) -> str:
    if name not in values:
        raise MacroProblem(f"no variable {name} here; there are {', '.join(values) or 'none'}")
    if form is None or form not in FORMATS:
        raise MacroProblem(
            f"variable {name} in format {form or 'plain'}; expected one that quotes: {', '.join(FORMATS)}"
        )
    return FORMATS[form](values[name])


def _arguments(sql: str, start: int, name: str) -> tuple[list[str], int]:
    """A macro's arguments, split at commas outside brackets and quotes; none where no bracket follows."""
    if sql[start : start + 1] != "(":
        return [], start
    parts, depth, position, begun = [], 0, start, start + 1
    while position < len(sql):
        text = _QUOTED.match(sql, position)
        if text:
            position = text.end()
            continue
        character = sql[position]
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 or (depth == 1 and character == ","):
            parts.append(sql[begun:position].strip())
            begun = position + 1
        position += 1
        if depth == 0:
            return [] if parts == [""] else parts, position
    raise MacroProblem(f"the bracket of $__{name} is not closed")


_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)


def _second(at_ms: int) -> str:
    return f"toDateTime({at_ms // 1000})"


def _millisecond(at_ms: int) -> str:
    return f"fromUnixTimestamp64Milli({at_ms})"


def _day(at_ms: int) -> str:
    return f"toDate('{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}')"


def _between(column: str, window: Window, written: Callable[[int], str]) -> str:
    return f"{column} >= {written(window.from_ms)} AND {column} <= {written(window.to_ms)}"


def _seconds(window: Window) -> int:
    return max(window.interval_ms // 1000, 1)


_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_UNIT_S: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def _group(column: str, period: str) -> str:
    text = period.strip("'\"")
    parts = _PART.findall(text) if _DURATION.fullmatch(text) else []
    seconds = math.floor(sum(float(number) * _UNIT_S[unit] for number, unit in parts) + 0.5)
    if seconds <= 0:
        raise MacroProblem("$__timeGroup's second argument is no duration of at least a second, such as 5m or 1h30m")
    return f"toStartOfInterval(toDateTime({column}), INTERVAL {seconds} second)"


def _date_time(window: Window, arguments: list[str]) -> str:
    date, time = arguments
    return f"({_between(date, window, _day)}) AND ({_between(time, window, _second)})"


MACROS: Final[Mapping[str, tuple[int, Callable[[Window, list[str]], str]]]] = {
    "timeFilter": (1, lambda window, given: _between(given[0], window, _second)),
    "timeFilter_ms": (1, lambda window, given: _between(given[0], window, _millisecond)),
    "dateFilter": (1, lambda window, given: _between(given[0], window, _day)),
    "dateTimeFilter": (2, _date_time),
    "dt": (2, _date_time),
    "fromTime": (0, lambda window, _: _second(window.from_ms)),
    "toTime": (0, lambda window, _: _second(window.to_ms)),
    "fromTime_ms": (0, lambda window, _: _millisecond(window.from_ms)),
    "toTime_ms": (0, lambda window, _: _millisecond(window.to_ms)),
    "timeFrom": (1, lambda window, given: f"{given[0]} >= {_second(window.from_ms)}"),
    "timeTo": (1, lambda window, given: f"{given[0]} <= {_second(window.to_ms)}"),
    "timeInterval": (
        1,
        lambda window, given: f"toStartOfInterval(toDateTime({given[0]}), INTERVAL {_seconds(window)} second)",
    ),
    "timeInterval_ms": (
        1,
        lambda window, given: (
            f"toStartOfInterval(toDateTime64({given[0]}, 3), INTERVAL {max(window.interval_ms, 1)} millisecond)"
        ),
    ),
    "interval_s": (0, lambda window, _: str(_seconds(window))),
    "timeGroup": (2, lambda _, given: _group(*given)),
}
"""Name without `$__` -> how many arguments it takes, and what it becomes."""
