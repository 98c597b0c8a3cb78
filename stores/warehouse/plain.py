"""Rows of the warehouse as plain JSON values."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from schemas.values import ms_of_utc, rfc3339_of_ms


def rows(found: Any) -> list[dict[str, Any]]:
    """The rows of a query's result: times, amounts and hashes as events write them."""
    return [{name: plain(value) for name, value in row.items()} for row in found.named_results()]


def plain(value: Any) -> Any:
    """A driver's value as JSON has it.

    >>> plain({"amount": Decimal("5.00"), "hash": b"ab", "parts": (1, None)})
    {'amount': '5.00', 'hash': 'ab', 'parts': [1, None]}
    """
    match value:
        case datetime():
            # A driver may leave the zone out: the warehouse's columns are all in UTC.
            return rfc3339_of_ms(ms_of_utc(value if value.tzinfo else value.replace(tzinfo=UTC)))
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.decode()
        case Mapping():
            return {name: plain(part) for name, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
    return value
