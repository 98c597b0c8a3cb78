"""What reconcile does not take for true: rows from beyond a topic's end, rows of letters, rows whose records are gone."""

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from bank_topics import (
    APPLICATIONS,
    DEAD,
    DECISIONS,
    HANDLED,
    START,
    VERIFICATIONS,
    altered,
    example,
    flow,
    found,
    reconciled,
    record,
)

from loanstream.ask.kept import BESIDE, KEPT, UNPROVEN
from loanstream.ask.kept import altered as altered_columns
from loanstream.ask.origins import origins_since_ms
from loanstream.ask.reconcile import COMPARED
from loanstream.ask.tally import decision_records
from loanstream.cli.reconcile import reconciliation_text
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.record.rows import RECORDINGS, rows_as_stored, rows_of
from schemas.decode import Undecodable, why_unreadable
from schemas.records import MemoryMessage, Unreadable
from stores.topics import MemoryTopics
from stores.warehouse.pages import Digests, Stored, StoredRows

OUTCOMES = "loan.outcomes.v1.bank-a"


class Growing(MemoryTopics):
    """Topics whose last `late` decisions come after the first look at their ends."""

    def __init__(self, topics, late):
        super().__init__(topics)
        self._late = self.records[DECISIONS, 0][-late:]
        del self.records[DECISIONS, 0][-late:]

    def bounds(self, topics):
        bounds = super().bounds(topics)
        self.records[DECISIONS, 0] += self._late
        self._late = []
        return bounds


def copied(server, table, changes, where):
    """Put in by hand what is a copy of a row but for `changes`."""
    server.client().command(
        f"INSERT INTO loanstream.{table} SELECT * REPLACE ({changes}) FROM loanstream.{table} WHERE {where}"
    )


def test_a_row_from_beyond_the_topic_s_end_is_one_too_many(empty, refused):
    """Who makes up a decision and an offset for it is found out, whatever time it claims."""
    topics = flow(4)
    record(empty, refused, topics)
    claims = "9999 AS kafka_offset, now64(3) AS kafka_timestamp"
    copied(empty, "decisions_log", claims, "application_id = 'a-001'")
    copied(empty, "decisions_log", "77 AS kafka_partition", "application_id = 'a-002'")
    result = reconciled(empty, topics)
    assert found(result) == [
        ("extra", "decisions_log", "a-001", 9999, ()),
        ("extra", "decisions_log", "a-002", 4, ()),
    ]
    assert result.later["decisions_log"] == 0


def test_a_row_of_no_topic_is_one_too_many(empty, refused):
    """A row that names another bank, or no topic there is, stands in no comparison: it is named all the same."""
    topics = flow(4, dead={2})
    record(empty, refused, topics)
    copied(empty, "decisions_log", "'nowhere' AS kafka_topic", "application_id = 'a-001'")
    copied(empty, "applications_log", "'bank-b' AS tenant", "application_id = 'a-000'")
    copied(empty, "dead_letters_log", "'loan.control.v1.dlq' AS kafka_topic", "1")
    found_now = [(d.kind, d.table, d.tenant, d.topic) for d in reconciled(empty, topics).differences]
    assert sorted(set(found_now)) == [
        ("extra", "applications_log", "bank-b", APPLICATIONS),
        ("extra", "dead_letters_log", "bank-a", "loan.control.v1.dlq"),
        ("extra", "decisions_log", "bank-a", "nowhere"),
    ]


def test_a_row_of_a_record_that_came_after_the_start_is_held_against_it(empty, refused):
    """What came meanwhile is looked at a second time: as its record it is in order, otherwise it is altered."""
    topics = flow(6)
    record(empty, refused, topics)
    assert reconciled(empty, Growing(topics, 3)).later["decisions_log"] == 3
    altered(empty, "decisions_log", "outcome = 'decline', kafka_timestamp = now64(3)", "application_id = 'a-005'")
    result = reconciled(empty, Growing(topics, 3))
    assert found(result) == [("altered", "decisions_log", "a-005", 10, ("outcome", "kafka_timestamp"))]
    assert result.later["decisions_log"] == 2


