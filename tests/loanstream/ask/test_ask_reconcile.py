"""Reconcile against the real engine, with the topics in memory."""

import json
from dataclasses import replace

import pytest
from bank_topics import (
    APPLICATIONS,
    CIPHER,
    DEAD,
    DECISIONS,
    HANDLED,
    START,
    VERIFICATIONS,
    example,
    flow,
    found,
    reconciled,
    record,
)

from loanstream.ask.balance import Balance
from loanstream.ask.comparison import SinkBehind
from loanstream.ask.reconcile import compare
from loanstream.cli.reconcile import reconciliation_json, reconciliation_text
from processors.deadletters import dead_letter
from processors.identity import Worker
from schemas.decode import why_unreadable
from schemas.headers import ORIGIN
from schemas.records import MemoryMessage, Unreadable
from schemas.values import rfc3339_of_ms
from stores.topics import MemoryTopics
from stores.warehouse.repeats import REPEATS, mend_repeats


def test_an_equal_warehouse_has_no_differences(empty, refused):
    """Nothing is reported where every record has its row and every application its end."""
    topics = flow(30, dead={7})
    record(empty, refused, topics)
    result = reconciled(empty, topics)
    assert result.differences == []
    assert result.exit_code == 0
    assert result.compared["applications_log"] == result.compared["decisions_log"] == 29
    assert result.compared["dead_letters_log"] == 1


def test_a_discarded_letter_is_still_the_end_of_its_application(empty, refused):
    """The books balance as before; the discard itself is a record that is compared like any other."""
    topics = flow(6, dead={2, 3})
    event = example("loan.dead_letter.handled")
    for number, dead in enumerate(topics[DEAD, 0]):
        letter, origin = json.loads(dead.value()), event["letter"] | {"partition": 0, "offset": dead.offset()}
        value = json.dumps(event | {"origin": letter["origin"], "letter": origin}).encode()
        topics.setdefault((HANDLED, 0), []).append(MemoryMessage(HANDLED, 0, number, b"k", value, None, (2, START)))
    record(empty, refused, topics)
    result = reconciled(empty, topics)
    assert result.differences == []
    assert (result.compared["dead_letters_log"], result.compared["letters_handled_log"]) == (2, 2)
    empty.client().command("DELETE FROM loanstream.letters_handled_log WHERE kafka_offset = 0")
    empty.client().command(
        "ALTER TABLE loanstream.letters_handled_log UPDATE actor = 'nobody' WHERE kafka_offset = 1 SETTINGS mutations_sync = 1"
    )
    assert found(reconciled(empty, topics)) == [
        ("altered", "letters_handled_log", None, 1, ("actor",)),
        ("lost", "letters_handled_log", None, 0, ()),
    ]


def test_a_row_made_from_a_letter_s_original_is_explained(empty, refused):
    """Of an outcome whose headers nobody can read the record makes no row; a redrive of its letter made one."""
    topics, name = flow(1), "loan.outcomes.v1.bank-a"
    outcome, stamp = example("loan.outcome.recorded"), (2, START)
    key, value = outcome["application_id"].encode(), json.dumps(outcome).encode()
    unreadable = Unreadable(name, 0, 4, key, None, None, stamp, "unreadable_headers", "UTF-8", value, has_original=True)
    told = why_unreadable(unreadable)
    letter = dead_letter(unreadable, told.cause, told.errors, Worker("record", "record-0", "1", lambda: START))
    topics[name, 0] = [unreadable]
    topics[f"{name}.dlq", 0] = [MemoryMessage(f"{name}.dlq", 0, 0, key, letter.value, None, stamp)]
    record(empty, refused, topics)
    assert refused == [(4, "unreadable_headers", ["(record)"])]
    assert reconciled(empty, topics).differences == []

    readable = MemoryMessage(name, 0, 4, key, value, None, stamp)
    record(empty, refused, {(name, 0): [readable]})
    assert [(kind, place) for kind, _, _, place, _ in found(reconciled(empty, topics))] == [("extra", 4)]

    origin = {"topic": name, "partition": 0, "offset": 4, "timestamp_ms": START}
    lying = origin | {"topic": f"{name}.dlq", "offset": 0}
    changes = {"action": "recorded", "reason": None, "origin": origin, "letter": lying, "stage": "record"}
    handled = json.dumps(example("loan.dead_letter.handled") | changes).encode()
    topics[HANDLED, 0] = [MemoryMessage(HANDLED, 0, 0, b"k", handled, None, stamp)]
    record(empty, refused, {(HANDLED, 0): topics[HANDLED, 0]})
    result = reconciled(empty, topics)
    assert (result.differences, result.from_letters) == ([], {"outcomes_log": 1})
    assert "recorded from their letters, as the records cannot be read: 1 outcomes" in reconciliation_text(result)


