"""The sink, against the real engine behind its HTTP front."""

import base64
import json
from pathlib import Path

import pytest

from processors.stages.record import rows
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from processors.transport.specs import Retry
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher, SealBroken

EXAMPLES = Path(__file__).parents[4] / "schemas" / "examples"
CIPHER = ColumnCipher(b"k" * 32)
NOW = 1_770_888_600_120


def example(name, **changes):
    event = json.loads((EXAMPLES / f"{name}.json").read_text())
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = event
        for parent in parents:
            part = part[parent]
        part[last] = value
    return event


def message(topic, offset, event, key=b"example-0002"):
    value = event if isinstance(event, bytes) else json.dumps(event).encode()
    return MemoryMessage(topic, 0, offset, key, value, None, (2, NOW))


def decisions(count, first=0, **changes):
    return [
        message(
            "loan.decisions.v1.bank-a", offset, example("loan.decision.made", application_id=f"a-{offset}", **changes)
        )
        for offset in range(first, first + count)
    ]


def whole(messages):
    return OffsetRange(messages[0].topic(), 0, messages[0].offset(), messages[-1].offset() + 1)


def put(sink, messages):
    sink.write(whole(messages), sink.prepare(messages))


@pytest.fixture
def sink(empty, refused):
    return WarehouseSink(empty.client, CIPHER, refused)


def test_each_event_has_its_row(empty, sink, refused):
    """One record of every kind becomes one row of its public view."""
    application = example("loan.application.submitted.with-documents", monitoring={"gender": "f"})
    kinds = {
        "applications": ("loan.applications.v1.bank-a", application),
        "verifications": ("loan.verifications.v1.bank-a", example("loan.application.verified")),
        "decisions": ("loan.decisions.v1.bank-a", example("loan.decision.made")),
        "outcomes": ("loan.outcomes.v1.bank-a", example("loan.outcome.recorded")),
        "dead_letters": ("loan.applications.v1.bank-a.dlq", example("loan.dead_letter")),
        "letters_handled": ("loan.letters.handled.v1", example("loan.dead_letter.handled")),
        "activations": ("loan.control.v1", example("loan.activation.published")),
        "service_metrics": ("loan.metrics.v1", example("loan.service.measured")),
    }
    client = empty.client("reader")
    for view, (topic, event) in kinds.items():
        record = message(topic, 7, event, event.get("application_id", "example-0002").encode())
        sink.write(OffsetRange(topic, 0, 5, 8), sink.prepare([record]))
        found = client.query(f"SELECT kafka_topic, kafka_offset FROM loanstream.{view}").result_rows
        assert found == [(topic, 7)], view
    assert refused == []
    assert client.query("SELECT gender FROM loanstream.monitoring_log").result_rows == [("f",)]


def test_what_a_letter_does_not_know_is_null(empty, sink, refused):
    """Of a record that could not be handed over nobody knows hash and size; an empty hash would be a found one."""
    unknown = dict.fromkeys(("key_base64", "value_base64", "value_sha256", "value_size", "headers"))
    put(sink, [message("loan.applications.v1.bank-a.dlq", 7, example("loan.dead_letter", **unknown))])
    assert refused == []
    found = empty.client("reader").query("SELECT value_sha256, value_size FROM loanstream.dead_letters").result_rows
    assert found == [(None, None)]


def test_a_withdrawal_is_seen_in_the_activations(empty, sink, refused):
    """It names what it withdraws, and an activation nothing."""
    names = ("loan.activation.published", "loan.activation.published.withdrawal")
    put(sink, [message("loan.control.v1", offset, example(name)) for offset, name in enumerate(names)])
    assert refused == []
    found = empty.client("reader").query("SELECT bundle_id, withdraws FROM loanstream.activations").result_rows
    bundle_id = example("loan.activation.published")["bundle_id"]
    assert found == [(bundle_id, None), (None, example("loan.activation.published")["activation_id"])]


def test_a_rollback_is_seen_in_the_activations(empty, sink, refused):
    """It names what it takes back, and an activation of an earlier release nothing."""
    names = ("loan.activation.published", "loan.activation.published.rollback")
    put(sink, [message("loan.control.v1", offset, example(name)) for offset, name in enumerate(names)])
    assert refused == []
    found = empty.client("reader").query("SELECT rolls_back FROM loanstream.activations").result_rows
    assert found == [(None,), (example(names[1])["rolls_back"],)]