def test_decision_records_are_counted_of_the_moment_that_is_compared(empty, refused):
    """Under load the counts fit each other: what came after the start is told as such, and in no other count; a row of
    another partition or topic is no record of that moment.
    """
    topics = flow(6)
    record(empty, refused, topics)
    copied(empty, "decisions_log", "77 AS kafka_partition", "application_id = 'a-002'")
    copied(empty, "decisions_log", "'nowhere' AS kafka_topic", "application_id = 'a-001'")
    result = reconciled(empty, Growing(topics, 4))
    assert (result.compared["decisions_log"], result.later["decisions_log"]) == (2, 4)
    assert (result.decision_records.records, result.decision_records.decisions) == (2, 2)
    assert decision_records(empty.client("reader"), ["bank-a"]).records == 8
    assert decision_records(empty.client("reader"), ["bank-a"], "a-005", ends={(DECISIONS, 0): 10}).records == 0
    assert decision_records(empty.client("reader"), ["bank-a"], "a-005", ends={(DECISIONS, 0): 11}).records == 1
    assert decision_records(empty.client("reader"), ["bank-a"], ends={}).records == 0


def recorded_from_its_letter(empty, refused, *, retained=True):
    """The topics with an outcome whose headers nobody can read, recorded from its letter after all."""
    topics, outcome, stamp = flow(1), example("loan.outcome.recorded"), (2, START)
    key, value = outcome["application_id"].encode(), json.dumps(outcome).encode()
    unreadable = Unreadable(OUTCOMES, 0, 4, key, None, None, stamp, "unreadable_headers", "", value, has_original=True)
    told = why_unreadable(unreadable)
    letter = dead_letter(unreadable, told.cause, told.errors, Worker("record", "record-0", "1", lambda: START))
    topics[OUTCOMES, 0] = [unreadable]
    topics[f"{OUTCOMES}.dlq", 0] = [MemoryMessage(f"{OUTCOMES}.dlq", 0, 2, key, letter.value, None, stamp)]
    origin = {"topic": OUTCOMES, "partition": 0, "offset": 4, "timestamp_ms": START}
    lies = origin | {"topic": f"{OUTCOMES}.dlq", "offset": 2}
    said = {"action": "recorded", "reason": None, "origin": origin, "letter": lies, "stage": "record"}
    handled = json.dumps(example("loan.dead_letter.handled") | said).encode()
    topics[HANDLED, 0] = [MemoryMessage(HANDLED, 0, 0, b"k", handled, None, stamp)]
    record(empty, refused, topics)
    record(empty, refused, {(OUTCOMES, 0): [MemoryMessage(OUTCOMES, 0, 4, key, value, None, stamp)]})
    if not retained:
        topics[f"{OUTCOMES}.dlq", 0] = [replace(topics[f"{OUTCOMES}.dlq", 0][0], _offset=9, _value=b"{}")]
    return topics


@pytest.mark.parametrize("retained", [True, False], ids=["letter in its topic", "letter in the warehouse alone"])
def test_a_row_from_a_letter_is_held_against_the_letter(empty, refused, retained):
    """That a letter was recorded after all excuses what the letter says, and nothing else."""
    topics = recorded_from_its_letter(empty, refused, retained=retained)
    result = reconciled(empty, topics)
    assert (result.differences, result.from_letters) == ([], {"outcomes_log": 1})
    altered(empty, "outcomes_log", "actor = 'somebody'", "kafka_offset = 4")
    assert found(reconciled(empty, topics)) == [("altered", "outcomes_log", "example-0001", 4, ("actor",))]


def gone(empty, refused):
    """The topics of three applications and an outcome after retention took all; two letters, too."""
    topics = flow(5, dead={3, 4}, origins=True)
    value = json.dumps(example("loan.outcome.recorded") | {"application_id": "a-001"}).encode()
    topics[OUTCOMES, 0] = [MemoryMessage(OUTCOMES, 0, 0, b"a-001", value, None, (2, START))]
    record(empty, refused, topics)
    for place, records in topics.items():
        if records:
            topics[place] = [MemoryMessage(*place, 500, b"k", b"{", None, (2, START))]
    return Retained(topics)


