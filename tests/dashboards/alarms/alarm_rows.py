"""Records for the logs whose figures alarms ask, and the answers of their queries."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count

import orjson

from dashboards.alarms.queries import sql
from dashboards.alarms.table import ALERTS

SINCE = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday: the period's beginning in every test."""

STAGED = """CREATE TABLE IF NOT EXISTS loanstream.staged (
    tenant String, at DateTime64(3, 'UTC'), step_ms UInt32, many UInt32, number UInt64, rest Map(String, Nullable(String)))
    ENGINE = Memory"""

OFFSETS = count()
"""Of records, in the topics that tests make up: no two are the same."""

RECORDS = {
    "decisions": {
        "application_id": "name", "revision": "1", "accepted_at": "time",
        "outcome": "ifNull(rest['outcome'], 'refer')", "verification_result": "ifNull(rest['verification_result'], 'verified')",
        "p_calibrated": "toFloat64OrNull(rest['p_calibrated'])", "score_final": "toFloat64OrNull(rest['score_final'])",
        "processing_lane": "ifNull(rest['lane'], 'fast')",
        "processing_score_finished_at": "time + toIntervalMillisecond(ifNull(toUInt32OrNull(rest['latency_ms']), 40))",
    },
    "monitoring": {
        "application_id": "name", "revision": "1", "accepted_at": "time",
        **{column: f"rest['{column}']" for column in ("gender", "ethnicity", "age_band", "marital_status")},
    },
    "dead_letters": {"application_id": "name", "at": "time", "cause": "'x'", "origin_offset": "offset"},
}  # fmt: skip
"""Log -> its columns, and what they are of a row that stands for many."""


def moment(day, second=0.0):
    """A moment by day of the period; the baseline's are negative."""
    return SINCE + timedelta(days=day, seconds=second)


def insert(warehouse, log, rows):
    """Write rows as records of a log, times as datetimes."""
    _insert(warehouse, f"{log}_log", [row | {"kafka_offset": next(OFFSETS)} for row in rows])


def _insert(warehouse, table, rows):
    lines = b"\n".join(orjson.dumps({name: _stamp(value) for name, value in row.items()}) for row in rows)
    statement = f"INSERT INTO loanstream.{table} ({', '.join(rows[0])})"
    warehouse.insert(statement, "FORMAT JSONEachRow", memoryview(lines), {})


def decided(warehouse, rows):
    """Decisions, and what is watched of their applicants: each row stands for `many`, `step_ms` apart from `at` on.

    rows = [{"at": moment(0), "many": 3, "outcome": "approve"}]; the bank is bank-a where no `tenant` is named.
    """
    with staged(warehouse, rows):
        _records(warehouse, "decisions")
        _records(warehouse, "monitoring")


def died(warehouse, rows):
    """Dead letters, as many as rows say."""
    with staged(warehouse, rows):
        _records(warehouse, "dead_letters")


@contextmanager
def staged(warehouse, rows):
    """Rows that stand for many, where a statement can read them."""
    own = {"tenant", "at", "step_ms", "many"}
    given = [
        {
            "tenant": row.get("tenant", "bank-a"), "at": row["at"], "step_ms": row.get("step_ms", 1),
            "many": row["many"], "number": next(OFFSETS),
            "rest": {name: None if value is None else str(value) for name, value in row.items() if name not in own},
        }
        for row in rows
        if row["many"]
    ]  # fmt: skip
    warehouse.run(STAGED)
    _insert(warehouse, "staged", given)
    yield
    warehouse.run("TRUNCATE TABLE loanstream.staged")


def _records(warehouse, log):
    columns = RECORDS[log]
    warehouse.run(
        f"INSERT INTO loanstream.{log}_log (tenant, kafka_topic, kafka_offset, {', '.join(columns)}) "
        f"SELECT tenant, concat('loan.{log}.', tenant), number * 100000 + i AS offset, {', '.join(columns.values())} FROM "
        "(SELECT *, arrayJoin(range(many)) AS i, concat(toString(number), '-', toString(i)) AS name, "
        "at + toIntervalMillisecond(step_ms * i) AS time FROM loanstream.staged)"
    )


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
