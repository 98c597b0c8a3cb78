"""What became of a decision stands beside it, whichever comes first and however often either comes."""

from collections.abc import Iterator

import pytest
from warehouses import Warehouse, migrated, new

from loanstream.stack.clickhouse.link import Link
from stores.warehouse.migrate import migrations, statements

TOPIC = "loan.decisions.v1.bank-a"
OURS = "0017_questions.sql"


@pytest.fixture(scope="module")
def link() -> Iterator[Link]:
    made = Link(":memory:")
    yield made
    for database in ("outcomes_new", "outcomes_before"):
        made.run(f"DROP DATABASE IF EXISTS {database}")
    made.close()


@pytest.fixture
def warehouse(link) -> Warehouse:
    return migrated(link, "outcomes_new")


def decide(warehouse, application, offset, score, outcome="approve"):
    warehouse.run(
        "INSERT INTO loanstream.decisions_log (tenant, application_id, revision, decision_id, outcome, accepted_at, "
        "p_calibrated, score_final, receipt_bundle_id, kafka_topic, kafka_offset) VALUES "
        f"('bank-a', '{application}', 1, 'd-{offset}', '{outcome}', '2026-03-02 10:00:00', {score}, {score}, 'model', "
        f"'{TOPIC}', {offset})"
    )


def repeat(warehouse, offset):
    warehouse.run(f"INSERT INTO loanstream.decision_repeats_log VALUES ('bank-a', '{TOPIC}', 0, {offset})")


def repay(warehouse, application, offset):
    warehouse.run(
        "INSERT INTO loanstream.outcomes_log (tenant, application_id, revision, kind, repayment, kafka_topic, "
        f"kafka_offset, kafka_timestamp) VALUES ('bank-a', '{application}', 1, 'repayment', 'current', 'loan.outcomes', "
        f"{offset}, '2026-03-03 10:00:00')"
    )


def decided(warehouse):
    sql = "SELECT DISTINCT application_id, outcome, score FROM loanstream.outcomes_decided ORDER BY ALL"
    return [tuple(row.values()) for row in warehouse.rows(sql, {})]


def test_an_outcome_has_the_decision_that_it_is_about(warehouse):
    """Repaid after it was decided, before the decision is recorded, and without any decision of ours: two have one."""
    decide(warehouse, "first", 0, 0.75)
    for offset, application in enumerate(("first", "late", "foreign")):
        repay(warehouse, application, offset)
    assert decided(warehouse) == [("first", "approve", 0.75)]
    decide(warehouse, "late", 1, 0.5)
    assert decided(warehouse) == [("first", "approve", 0.75), ("late", "approve", 0.5)]


def test_a_repeat_of_a_decision_or_of_an_outcome_changes_nothing(warehouse):
    """The first record of a decision stands beside the outcome, and an outcome that is sent twice is the same one."""
    decide(warehouse, "a", 4, 0.75)
    repeat(warehouse, 5)
    decide(warehouse, "a", 5, 0.25, "decline")
    repay(warehouse, "a", 0)
    repay(warehouse, "a", 0)
    assert decided(warehouse) == [("a", "approve", 0.75)]


def test_an_earlier_record_that_comes_late_is_the_decision(warehouse):
    """What stood beside the outcome turned out to be no first record: the one before it takes its place."""
    decide(warehouse, "a", 9, 0.75)
    repay(warehouse, "a", 0)
    repeat(warehouse, 9)
    decide(warehouse, "a", 2, 0.5, "decline")
    assert decided(warehouse) == [("a", "decline", 0.5)]


def test_a_warehouse_with_rows_is_brought_up_to_date(link):
    """Outcomes, banks, models and conflicts from before the migration are found as those that come after it are."""
    warehouse = new(link, "outcomes_before")
    texts = list(migrations().items())
    for name, text in texts:
        if name == OURS:
            decide(warehouse, "a", 0, 0.75)
            repeat(warehouse, 1)
            decide(warehouse, "a", 1, 0.25, "decline")
            repay(warehouse, "a", 0)
            warehouse.run("SYSTEM STOP VIEW loanstream.count_hours")
            warehouse.run("SYSTEM STOP VIEW loanstream.mark_counted")
            _counted_before(warehouse)
        for statement in statements(text):
            warehouse.run(statement)
    assert decided(warehouse) == [("a", "approve", 0.75)]
    conflicts = warehouse.rows("SELECT application_id, outcomes FROM loanstream.conflicts", {})
    assert conflicts == [{"application_id": "a", "outcomes": ["approve", "decline"]}]
    deciders = warehouse.rows("SELECT DISTINCT tenant, bundle_id FROM loanstream.deciders_log", {})
    assert deciders == [{"tenant": "bank-a", "bundle_id": "model"}]


def _counted_before(warehouse):
    """Every hour is counted, as it was before conflicts were."""
    warehouse.run(
        "ALTER TABLE loanstream.hours_touched UPDATE at = at - INTERVAL 1 HOUR WHERE 1 SETTINGS mutations_sync = 2"
    )
    warehouse.run(
        "INSERT INTO loanstream.decisions_by_log SELECT *, now64(3) AS counted_at, "
        "count() OVER (PARTITION BY hour) AS rows_of_hour FROM loanstream.decisions_by_now"
    )
    warehouse.run(
        "INSERT INTO loanstream.hours_counted SELECT DISTINCT hour, counted_at FROM loanstream.decisions_by_log"
    )