class Retained(MemoryTopics):
    """Topics that begin, and end, where nothing is left of what was recorded."""

    def bounds(self, topics):
        return {place: bounds._replace(low=bounds.end) for place, bounds in super().bounds(topics).items()}


def test_what_retention_took_is_held_against_what_the_warehouse_keeps(empty, refused):
    """Every row of a table that keeps its record is held against it, and it is said of which none can be."""
    result = reconciled(empty, gone(empty, refused))
    assert result.differences == []
    there = {
        "applications_log": 3,
        "verifications_log": 3,
        "decisions_log": 3,
        "outcomes_log": 1,
        "dead_letters_log": 2,
    }
    assert +result.held == there
    assert +result.older == there | {"monitoring_log": 3, "features_log": 3}
    assert "of these, held against what the warehouse keeps of their records: 3 applications," in (
        reconciliation_text(result)
    )


ALTERED = {
    "decisions_log": ("outcome = 'decline', score_final = 0.123", ("outcome", "score_final")),
    "verifications_log": ("verification_result = 'suspicious'", ("verification_result",)),
    "applications_log": (
        "cibil_score = 899, kafka_timestamp = kafka_timestamp + 1",
        ("cibil_score", "kafka_timestamp"),
    ),
    "outcomes_log": ("actor = 'somebody'", ("content_sha256",)),
    "dead_letters_log": ("cause = 'too_large'", ("cause",)),
}


@pytest.mark.parametrize("table", ALTERED)
def test_an_altered_column_is_found_after_retention(empty, refused, table):
    """Where no topic has the record any more, a column that does not say what its record said is found and named."""
    topics = gone(empty, refused)
    change, fields = ALTERED[table]
    altered(empty, table, change, "kafka_offset = 0")
    assert [(d.kind, d.table, set(d.fields), d.offset) for d in reconciled(empty, topics).differences] == [
        ("altered", table, set(fields), 0)
    ]


class Columns(StoredRows):
    """A table whose columns are those of a row: no warehouse is asked."""

    def __init__(self, table, row):
        self.table, self.columns = table, tuple(row)


SAYS_WHERE = {"kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp"}
SAYS_WHERE |= {f"origin_{part}" for part in ("topic", "partition", "offset")}


def kept_rows():
    """A row of each table that keeps its record, with what its seal holds."""
    topics = flow(2, dead={1}, origins=True)
    value = json.dumps(example("loan.outcome.recorded") | {"application_id": "a-001"}).encode()
    topics[OUTCOMES, 0] = [MemoryMessage(OUTCOMES, 0, 0, b"a-001", value, None, (2, START))]
    for name in (VERIFICATIONS, DECISIONS, DEAD, OUTCOMES):
        (table, row), *_ = rows_of(topics[name, 0][0], Digests())
        yield table, Stored(row, topics[name, 0][0].value())


@pytest.mark.parametrize(("table", "stored"), kept_rows(), ids=lambda found: found if isinstance(found, str) else "")
def test_no_column_may_say_something_else_than_the_record(table, stored):
    """Whichever column of a row is altered, it is seen; where the row says that it lies is not in its record."""
    rows = Columns(table, stored.row)
    assert altered_columns(rows, stored) == ()
    for name, value in stored.row.items():
        if name in SAYS_WHERE or name == KEPT[table].column:
            continue
        other = "decline" if name == "outcome" else {str: f"{value}x", int: 7, float: 0.25}.get(type(value), ["x"])
        assert altered_columns(rows, Stored({**stored.row, name: other}, stored.plain)), name
    broken = {**stored.row, KEPT[table].column: "x"}
    assert altered_columns(rows, Stored(broken, None)) == (KEPT[table].column,)


