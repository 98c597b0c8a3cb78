"""An answer as the page gets it: JSON values, what was cut off, and why there is nothing where there is nothing."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from dashboards.panels import Panel
from dashboards.preview.asking import Found
from dashboards.preview.choice import Choice

NOTE: Final = "note"
"""A column of this name is no figure: its text stands below the panel, or in the place of the figures."""
ROWS_MOST: Final = 5000
TEXT_MOST: Final = 2000
"""So many characters of one cell are sent."""


def answer(panel: Panel, found: Found, choice: Choice) -> dict[str, Any]:
    """Columns (`name`, `type`: time, number or text), rows, notes, and `why` where no figure came."""
    kept = [index for index, name in enumerate(found.names) if name != NOTE]
    notes = {
        str(row[index]) for row in found.rows for index, name in enumerate(found.names) if name == NOTE and row[index]
    }
    rows = [[plain(row[index]) for index in kept] for row in found.rows[:ROWS_MOST]]
    columns = [{"name": found.names[index], "type": _type(found.types[index])} for index in kept]
    empty = not any(value is not None for row in rows for value in _figures(columns, row))
    cut = len(found.rows) > ROWS_MOST
    return {
        "columns": columns,
        "rows": [] if empty else rows,
        "notes": [] if empty else sorted(notes) + ([f"Only the first {ROWS_MOST} rows are shown."] if cut else []),
        "why": " ".join(sorted(notes)) or _why(panel, choice) if empty else None,
        "interval_ms": choice.window.interval_ms,
        "from_ms": choice.window.from_ms,
        "to_ms": choice.window.to_ms,
    }


def problem(text: str) -> dict[str, Any]:
    """The answer of a panel that has none."""
    return {"columns": [], "rows": [], "notes": [], "error": text}


def _figures(columns: Sequence[dict[str, str]], row: Sequence[Any]) -> list[Any]:
    """What makes a row more than its labels: its numbers; of a query without numbers, everything."""
    numbers = [value for column, value in zip(columns, row, strict=True) if column["type"] == "number"]
    return numbers if any(column["type"] == "number" for column in columns) else list(row)


def _why(panel: Panel, choice: Choice) -> str:
    if choice.untyped:
        return f"Choose first: {', '.join(choice.untyped)}, above."
    if choice.unknown:
        title, value = choice.unknown[0]
        return f"{title} {_shortened(value)} is not in the warehouse."
    if choice.typed:
        return f"Nothing here about {_shortened(choice.typed[0])}."
    return panel.when_empty


def _shortened(value: str) -> str:
    return f"“{value if len(value) <= 40 else value[:40] + '…'}”"


def _type(clickhouse: str) -> str:
    """What a column is to the page, by ClickHouse's name of its type.

    >>> [_type(name) for name in ("DateTime64(3, 'UTC')", "Nullable(Float64)", "LowCardinality(String)")]
    ['time', 'number', 'text']
    """
    bare = clickhouse
    for wrapper in ("LowCardinality(", "Nullable("):
        bare = bare.removeprefix(wrapper)
    if bare.startswith("Date"):
        return "time"
    return "number" if bare.startswith(("UInt", "Int", "Float", "Decimal", "BFloat")) else "text"


def plain(value: Any) -> Any:
    """A driver's value as JSON: times are milliseconds since 1970, what is no number is null, a list is one text."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else None
        case Decimal():
            return float(value)
        case datetime():
            # The warehouse's times are UTC, whether the driver says so or not.
            return round((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
        case date():
            return round(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp() * 1000)
        case list() | tuple():
            return ", ".join(str(plain(part)) for part in value)[:TEXT_MOST]
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text if len(text) <= TEXT_MOST else text[:TEXT_MOST] + "…"
