"""What questions read: it grows with the chosen time and with what is asked about, and not with the log."""

from collections.abc import Iterator

import pytest
from as_grafana import TO, asked
from warehouses import Warehouse, migrated

from dashboards.panels import SQL
from loanstream.stack.clickhouse.link import Link

DAY_S = 86_400
CHOSEN = {"tenant": ("bank-a",), "bundle": ("model",), "policy": ("policy",), "application": ("",)}
RECENT, OLDER = 2_000, 100_000
DECISIONS = """
INSERT INTO loanstream.decisions_log
    (tenant, application_id, revision, decision_id, outcome, accepted_at, p_calibrated, score_final, receipt_bundle_id,
    receipt_policy_id, kafka_topic, kafka_offset)
SELECT
    'bank-a', lower(hex(cityHash64(number))), 1, '{decision}', '{outcome}', toDateTime({until}) - number % {seconds}, 0.5,
    number % 100 / 100, 'model', 'policy', 'loan.decisions.v1.bank-a', {offset} + number
FROM numbers({first}, {count})
"""
OUTCOMES = f"""
INSERT INTO loanstream.outcomes_log
    (tenant, application_id, revision, kind, {{column}}, kafka_topic, kafka_offset, kafka_timestamp)
SELECT
    'bank-a', lower(hex(cityHash64(number))), 1, '{{kind}}', if(number % 100 < 60 - number % 7, '{{one}}', '{{two}}'),
    'loan.outcomes.v1.bank-a', {{offset}} + number, toDateTime({TO}) - 1
FROM numbers({RECENT})
"""
REPEATS = """
INSERT INTO loanstream.decision_repeats_log SELECT 'bank-a', 'loan.decisions.v1.bank-a', 0, 10000000 + number
FROM numbers({first}, {count})
"""
ASKED = ("rank_order", "bad_rate_by_score", "human_agreement", "conflicts", "variable_bundle", "variable_tenant")


def decide(warehouse, first, count, until, outcome="approve", offset=0, decision="d"):
    warehouse.run(
        DECISIONS.format(
            first=first, count=count, until=until, seconds=DAY_S, outcome=outcome, offset=offset, decision=decision
        )
    )


def count_hours(warehouse):
    """What the warehouse does ten minutes after an hour's last row."""
    warehouse.run(
        "ALTER TABLE loanstream.hours_touched UPDATE at = at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    warehouse.run("TRUNCATE TABLE loanstream.hours_counted")
    warehouse.run(
        "INSERT INTO loanstream.decisions_by_log SELECT *, now64(3) AS counted_at, "
        "count() OVER (PARTITION BY hour) AS rows_of_hour FROM loanstream.decisions_by_now"
    )
    warehouse.run(
        "INSERT INTO loanstream.hours_counted SELECT hour, max(counted_at) FROM loanstream.decisions_by_log GROUP BY hour"
    )


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """A day of decisions, what became of each, and three that were made again with another result; all counted."""
    link = Link(":memory:")
    made = migrated(link, "panels_at_size")
    for view in ("count_hours", "mark_counted"):
        made.run(f"SYSTEM STOP VIEW loanstream.{view}")
    decide(made, 0, RECENT, TO)
    made.run(REPEATS.format(first=0, count=3))
    decide(made, 0, 3, TO, "decline", 10_000_000, "other")
    made.run(OUTCOMES.format(column="repayment", kind="repayment", one="defaulted", two="current", offset=0))
    made.run(OUTCOMES.format(column="decision", kind="human_decision", one="approve", two="decline", offset=RECENT))
    count_hours(made)
    yield made
    link.run("DROP DATABASE IF EXISTS panels_at_size")
    link.close()


def rows_read(warehouse, name):
    sql = asked((SQL / f"{name}.sql").read_text("utf-8").strip(), CHOSEN)
    return warehouse.link.run(warehouse.here(sql), "Null").read_rows


def answers(warehouse):
    return {name: warehouse.rows((SQL / f"{name}.sql").read_text("utf-8").strip(), CHOSEN) for name in ASKED}


def test_a_log_that_grew_is_not_read(warehouse):
    """With fifty times as many decisions of other days, a panel says the same, and reads hardly more for it."""
    before = {name: rows_read(warehouse, name) for name in ASKED}
    said = answers(warehouse)
    assert all(said.values())
    for day in range(2, 6):
        decide(warehouse, day * OLDER, OLDER // 4, TO - day * DAY_S)
    count_hours(warehouse)
    after = {name: rows_read(warehouse, name) for name in ASKED}
    assert answers(warehouse) == said
    assert {name: rows for name, rows in after.items() if rows > 2 * before[name] + OLDER // 4} == {}, before
