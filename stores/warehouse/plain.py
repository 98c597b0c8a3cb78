"""Rows of the warehouse as plain JSON values."""

from datetime import UTC, datetime
from typing import Any

from schemas.values import ms_of_utc, rfc3339_of_ms


def rows(found: Any) -> list[dict[str, Any]]:
    """The rows of a query's result; times as events write them."""
    return [{name: _value(value) for name, value in row.items()} for row in found.named_results()]


def _value(value: Any) -> Any:
    """A driver may leave the zone out: the warehouse's columns are all in UTC."""
    if not isinstance(value, datetime):
        return value
    return rfc3339_of_ms(ms_of_utc(value if value.tzinfo else value.replace(tzinfo=UTC)))