def test_an_application_may_be_held_against_no_other_application_s_event(empty, refused):
    """Two applications of one id: each is held against the event of its own record."""
    topics = flow(2, origins=True)
    second = topics[APPLICATIONS, 0][1]
    renamed = json.loads(second.value()) | {"application_id": "a-000", "annual_income": "123.00"}
    topics[APPLICATIONS, 0][1] = replace(second, _key=b"a-000", _value=json.dumps(renamed).encode())
    event = json.loads(topics[VERIFICATIONS, 0][1].value())
    event["application"] |= {"application_id": "a-000", "annual_income": "123.00"}
    topics[VERIFICATIONS, 0][1] = replace(topics[VERIFICATIONS, 0][1], _value=json.dumps(event).encode())
    record(empty, refused, {place: topics[place] for place in ((APPLICATIONS, 0), (VERIFICATIONS, 0))})
    topics = Retained(
        {
            (name, 0): [MemoryMessage(name, 0, 500, b"k", b"{", None, (2, START))]
            for name in (APPLICATIONS, VERIFICATIONS)
        }
    )
    result = reconciled(empty, topics, patience_s=0.2)
    assert (found(result), result.held["applications_log"]) == ([], 2)
    altered(empty, "applications_log", "annual_income = 7200000", "kafka_offset = 2")
    assert [d.fields for d in reconciled(empty, topics, patience_s=0.2).differences] == [("annual_income",)]


def taken_blank(empty, refused):
    """The topics with an outcome of a blank reason, which a former version took, and its row."""
    topics = flow(1, origins=True)
    said = example("loan.outcome.recorded") | {"application_id": "a-000"}
    said |= {"kind": "human_decision", "decision": "approve", "actor": "a person", "reason": " "}
    message = MemoryMessage(OUTCOMES, 0, 0, b"a-000", json.dumps(said).encode(), None, (2, START))
    record(empty, refused, topics)
    [(table, row)] = rows_as_stored(message, Digests())
    with pytest.raises(Undecodable):
        rows_of(message, Digests())
    columns = ", ".join(row)
    empty.client().command(
        f"INSERT INTO loanstream.{table} ({columns}) SETTINGS date_time_input_format = 'best_effort' "
        f"FORMAT JSONEachRow {json.dumps(row)}"
    )
    return topics | {(OUTCOMES, 0): [message]}


@pytest.mark.parametrize("retention", [False, True], ids=["in its topic", "after retention"])
def test_an_outcome_that_a_former_version_took_is_read_as_it_was_then(empty, refused, retention):
    """What today's checks would refuse was right when it was taken: its row is no difference, until somebody alters it."""
    topics = taken_blank(empty, refused)
    if retention:
        topics = Retained(topics)
    result = reconciled(empty, topics, patience_s=0.2)
    assert result.differences == []
    assert +result.taken_then == ({} if retention else {"outcomes_log": 1})
    assert result.held["outcomes_log"] == retention
    altered(empty, "outcomes_log", "decision = 'decline'", "1")
    [difference] = reconciled(empty, topics, patience_s=0.2).differences
    assert (difference.kind, difference.table) == ("altered", "outcomes_log")
    assert difference.fields == (("content_sha256",) if retention else ("decision",))


ORIGIN_COLUMNS = ("origin_topic", "origin_partition", "origin_offset")


def erase_origins(server, table, where="1"):
    """What a row of a former version looks like."""
    altered(server, table, ", ".join(f"{name} = NULL" for name in ORIGIN_COLUMNS), where)


@pytest.mark.parametrize("late", [0, 1], ids=["there at the start", "come since"])
def test_a_row_whose_origin_was_erased_is_altered(empty, refused, late):
    """While a record's header tells its application, a row that does not is told, also where it came later."""
    topics = flow(3, origins=True)
    record(empty, refused, topics)
    erase_origins(empty, "verifications_log", "kafka_offset = 2")
    erase_origins(empty, "decisions_log", "kafka_offset = 4")
    result = reconciled(empty, Growing(topics, late) if late else topics)
    told = {(str(d.kind), d.table, d.fields) for d in result.differences}
    assert told == {("altered", name, ORIGIN_COLUMNS) for name in ("verifications_log", "decisions_log")}
    assert +result.without_origin == {}