def test_deleted_duplicated_and_altered_rows_are_named(empty, refused):
    """A row that is missing, one that stands twice and one with another value are each found and named."""
    topics = flow(30)
    record(empty, refused, topics)
    client = empty.client()
    client.command(
        "ALTER TABLE loanstream.decisions_log DELETE WHERE application_id = 'a-003' SETTINGS mutations_sync = 2"
    )
    client.command(
        "INSERT INTO loanstream.verifications_log SELECT * FROM loanstream.verifications_log WHERE application_id = 'a-004'"
    )
    client.command(
        "ALTER TABLE loanstream.decisions_log UPDATE score_final = 0.31 WHERE application_id = 'a-005' SETTINGS mutations_sync = 1"
    )
    client.command(
        "INSERT INTO loanstream.applications_log SELECT * REPLACE (27 AS kafka_offset) FROM loanstream.applications_log WHERE application_id = 'a-006'"
    )
    result = reconciled(empty, topics)
    assert found(result) == [
        ("altered", "decisions_log", "a-005", 10, ("score_final",)),
        ("duplicated", "verifications_log", "a-004", 8, ()),
        ("extra", "applications_log", "a-006", 27, ()),
        ("lost", "decisions_log", "a-003", 6, ()),
    ]
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("applications_log", "personal_encrypted"),
        ("verifications_log", "event_encrypted"),
        ("dead_letters_log", "event_encrypted"),
    ],
)
def test_an_altered_seal_is_named(empty, refused, table, column):
    """An encrypted column that was changed, or moved from another row, is an altered row."""
    topics = flow(4, dead={2, 3})
    record(empty, refused, topics)
    empty.client().command(
        f"ALTER TABLE loanstream.{table} UPDATE {column} = concat(substring({column}, 1, 40), 'AAAA', substring({column}, 45)) "
        "WHERE kafka_offset = 0 SETTINGS mutations_sync = 1"
    )
    assert [(d.kind, d.table, d.fields) for d in reconciled(empty, topics).differences] == [
        ("altered", table, (column,))
    ]


def test_an_application_without_an_end_is_named(empty, refused):
    """An application that became neither decision nor dead letter is undecided; one that became both was made twice."""
    topics = flow(10, dead={2})
    topics[DECISIONS, 0] = [message for message in topics[DECISIONS, 0] if message.key() != b"a-005"]
    twice = topics[DECISIONS, 0][0]
    extra = MemoryMessage(DECISIONS, 0, 100, twice.key(), twice.value(), None, twice.timestamp())
    topics[DECISIONS, 0].append(extra)
    record(empty, refused, topics)
    result = reconciled(empty, topics, patience_s=0.2)
    assert [(kind, key) for kind, _, key, _, _ in found(result)] == [("made_twice", "a-000"), ("undecided", "a-005")]


def test_a_repeat_by_the_bank_is_no_difference(empty, refused):
    """The same application sent twice ends in two decision records, and that is right."""
    topics = flow(5)
    for (topic, _), messages in topics.items():
        if not messages:
            continue
        value = json.loads(messages[1].value())
        if "accepted_at" in value:
            value["accepted_at"] = rfc3339_of_ms(START + 999)
        messages.append(
            MemoryMessage(topic, 0, 90, messages[1].key(), json.dumps(value).encode(), None, (2, START + 999))
        )
    record(empty, refused, topics)
    assert reconciled(empty, topics).differences == []


