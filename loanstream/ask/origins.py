"""Since when a row names the application's record that it was made from, and what one that does not is worth."""

from datetime import datetime
from typing import Any

from stores.warehouse.pages import ORIGIN
from stores.warehouse.sealed import Row

ORIGINS_CAME = "0007_origins_and_conflicts.sql"
"""The migration that brought the columns `origin_*`."""

WITHOUT = "it names no application's record, as rows of this version do: which one it was made from is not proven"


def origins_since_ms(client: Any) -> int:
    """When the warehouse was told of origins, in milliseconds since 1970; 0, for every row, where it does not say."""
    return applied_ms(client, ORIGINS_CAME)


def applied_ms(client: Any, migration: str) -> int:
    """When the warehouse had a migration, in milliseconds since 1970; 0 where it does not say."""
    found = client.query(
        "SELECT toUnixTimestamp64Milli(applied_at) FROM loanstream.migrations WHERE name = {name:String}",
        parameters={"name": migration},
    ).result_rows
    return int(found[0][0]) if found else 0


def lacks_origin(row: Row) -> bool:
    """Whether a row has the columns and says nothing in them."""
    return ORIGIN[0] in row and row[ORIGIN[0]] is None


def lost_origin(row: Row, since_ms: int) -> bool:
    """Whether a row lacks what every record of its time named: somebody erased it, or a stage of a former version ran
    on for a while.
    """
    return lacks_origin(row) and moment_ms(row["accepted_at"]) >= since_ms


def moment_ms(text: str) -> int:
    """A moment as rows and events write it, in milliseconds since 1970."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)