@pytest.mark.parametrize("since_ms", [0, START + 1_000], ids=["of this version", "of a former version"])
def test_an_origin_erased_after_retention_is_told_and_hides_nothing(empty, refused, monkeypatch, since_ms):
    """Rows of a time when all had an origin are told as unproven without one; an application is then held against the
    event of its own moment. Of a former version's rows nothing is concluded.
    """
    monkeypatch.setattr("loanstream.ask.comparison.origins_since_ms", lambda _: since_ms)
    topics = gone(empty, refused)
    for table in ("verifications_log", "decisions_log"):
        erase_origins(empty, table)
    altered(empty, "applications_log", "annual_income = 99000000", "application_id = 'a-001'")
    result = reconciled(empty, topics)
    counted = {"verifications_log": 3, "decisions_log": 3}
    if since_ms:
        assert ([*result.differences], +result.without_origin, +result.origin_lost) == ([], counted, {})
    else:
        assert [(d.table, d.fields) for d in result.differences] == [("applications_log", ("annual_income",))]
        assert (+result.without_origin, +result.origin_lost) == ({}, counted)
        assert "not proven: 3 verifications, 3 decisions" in reconciliation_text(result)


def test_when_origins_came_is_the_moment_of_their_migration(empty):
    """Rows are taken for older only by what the warehouse says of its own migrations; else none is."""
    assert START < origins_since_ms(empty.client("reader")) <= time.time_ns() // 1_000_000
    assert origins_since_ms(Nothing()) == 0


class Nothing:
    """A warehouse that knows of no migration."""

    def query(self, *_, **__):
        return SimpleNamespace(result_rows=[])


def test_every_table_that_is_compared_keeps_its_record_or_says_why_not():
    """No table is forgotten: it is held against something, or there is a reason."""
    tables = {table for key in COMPARED for table in RECORDINGS[key].tables}
    assert tables == KEPT.keys() | BESIDE.keys() | UNPROVEN.keys()


def test_an_application_whose_decision_retention_took_is_not_undecided(empty, refused):
    """Its decision is in the warehouse: nobody waits for it, and it is told why the topics do not have it."""
    topics = flow(8, dead={2}, origins=True)
    record(empty, refused, topics)
    topics[DECISIONS, 0] = topics[DECISIONS, 0][4:]
    topics[DEAD, 0] = [MemoryMessage(DEAD, 0, 500, b"k", b"{", None, (2, START))]
    record(empty, refused, {(DEAD, 0): topics[DEAD, 0]})
    refused.clear()
    begun, said = time.monotonic(), []
    result = reconciled(empty, topics, say=said.append)
    assert result.differences == []
    assert result.ended_before == {"applications": 5}
    assert (said, time.monotonic() - begun < 3) == ([], True)
    assert "the warehouse has them: 5 applications" in reconciliation_text(result)

    empty.client().command(
        "ALTER TABLE loanstream.decisions_log DELETE WHERE application_id = 'a-001' SETTINGS mutations_sync = 2"
    )
    result = reconciled(empty, topics, patience_s=0.2)
    assert [(kind, name) for kind, _, name, *_ in found(result)] == [("undecided", "a-001")]


def test_a_longer_wait_says_for_what(empty, refused, monkeypatch):
    """Nobody looks at a silent screen: what is waited for is told."""
    monkeypatch.setattr("loanstream.ask.waiting.TOLD_AFTER_S", 0.1)
    topics = flow(3)
    topics[DECISIONS, 0] = topics[DECISIONS, 0][1:]
    record(empty, refused, topics)
    said = []
    reconciled(empty, topics, patience_s=0.5, say=said.append)
    assert said == ["waiting for 1 applications of bank-a to be decided"]


def test_retention_that_goes_on_meanwhile_is_told_and_followed(empty, refused):
    """Where the next record is gone, the comparison goes on with the first one that is there."""
    topics = flow(10, origins=True)
    record(empty, refused, topics)

    class Forgetting(MemoryTopics):
        def read(self, partition, bounds):
            for message in super().read(partition, bounds):
                yield message
                if (message.topic(), message.offset()) == (DECISIONS, 4):
                    del self.records[partition][:6]

    said = []
    result = reconciled(empty, Forgetting(topics), say=said.append)
    assert result.differences == []
    assert result.compared["decisions_log"] == 3 + 4
    assert result.older["decisions_log"] == result.held["decisions_log"] == 3
    assert said[0] == (
        "retention took records of loan.decisions.v1.bank-a[0] meanwhile; going on from offset 12, where it begins now"
    )