def test_a_dead_letter_is_seen_as_it_stands(empty, sink, refused):
    """The last thing that was done with it, by whom and why, stands beside the letter; the others wait."""
    letters = [
        example("loan.dead_letter", origin={**example("loan.dead_letter")["origin"], "offset": offset}, stage=stage)
        for offset, stage in ((41, "verify"), (41, "record"), (42, "verify"))
    ]
    put(sink, [message("loan.applications.v1.bank-a.dlq", at, letter) for at, letter in enumerate(letters)])
    discarded = example("loan.dead_letter.handled")
    sent = discarded | {"action": "redriven", "actor": "late", "reason": None, "at": "2026-02-11T00:00:00.000Z"}
    control = example(
        "loan.dead_letter.handled", tenant=None, stage="record", origin=discarded["origin"] | {"offset": 9}
    )
    handled = [message("loan.letters.handled.v1", at, event) for at, event in enumerate((discarded, sent, control))]
    columns = "origin_offset, stage, action, action_by, action_reason, toString(action_at)"
    told = f"SELECT {columns} FROM loanstream.dead_letters ORDER BY kafka_offset"
    waits = [(41, "record", *[None] * 4), (42, "verify", *[None] * 4)]
    put(sink, handled[:1])
    assert empty.client("reader").query(told).result_rows == [
        (41, "verify", "discarded", "j.doe", discarded["reason"], "2026-02-10 11:02:17.400"),
        *waits,
    ]
    put(sink, handled[1:])
    assert refused == []
    assert empty.client("reader").query(told).result_rows == [
        (41, "verify", "redriven", "late", None, "2026-02-11 00:00:00.000"),
        *waits,
    ]
    shared = "SELECT tenant, letter_topic, reason FROM loanstream.letters_handled WHERE kafka_offset = 2"
    assert empty.client("reader").query(shared).result_rows == [("", control["letter"]["topic"], control["reason"])]


def test_what_a_newer_stage_adds_is_no_reason_to_refuse(empty, sink, refused):
    """Fields that this version does not know, at any depth of a decision, leave its row as it is."""
    newer = example("loan.decision.made", application_id="a-1", fresh={"inside": 1}, receipt__fresh=[1])
    newer["penalties"] = [{"code": "penalty_lti_high", "size": 0.2, "fresh": "x"}]
    newer["reasons"] = [reason | {"fresh": {"inside": 1}} for reason in newer["reasons"]]
    older = example("loan.decision.made", application_id="a-2")
    older["penalties"] = [{"code": "penalty_lti_high", "size": 0.2}]
    put(sink, [message("loan.decisions.v1.bank-a", offset, event) for offset, event in enumerate((newer, older))])
    assert refused == []
    sql = "SELECT penalties, reasons, receipt_key_id FROM loanstream.decisions_log ORDER BY application_id"
    first, second = empty.client("reader").query(sql).result_rows
    assert first == second


def test_written_again_is_written_once(empty, sink):
    """A range written three times, as after crashes, is in the table once."""
    messages = decisions(50)
    for _ in range(3):
        put(sink, messages)
    assert empty.client().query("SELECT count() FROM loanstream.decisions_log").result_rows == [(50,)]


def test_a_range_is_known_by_its_token(empty, sink, refused):
    """A range written again with other bytes in its rows, as after a change of key, is still the same range."""
    verified = [message("loan.verifications.v1.bank-a", 3, example("loan.application.verified"))]
    put(sink, verified)
    put(WarehouseSink(empty.client, ColumnCipher(b"o" * 32), refused), verified)
    assert empty.client().query("SELECT count() FROM loanstream.verifications_log").result_rows == [(1,)]


def test_refused_rows_stand_alone(empty, sink, refused):
    """Rows that break a constraint become dead letters, once a writing; all their neighbours go in, once."""
    messages = decisions(40)
    # The events' own models refuse what the tables refuse, so the test brings a constraint of its own.
    client = empty.client()
    client.command(
        "ALTER TABLE loanstream.decisions_log ADD CONSTRAINT no_17 CHECK application_id NOT IN ('a-17', 'a-3')"
    )
    try:
        for _ in range(2):
            put(sink, messages)
    finally:
        client.command("ALTER TABLE loanstream.decisions_log DROP CONSTRAINT no_17")
    assert refused == [(3, "refused_by_warehouse", ["(row)"]), (17, "refused_by_warehouse", ["(row)"])] * 2
    found = client.query("SELECT count(), uniqExact(kafka_offset) FROM loanstream.decisions_log").result_rows
    assert found == [(38, 38)]