def test_a_sink_that_stands_still_is_said(empty, refused):
    """Reconcile does not compare with a warehouse that is behind: it says which partition is."""

    class Behind(MemoryTopics):
        def recorded(self, partitions):
            return dict.fromkeys(partitions, 0)

    with pytest.raises(SinkBehind, match="bank-a"):
        compare(empty.client("reader"), Behind(flow(3)), ["bank-a"], CIPHER, patience_s=0.1)


def test_what_was_deleted_by_retention_is_not_missed(empty, refused):
    """Rows whose records are no longer retained are not extra."""
    topics = flow(10)
    record(empty, refused, topics)
    topics[APPLICATIONS, 0] = topics[APPLICATIONS, 0][4:]
    assert reconciled(empty, topics).differences == []


def test_counts_that_are_not_the_same_elsewhere_are_explained(empty, refused):
    """What retention took, what became a dead letter and what repeats is counted, and said in words."""
    topics = flow(10, dead={7})
    again = topics[DECISIONS, 0][5]
    topics[DECISIONS, 0].append(MemoryMessage(DECISIONS, 0, 90, again.key(), again.value(), None, again.timestamp()))
    record(empty, refused, topics)
    topics[DECISIONS, 0] = topics[DECISIONS, 0][2:]
    topics[APPLICATIONS, 0] = topics[APPLICATIONS, 0][2:]
    result = reconciled(empty, topics, patience_s=0.2)
    assert result.older["decisions_log"] == 2
    assert result.rowless == {"applications": 1} | dict.fromkeys(set(result.rowless) - {"applications"}, 0)
    records = result.decision_records
    assert (records.records, records.decisions, records.repeats) == (10, 9, 1)
    assert result.compared["decisions_log"] + result.older["decisions_log"] == records.records
    text = reconciliation_text(result)
    assert "a dead letter instead: 1 applications" in text
    assert "no longer hold their records: 2 applications, 2 monitoring, 2 decisions" in text
    assert "10 decision records: 9 decisions, 1 repeating one, 0 conflicting with one" in text
    json.dumps(reconciliation_json(result))


def test_rows_of_a_former_version_without_origins_are_counted_not_altered(empty, refused):
    """Rows whose records name no application's record are of a former version, and as their records."""
    topics = flow(3)
    record(empty, refused, topics)
    result = reconciled(empty, topics)
    assert result.differences == []
    assert +result.without_origin == {"verifications_log": 3, "decisions_log": 3}
    assert "without the place of the application's record: 3 verifications, 3 decisions" in reconciliation_text(result)


def test_a_row_of_another_origin_is_altered(empty, refused):
    """A decision that names another application's record than its own record does is told."""
    topics = flow(2)
    own = [(ORIGIN, b"loan.applications.v1.bank-a/0/0")]
    topics[DECISIONS, 0] = [replace(message, _headers=own) for message in topics[DECISIONS, 0]]
    record(empty, refused, topics)
    empty.client().command(
        "ALTER TABLE loanstream.decisions_log UPDATE origin_offset = 5 WHERE kafka_offset = 0 SETTINGS mutations_sync = 1"
    )
    assert [(d.kind, d.fields) for d in reconciled(empty, topics).differences] == [("altered", ("origin_offset",))]


def test_many_pages_are_read(empty, refused, monkeypatch):
    """A table larger than a page is compared completely, also where one application has many records."""
    monkeypatch.setattr("stores.warehouse.pages.PAGE", 7)
    topics = flow(40, dead=set(range(20)))
    often = topics[DECISIONS, 0][3]
    topics[DECISIONS, 0] += [
        MemoryMessage(DECISIONS, 0, offset, often.key(), often.value(), None, often.timestamp())
        for offset in range(200, 220)
    ]
    record(empty, refused, topics)
    empty.client().command(
        "ALTER TABLE loanstream.decisions_log DELETE WHERE application_id = 'a-033' SETTINGS mutations_sync = 2"
    )
    empty.client().command("DELETE FROM loanstream.dead_letters_log WHERE kafka_offset = 30")
    differences = reconciled(empty, topics, patience_s=0.2).differences
    assert sorted((d.kind, d.offset) for d in differences if d.kind != "made_twice") == [("lost", 26), ("lost", 30)]


