"""Reconcile where the warehouse keeps rows for a shorter time than topics keep records."""

import time

import pytest
from bank_topics import APPLICATIONS, DECISIONS, START, flow, found, reconciled, record

from loanstream.cli.reconcile import reconciliation_text
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


def test_a_row_within_its_retention_is_lost_as_before(empty, refused, keeping):
    """Retention explains nothing that went before its time."""
    topics = flow(6)
    record(empty, refused, topics)
    keeping(decisions=AGE_DAYS + 10)
    empty.client().command("DELETE FROM loanstream.decisions_log WHERE application_id = 'a-003'")
    assert [(kind, table) for kind, table, *_ in found(reconciled(empty, topics))] == [("lost", "decisions_log")]


def test_a_row_that_is_past_and_still_there_is_compared(empty, refused, keeping):
    """A merge takes rows when it comes; until then they have to be as their records."""
    topics = flow(3)
    keeping(decisions=AGE_DAYS + 10)
    record(empty, refused, topics)
    empty.client().command("SYSTEM STOP TTL MERGES loanstream.outcomes_log")
    result = reconciled(empty, topics)
    assert result.compared["decisions_log"] == 3
    assert found(result) == []


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