@pytest.mark.parametrize(
    ("topic", "value", "cause"),
    [
        ("loan.decisions.v1.bank-a", b"{nonsense", "invalid_event"),
        ("loan.decisions.v1.bank-a", b"", "invalid_event"),
        ("loan.decisions.v1.bank-b", example("loan.decision.made"), "tenant_mismatch"),
        ("loan.decisions.v1.bank-a", example("loan.decision.made", p_model=1.5), "invalid_event"),
        ("loan.outcomes.v1.bank-a", example("loan.outcome.recorded", application_id="other"), "key_mismatch"),
        ("loan.outcomes.v1.bank-a", b'{"tenant": "bank-a", "tenant": "bank-b"}', "duplicate_key"),
        ("loan.applications.v1.bank-a.dlq", b"[]", "invalid_event"),
    ],
)
def test_what_is_no_event_is_a_dead_letter(empty, sink, refused, topic, value, cause):
    """A record that is not its topic's event becomes a dead letter with its cause."""
    record = message(topic, 4, value)
    put(sink, [record])
    assert [(offset, why) for offset, why, _ in refused] == [(4, cause)]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"not json", b"example-0001"),
        (example("loan.application.submitted"), b"another-key"),
        (example("loan.application.submitted", tenant="bank-b"), b"example-0001"),
        (b" " * (1024 * 1024 + 1), b"example-0001"),
    ],
)
def test_an_invalid_application_is_left_to_verify(empty, sink, refused, value, key):
    """An application that verify refuses makes neither a row nor a second dead letter."""
    record = message("loan.applications.v1.bank-a", 0, value, key)
    put(sink, [record])
    assert refused == []
    assert empty.client().query("SELECT count() FROM loanstream.applications_log").result_rows == [(0,)]


def test_the_first_record_is_the_decision(empty, sink):
    """The decision is the record with the lowest offset, whatever came first into the table; the other is a conflict."""
    other = "e06e2e9d-298d-5145-83ac-08c047940d23"
    later = [
        message("loan.decisions.v1.bank-a", 9, example("loan.decision.made", decision_id=other, outcome="decline"))
    ]
    first = [message("loan.decisions.v1.bank-a", 2, example("loan.decision.made", revision=1))]
    put(sink, later)
    put(sink, first)
    client = empty.client("reader")
    assert client.query("SELECT outcome, kafka_offset FROM loanstream.decisions").result_rows == [("approve", 2)]
    conflict = client.query("SELECT decision_id, decision_ids, outcomes FROM loanstream.conflicts").result_rows
    mine = example("loan.decision.made")["decision_id"]
    assert conflict == [(mine, [mine, other], ["approve", "decline"])]


def test_a_repeat_is_no_conflict(empty, sink):
    """A repeated decision with the same id has one row in the view and none among the conflicts."""
    messages = [message("loan.decisions.v1.bank-a", offset, example("loan.decision.made")) for offset in (1, 2)]
    put(sink, messages)
    client = empty.client("reader")
    assert client.query("SELECT count() FROM loanstream.decisions_log").result_rows == [(2,)]
    assert client.query("SELECT count() FROM loanstream.decisions").result_rows == [(1,)]
    assert client.query("SELECT count() FROM loanstream.conflicts").result_rows == [(0,)]


def test_a_warehouse_that_is_down_is_waited_for(empty, sink, refused):
    """While the warehouse is down nothing is refused; when it is back, the same range goes in once."""
    messages = decisions(10)
    put(sink, messages)
    later = decisions(10, 10)
    empty.stop()
    try:
        with pytest.raises(Retry):
            put(sink, later)
    finally:
        empty.start()
    put(sink, messages)
    put(sink, later)
    assert refused == []
    assert empty.client().query("SELECT count() FROM loanstream.decisions_log").result_rows == [(20,)]


def test_a_missing_table_is_waited_for(empty, refused):
    """A warehouse without its tables is not the rows' fault."""
    client = empty.client()
    client.command("RENAME TABLE loanstream.outcomes_log TO loanstream.aside")
    try:
        record = message("loan.outcomes.v1.bank-a", 0, example("loan.outcome.recorded", application_id="example-0002"))
        with pytest.raises(Retry):
            put(WarehouseSink(empty.client, CIPHER, refused), [record])
    finally:
        client.command("RENAME TABLE loanstream.aside TO loanstream.outcomes_log")
    assert refused == []


