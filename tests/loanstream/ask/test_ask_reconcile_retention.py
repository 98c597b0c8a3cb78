"""Reconcile where the warehouse keeps rows for a shorter time than topics keep records."""

import json
import time

import pytest
from bank_topics import APPLICATIONS, DECISIONS, START, altered, example, flow, found, reconciled, record

from loanstream.cli.reconcile import reconciliation_text
from schemas.records import MemoryMessage
from stores.topics import MemoryTopics
from stores.warehouse.retention import DAY_MS, RETENTIONS, Change, by_table

AGE_DAYS = int((time.time() * 1000 - START) / DAY_MS)
"""How old the records of these tests are."""


@pytest.fixture
def keeping(empty):
    """Sets retentions; afterwards every table keeps its rows for ever again."""
    client = empty.client()
    touched = []

    def keep(**days):
        for table, wanted in by_table(dict.fromkeys(RETENTIONS) | days).items():
            if wanted is not None and table != "features_log":
                touched.append(table)
                client.command(Change(table, wanted).statement)
                if client.query(f"SELECT count() FROM loanstream.{table}").first_row[0]:
                    client.command(f"OPTIMIZE TABLE loanstream.{table} FINAL")

    yield keep
    for table in touched:
        client.command(Change(table, None).statement)
    client.close()


def test_rows_that_retention_took_are_no_difference(empty, refused, keeping):
    """The topics have the records still; what the warehouse need not keep any more is counted, and is not lost."""
    topics = flow(6, dead={2})
    record(empty, refused, topics)
    keeping(decisions=AGE_DAYS - 10, monitoring=AGE_DAYS - 10)
    result = reconciled(empty, topics)
    assert found(result) == []
    assert {table: count for table, count in result.past.items() if count} == dict.fromkeys(
        ("applications_log", "monitoring_log", "verifications_log", "decisions_log"), 5
    )
    assert "not kept any longer by the warehouse's retention: " in reconciliation_text(result)


def test_what_is_kept_beside_outcomes_is_no_row_of_a_record(empty, refused, keeping):
    """An outcome counts once, whether it stands beside its decision yet or not, and once when retention took both."""
    topics, name, event = flow(3), "loan.outcomes.v1.bank-a", example("loan.outcome.recorded")
    told = {key: json.dumps(event | {"application_id": key}).encode() for key in ("a-000", "a-001", "a-007")}
    outcomes = [
        MemoryMessage(name, 0, at, key.encode(), value, None, (2, START))
        for at, (key, value) in enumerate(told.items())
    ]
    record(empty, refused, {(name, 0): outcomes, **topics})
    client = empty.client()
    decided = "SELECT count(), uniqExact(application_id) FROM loanstream.outcomes_decided"
    assert client.query(decided).first_row == (2, 2)
    result = reconciled(empty, {(name, 0): outcomes, **topics})
    assert found(result) == []
    assert result.compared["outcomes_log"] == 3
    assert {"outcomes_decided_log", "deciders_log"}.isdisjoint(result.compared)
    keeping(decisions=AGE_DAYS - 10)
    result = reconciled(empty, {(name, 0): outcomes, **topics})
    assert found(result) == []
    assert result.past["outcomes_log"] == 3
    assert "outcomes_decided_log" not in result.past
    assert client.query(decided).first_row == (0, 0)
    client.close()


def test_a_row_within_its_retention_is_lost_as_before(empty, refused, keeping):
    """Retention explains nothing that went before its time."""
    topics = flow(6)
    record(empty, refused, topics)
    keeping(decisions=AGE_DAYS + 10)
    empty.client().command(
        "ALTER TABLE loanstream.decisions_log DELETE WHERE application_id = 'a-003' SETTINGS mutations_sync = 2"
    )
    assert [(kind, table) for kind, table, *_ in found(reconciled(empty, topics))] == [("lost", "decisions_log")]


def test_a_row_that_is_past_and_still_there_is_compared(empty, refused, keeping):
    """A merge takes rows when it comes; until then they have to be as their records."""
    topics, client = flow(3), empty.client()
    record(empty, refused, topics)
    altered(empty, "applications_log", "loan_term_years = 1", "application_id = 'a-001'")
    client.command("SYSTEM STOP TTL MERGES loanstream.applications_log")
    client.command(Change("applications_log", AGE_DAYS - 10).statement, settings={"materialize_ttl_after_modify": 0})
    result = reconciled(empty, topics)
    client.command(Change("applications_log", None).statement)
    client.command("SYSTEM START TTL MERGES loanstream.applications_log")
    client.close()
    assert found(result) == [("altered", "applications_log", "a-001", 2, ("loan_term_years",))]
    assert result.past["applications_log"] == 0


def test_an_end_that_nobody_keeps_any_more_is_not_missed(empty, refused, keeping):
    """Where the topic lost a decision and the warehouse need not keep it, its application is not undecided."""
    topics = flow(4)
    record(empty, refused, topics)
    keeping(decisions=AGE_DAYS - 10, monitoring=AGE_DAYS - 10)
    left = topics | {(DECISIONS, 0): topics[DECISIONS, 0][2:]}
    result = reconciled(empty, MemoryTopics(left))
    assert found(result) == []
    assert result.ended_before["applications"] == 2
    assert len(topics[APPLICATIONS, 0]) == 4


def test_an_application_without_an_end_is_told_where_decisions_are_all_there(empty, refused, keeping):
    """Retention of the warehouse hides no application that was never decided."""
    topics = flow(4)
    topics[DECISIONS, 0].pop(3)
    record(empty, refused, topics)
    keeping(decisions=AGE_DAYS - 10, monitoring=AGE_DAYS - 10)
    assert [kind for kind, *_ in found(reconciled(empty, topics))] == ["undecided"]
