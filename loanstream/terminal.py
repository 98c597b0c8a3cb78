"""How answers reach people and programs: one JSON value on stdout, or text for a terminal."""

import json
import sys
from datetime import datetime
from decimal import Decimal
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas.values import rfc3339


def emit(value: Any, text: Any, *, as_json: bool) -> None:
    """Print `value` as one JSON value, or else `text`: a string, lines that are laid out, or something rich renders."""
    if as_json:
        sys.stdout.write(json.dumps(value, default=_as_json) + "\n")
    elif isinstance(text, tuple):  # a path that is longer than the line stays whole
        console().print("\n".join(text), highlight=False, soft_wrap=True)
    else:
        console().print(text, highlight=False) if isinstance(text, str) else console().print(text)


def aside(line: str) -> None:
    """Tell a person something beside the answer, on stderr."""
    sys.stderr.write(f"loanstream: {line}\n")
    sys.stderr.flush()


def _as_json(value: Any) -> Any:
    """What JSON has no word for, as events write it. TypeError for what has no such form: str() has Python's words."""
    match value:
        case datetime():
            return rfc3339(value)
        case Decimal():
            return f"{value:f}"
        case Path():
            return str(value)
        case bytes():
            return value.decode()
        case Integral():  # numpy's are none of Python's own
            return int(value)
        case Real():
            return float(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


COLUMNS = 100
"""What a line takes at most where there is no terminal; longer words are broken, nothing is cut off."""


def console() -> Console:
    """Standard output."""
    # Whatever stands in an answer is shown as it is: no square bracket or colon of a person's means anything.
    return Console(width=None if sys.stdout.isatty() else COLUMNS, soft_wrap=False, markup=False, emoji=False)


def text_width() -> int:
    """What a line of text takes at most: no more where the terminal is wider, for it is to be read."""
    return min(console().width, COLUMNS)


WHOLE = frozenset({"tenant", "application", "outcome", "probability", "score"})
"""Columns whose words a narrow terminal does not break; sentences give way."""

WHOLE_MOST = 24
"""A longer word is broken all the same: to be cut off would be worse."""


COPIED_MOST = 64
"""Ids that are copied are no longer than this."""


def table(title: str, *columns: str, rows: list[tuple[Any, ...]], copied: frozenset[str] = frozenset()) -> Table:
    """A plain table; numbers stand to the right. Columns that are `copied` stay whole: other words give way."""
    made = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        most = COPIED_MOST if column in copied else WHOLE_MOST if column in WHOLE else 0
        whole = most > 0 and all(len(str(row[index])) <= most for row in rows)
        made.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=whole)
    for row in rows:
        made.add_row(*(_cell(value) for value in row))
    return made


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "line"), counted(12_000, "line")
    ('1 line', '12000 lines')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def four_decimals(value: float | None) -> str:
    """A probability or score as every screen shows it: 0.9999 is not 1.

    >>> four_decimals(0.99994), four_decimals(None)
    ('0.9999', '-')
    """
    return "-" if value is None else f"{value:.4f}"


def _cell(value: Any) -> str:
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