def test_no_name_is_readable(empty, sink):
    """What belongs to a person stands in no column in the clear, under any name."""
    canary = "Zebulon Canarywala"
    application = example("loan.application.submitted.with-documents", extensions={"note": canary})
    application["applicant"] |= {
        "name": canary, "employer": canary, "identifiers": [{"kind": "tax", "value": canary}],
    }  # fmt: skip
    verified = example("loan.application.verified")
    verified["application"]["applicant"]["name"] = canary
    for check in verified["checks"]:
        check |= {"claimed": canary, "found": canary}
    for extraction in verified["extractions"]:
        for field in extraction["fields"]:
            field["value"] = canary
    letter = example("loan.dead_letter", headers=[{"name": canary, "value_base64": None}])
    for topic, event in (
        ("loan.applications.v1.bank-a", application),
        ("loan.verifications.v1.bank-a", verified),
        ("loan.applications.v1.bank-a.dlq", letter),
    ):
        record = message(topic, 0, event, event.get("application_id", "x").encode())
        put(sink, [record])
    client = empty.client()
    for table, columns in (("applications_log", 1), ("verifications_log", 1), ("dead_letters_log", 1)):
        text = client.raw_query(f"SELECT * FROM loanstream.{table}", fmt="JSONEachRow").decode()
        assert text.count("\n") == columns, table
        assert canary not in text


def test_a_sealed_value_belongs_to_its_row():
    """A sealed value opens in its own place under its own key, and nowhere else."""
    sealed = CIPHER.seal(b"name", "personal_encrypted", "bank-a", "a-1", 1)
    assert CIPHER.open(sealed, "personal_encrypted", "bank-a", "a-1", 1) == b"name"
    assert CIPHER.seal(b"name", "personal_encrypted", "bank-a", "a-1", 1) == sealed
    for place in (
        ("personal_encrypted", "bank-a", "a-1", 2),
        ("personal_encrypted", "bank-b", "a-1", 1),
        ("event_encrypted", "bank-a", "a-1", 1),
    ):
        with pytest.raises(SealBroken):
            CIPHER.open(sealed, *place)
    with pytest.raises(SealBroken):
        ColumnCipher(b"o" * 32).open(sealed, "personal_encrypted", "bank-a", "a-1", 1)


def test_what_was_sealed_before_zstandard_is_opened():
    """Rows of a former version stay readable; and no byte of a sealed value can be changed, nor its version's."""
    before = "ASUySvdvpDf93Vu0TE70Wa9aymDgWn7v3SxGCzSsgkHF0cg="
    assert CIPHER.open(before, "personal_encrypted", "bank-a", "a-1", 1) == b"name"
    now = CIPHER.seal(b"name", "personal_encrypted", "bank-a", "a-1", 1)
    for sealed, version in ((before, 2), (now, 1), (now, 3)):
        told = base64.b64encode(bytes([version]) + base64.b64decode(sealed)[1:]).decode()
        with pytest.raises(SealBroken):
            CIPHER.open(told, "personal_encrypted", "bank-a", "a-1", 1)


def test_a_record_that_our_own_code_fails_on_costs_only_itself(empty, sink, refused, monkeypatch):
    """Its dead letter says internal_error, and every other row of the range is written."""
    monkeypatch.setattr(rows, "_kafka", _failing_on({3}, rows._kafka))
    put(sink, decisions(8))
    assert refused == [(3, "internal_error", ["(record)"])]
    found = empty.client("reader").query("SELECT kafka_offset FROM loanstream.decisions ORDER BY kafka_offset")
    assert [offset for (offset,) in found.result_rows] == [0, 1, 2, 4, 5, 6, 7]


def test_a_fault_of_ours_in_many_records_stops_the_stage(sink, refused, monkeypatch):
    """A bug that fails everywhere must not turn a topic into dead letters: nothing is committed."""
    monkeypatch.setattr(rows, "_kafka", _failing_on(set(range(11)), rows._kafka))
    with pytest.raises(ZeroDivisionError):
        sink.prepare(decisions(40))
    assert refused == []


def _failing_on(offsets, kafka):
    def fail(message):
        return {"kafka_offset": 1 // 0} if message.offset() in offsets else kafka(message)

    return fail


def test_a_connection_that_was_of_no_use_is_closed(refused):
    """Each attempt on a warehouse that is down makes a connection; none of them is left open."""
    opened, closed = [], []

    class Away:
        def __init__(self):
            opened.append(self)

        def query(self, *_, **__):
            raise OSError

        def close(self):
            closed.append(self)

    sink = WarehouseSink(Away, CIPHER, refused)
    for _ in range(3):
        with pytest.raises(Retry):
            put(sink, decisions(1))
    sink.close()
    assert opened == closed
    assert len(opened) == 3
