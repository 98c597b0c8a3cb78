"""How long the warehouse keeps rows: a table of what goes together, held against the TTL that each table has.

A row goes when the moment in its column is so many days ago. Rows of one application share their moment, and go
together: a decision without what it was made from could not be made again. The figures counted of them stay: they are
of no applicant. What names a repeat of a decision stays, too: without it one that comes again would be counted again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stores.warehouse.client import DATABASE

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Kept:
    """Tables whose rows go by one retention, each with the column that holds a row's moment; `what` they are."""

    what: str
    tables: Mapping[str, str]


RETENTIONS: Mapping[str, Kept] = {
    "decisions": Kept(
        "applications, what documents said about them, decisions and what became of them",
        {
            "applications_log": "accepted_at",
            "verifications_log": "accepted_at",
            "features_log": "accepted_at",
            "decisions_log": "accepted_at",
            "outcomes_log": "kafka_timestamp",
            "outcomes_decided_log": "kafka_timestamp",
        },
    ),
    "monitoring": Kept("protected attributes", {"monitoring_log": "accepted_at"}),
    "letters": Kept(
        "dead letters and what was done with them",
        {"dead_letters_log": "kafka_timestamp", "letters_handled_log": "kafka_timestamp"},
    ),
    "metrics": Kept("service metrics", {"service_metrics_log": "kafka_timestamp"}),
    "figures": Kept("figures counted of decisions", {"decisions_by_log": "hour"}),
}
"""What a retention is of. Tables that are named nowhere keep their rows for ever."""

MOMENTS: Mapping[str, str] = {table: column for kept in RETENTIONS.values() for table, column in kept.tables.items()}
"""Table -> the column with a row's moment."""

FOR_EVER: None = None
Days = int | None
"""So many days; None: for ever."""

_OURS = re.compile(r" TTL toDateTime\((\w+)\) \+ toIntervalDay\((\d+)\)(?: SETTINGS |$)")
_ANY = re.compile(r" TTL ")
_ENGINES = (
    "SELECT name, engine_full FROM system.tables WHERE database = {database:String} AND name IN {names:Array(String)}"
)
_OLDER = f"""
SELECT count() FROM {DATABASE}.{{table:Identifier}}
WHERE {{moment:Identifier}} <= now() - toIntervalDay({{days:UInt32}})
"""  # noqa: S608 - of constants
_UNCOUNTED = f"""
SELECT count() FROM {DATABASE}.hours_state
WHERE counted_at < toDateTime64(1, 3) AND hour <= now() - toIntervalDay({{days:UInt32}})
    AND hour IN (SELECT hour FROM {DATABASE}.decisions_log)
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Change:
    """A table's retention that is to be set; `going` rows are older already, and go for good."""

    table: str
    days: Days
    going: int = 0

    def __str__(self) -> str:
        kept = "for ever" if self.days is None else f"{self.days} days"
        gone = f"; {self.going} rows are older, and go for good" if self.going else ""
        return f"keep {self.table} {kept}{gone}"

    @property
    def statement(self) -> str:
        """What sets it, on a table that has another."""
        if self.days is None:
            return f"ALTER TABLE {DATABASE}.{self.table} REMOVE TTL"
        ttl = f"toDateTime({MOMENTS[self.table]}) + toIntervalDay({self.days})"
        return f"ALTER TABLE {DATABASE}.{self.table} MODIFY TTL {ttl}"


def by_table(wanted: Mapping[str, Days]) -> dict[str, Days]:
    """Table -> its days, from retention -> its days."""
    return {table: wanted[name] for name, kept in RETENTIONS.items() for table in kept.tables}


def held(client: Any) -> dict[str, Days | str]:
    """Table that is there -> the days that its rows are kept, None for ever; the whole engine where its TTL is not of
    our form.
    """
    found = client.query(_ENGINES, parameters={"database": DATABASE, "names": list(MOMENTS)}).result_rows
    return {name: _days(name, engine) for name, engine in found}


def _days(table: str, engine: str) -> Days | str:
    ours = _OURS.search(engine)
    if ours is not None and ours[1] == MOMENTS[table]:
        return int(ours[2])
    return engine if _ANY.search(engine) else FOR_EVER


def changes(client: Any, wanted: Mapping[str, Days]) -> list[Change]:
    """What differs from `wanted` (retention -> days), of the tables that are there; how many rows go."""
    there = held(client)
    return [
        Change(table, days, _older(client, table, days))
        for table, days in by_table(wanted).items()
        if table in there and there[table] != days
    ]


def _older(client: Any, table: str, days: Days) -> int:
    if days is None:
        return 0
    asked = {"table": table, "moment": MOMENTS[table], "days": days}
    return int(client.query(_OLDER, parameters=asked).first_row[0])


def uncounted(client: Any, days: Days) -> int:
    """How many hours with decisions older than so many days were never counted: their figures would be lost.

    0 where there are no figures yet: whoever asks before the migrations has to ask again after them.
    """
    counts = client.query(
        "SELECT count() FROM system.tables WHERE database = {database:String} AND name = 'hours_state'",
        parameters={"database": DATABASE},
    )
    if days is None or not counts.first_row[0]:
        return 0
    return int(client.query(_UNCOUNTED, parameters={"days": days}).first_row[0])


def kept_since_ms(client: Any, slack_ms: int = 0) -> dict[str, int]:
    """Table -> since when its rows are there, in milliseconds since 1970; tables that keep them for ever are left out.

    What is about to go within `slack_ms` counts as gone.
    """
    now_ms = int(client.query("SELECT toUnixTimestamp64Milli(now64(3))").first_row[0])
    return {table: now_ms + slack_ms - days * DAY_MS for table, days in held(client).items() if isinstance(days, int)}


def told(there: Mapping[str, Days | str]) -> Iterator[str]:
    """A line for each retention that is not for ever: how long, and what of."""
    for name, kept in RETENTIONS.items():
        for table in kept.tables:
            if there.get(table) is not None:
                days = there[table]
                how = f"{days} days" if isinstance(days, int) else "by a TTL that is not of our form"
                yield f"{table} {how} ({name})"