def test_a_redriven_verification_begins_anew():
    """A verification that was dead-lettered and sent back owes one more end, and gets it."""
    topics = flow(1)
    [verification], [decision] = topics[VERIFICATIONS, 0], topics[DECISIONS, 0]
    worker = Worker("score", "score-0", "1", lambda: START)
    letter = dead_letter(verification, "internal_error", [], worker)
    again = MemoryMessage(
        VERIFICATIONS, 0, 8, verification.key(), verification.value(), [("loanstream-attempts", b"1")], (2, START + 50)
    )
    books = Balance("bank-a")
    books.put("applications", topics[APPLICATIONS, 0][0])
    books.put("verifications", verification)
    books.put("verifications", again)
    books.put(
        "verifications_dlq",
        MemoryMessage("loan.verifications.v1.bank-a.dlq", 0, 0, letter.key, letter.value, None, (2, 1)),
    )
    assert books.undecided == 1
    books.put("decisions", decision)
    assert books.differences(whole=True) == []


def test_a_wrong_set_of_repeats_is_a_difference_and_its_mending_is_named(empty, refused):
    """What a former record stage did not note is named, with the command that puts it right; then all is equal."""
    topics = flow(5)
    again = topics[DECISIONS, 0][3]
    topics[DECISIONS, 0].append(MemoryMessage(DECISIONS, 0, 90, again.key(), again.value(), None, again.timestamp()))
    topics[APPLICATIONS, 0] = []  # whose end this is, is not asked
    record(empty, refused, topics)
    client = empty.client()
    client.command("TRUNCATE TABLE loanstream.decision_repeats_log")
    client.command(f"INSERT INTO loanstream.decision_repeats_log VALUES ('bank-a', '{DECISIONS}', 0, 0)")
    result = reconciled(empty, topics, patience_s=0.2)
    assert [one for one in found(result) if one[1] == REPEATS] == [
        ("extra", REPEATS, "a-000", 0, ()),
        ("lost", REPEATS, "a-003", 90, ()),
    ]
    assert result.exit_code == 1
    assert "`loanstream reconcile --mend`" in reconciliation_text(result)
    json.dumps(reconciliation_json(result))
    mend_repeats(client, result.wrong_repeats)
    mended = reconciled(empty, topics, patience_s=0.2)
    assert [one for one in found(mended) if one[1] == REPEATS] == []
    assert "--mend" not in reconciliation_text(mended)


def test_features_are_held_against_what_scoring_makes(empty, refused, monkeypatch):
    """A vector that is missing, or says something else than scoring makes of the application, is named."""
    topics = flow(4)
    record(empty, refused, topics)
    client = empty.client()
    assert reconciled(empty, topics).compared["features_log"] == 4
    client.command(
        "ALTER TABLE loanstream.features_log UPDATE features = map('lti', 0.5) WHERE application_id = 'a-001' "
        "SETTINGS mutations_sync = 2"
    )
    client.command(
        "ALTER TABLE loanstream.features_log DELETE WHERE application_id = 'a-002' SETTINGS mutations_sync = 2"
    )
    of_before = reconciled(empty, topics)
    assert found(of_before) == [("altered", "features_log", "a-001", 2, ("features",))]
    assert of_before.without_features == {"features_log": 1}
    assert "which kept no features: 1 features" in reconciliation_text(of_before)
    monkeypatch.setattr("loanstream.ask.comparison.applied_ms", lambda *_: 0)
    assert found(reconciled(empty, topics)) == [
        ("altered", "features_log", "a-001", 2, ("features",)),
        ("lost", "features_log", "a-002", 4, ()),
    ]
