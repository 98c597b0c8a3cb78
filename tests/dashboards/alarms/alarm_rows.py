"""Rows for the views that alarms ask, and the answers of their queries."""

from datetime import UTC, datetime, timedelta

import orjson

from dashboards.alarms.queries import sql
from dashboards.alarms.table import ALERTS

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday: the period's beginning in every test."""

STAGED = """CREATE TABLE IF NOT EXISTS loanstream.staged (
    tenant String, at DateTime64(3, 'UTC'), step_ms UInt32, many UInt32, number UInt64, rest Map(String, Nullable(String)))
    ENGINE = Memory"""


def moment(day, second=0.0):
    """A moment by day of the period; the baseline's are negative."""
    return SINCE + timedelta(days=day, seconds=second)


def insert(warehouse, table, rows):
    """Write rows, times as datetimes."""
    lines = b"\n".join(orjson.dumps({name: _stamp(value) for name, value in row.items()}) for row in rows)
    statement = f"INSERT INTO loanstream.{table} ({', '.join(rows[0])})"
    warehouse.insert(statement, "FORMAT JSONEachRow", memoryview(lines), {})


def insert_many(warehouse, table, time_column, rows):
    """Write each row `many` times with ids of their own, `step_ms` apart from `at` on; `rest` are its other columns.

    rows = [{"at": moment(0), "many": 3, "outcome": "approve"}]; the bank is bank-a where no `tenant` is named.
    """
    own = {"tenant", "at", "step_ms", "many"}
    staged = [
        {
            "tenant": row.get("tenant", "bank-a"), "at": row["at"], "step_ms": row.get("step_ms", 1),
            "many": row["many"], "number": number,
            "rest": {name: None if value is None else str(value) for name, value in row.items() if name not in own},
        }
        for number, row in enumerate(rows)
        if row["many"]
    ]  # fmt: skip
    warehouse.run(STAGED)
    insert(warehouse, "staged", staged)
    columns = [name for name in rows[0] if name not in own]
    warehouse.run(
        f"INSERT INTO loanstream.{table} (tenant, application_id, {time_column}"
        + "".join(f", {name}" for name in columns)
        + ") SELECT tenant, concat(toString(number), '-', toString(i)), at + toIntervalMillisecond(step_ms * i)"
        + "".join(f", rest['{name}']" for name in columns)
        + " FROM loanstream.staged ARRAY JOIN range(many) AS i"
    )
    warehouse.run("TRUNCATE TABLE loanstream.staged")


def activate(warehouse, tenant=None, day=0.0, lead_ms=0):
    """An activation that takes effect at a day of the period."""
    insert(warehouse, "activations", [{"tenant": tenant, "lead_ms": lead_ms, "kafka_timestamp": moment(day)}])


def ask(warehouse, name, at, thresholds=None):
    """What the alarm's query answers at a moment: rows by tenant (or by all its labels, where they are several)."""
    alert = ALERTS[name]
    text = sql(alert, thresholds).replace("$__toTime", f"toDateTime({int(at.timestamp())})")
    found = orjson.loads(warehouse.run(text, "JSON").body)["data"]
    keys = [tuple(row[label] for label in alert.labels) for row in found]
    assert len(set(keys)) == len(keys)
    return {key[0] if len(key) == 1 else key: row for key, row in zip(keys, found, strict=True)}


def _stamp(value):
    return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if isinstance(value, datetime) else value
