"""Records that are made into rows together get the rows each gets alone."""

import json
from importlib import resources

import pytest

from processors.stages.record.rows import flat, rows_as_stored, rows_of, rows_of_all
from schemas.decode import Undecodable
from schemas.records import MemoryMessage, Unreadable
from stores.warehouse.cipher import ColumnCipher

CIPHER = ColumnCipher(b"k" * 32)


def example(name):
    return json.loads((resources.files("schemas") / "examples" / f"{name}.json").read_text("utf-8"))


def numbered(name, number):
    event = example(name)
    event.get("application", event)["application_id"] = f"a-{number}"
    return event


def alone(message):
    try:
        return rows_of(message, CIPHER)
    except Undecodable as fault:
        return fault.cause, fault.errors


NEWER = {"fresh": {"inside": 1}}
"""What a stage of a later version may put into any part of ours."""


def grown(value):
    """An event as a newer stage would write it: another field in every object but the application."""
    if isinstance(value, list):
        return [grown(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: item if name in {"application", "labels"} else grown(item) for name, item in value.items()} | NEWER


def plain(rows):
    """Rows without what differs between any two makings, and without copies of the whole event."""
    return [
        (
            table,
            {name: row[name] for name in row if not name.endswith("_encrypted")} | {"event": 0, "content_sha256": 0},
        )
        for table, row in rows
    ]


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("loan.verifications.v1.bank-a", "loan.application.verified"),
        ("loan.decisions.v1.bank-a", "loan.decision.made"),
        ("loan.applications.v1.bank-a.dlq", "loan.dead_letter"),
        ("loan.letters.handled.v1", "loan.dead_letter.handled"),
        ("loan.control.v1", "loan.activation.published"),
        ("loan.metrics.v1", "loan.service.measured"),
    ],
)
def test_what_a_newer_stage_adds_makes_no_other_row(topic, name):
    """While two versions run, record writes the columns it knows and refuses nothing; the event is kept whole."""
    event = example(name)
    key = event.get("application", event).get("application_id", "k").encode()
    before, after = (
        rows_of(MemoryMessage(topic, 0, 7, key, json.dumps(value).encode(), None, (2, 1_770_715_800_120)), CIPHER)
        for value in (event, grown(event))
    )
    for (_, row), (_, newer) in zip(before, after, strict=True):
        for column in (
            "reasons",
            "penalties",
            "errors",
        ):  # lists of objects: the engine leaves out what it has no place for
            if column in row:
                assert len(row.pop(column)) == len(newer.pop(column))
    assert plain(after) == plain(before)
    if name == "loan.decision.made":
        assert json.loads(after[0][1]["event"]) == grown(event)


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("loan.applications.v1.bank-a", "loan.application.submitted"),
        ("loan.verifications.v1.bank-a", "loan.application.verified"),
        ("loan.decisions.v1.bank-a", "loan.decision.made"),
        ("loan.outcomes.v1.bank-a", "loan.outcome.recorded"),
    ],
)
def test_together_and_alone_make_the_same_rows(topic, name):
    """A record's rows do not depend on its company, and a bad one costs only itself."""
    values = [json.dumps(numbered(name, number)).encode() for number in range(6)]
    values[2] = b"{nonsense"
    values[4] = values[4].replace(b'"bank-a"', b'"bank-b"')
    messages = [
        MemoryMessage(topic, 1, 2 * number, f"a-{number}".encode(), value, None, (2, 1_790_000_000_000))
        for number, value in enumerate(values)
    ]
    together = [
        (made.cause, made.errors) if isinstance(made, Undecodable) else made for made in rows_of_all(messages, CIPHER)
    ]
    assert together == [alone(message) for message in messages]
    assert [bool(made) and isinstance(made, list) for made in together] == [True, True, False, True, False, True]


@pytest.mark.parametrize(
    ("topic", "cause"),
    [
        ("loan.applications.v1.bank-a", None),
        ("loan.verifications.v1.bank-a", "too_large"),
        ("loan.decisions.v1.bank-a", "too_large"),
        ("loan.outcomes.v1.bank-a", "too_large"),
        ("loan.control.v1", "too_large"),
        ("loan.metrics.v1", "too_large"),
        ("loan.outcomes.v1.bank-a.dlq", "too_large"),
    ],
)
def test_what_could_not_be_handed_over_makes_no_row_and_says_why(topic, cause):
    """Of an application verify makes the dead letter; of everything else record does, with the true cause."""
    made = rows_of_all([Unreadable(topic, 0, at, cause="too_large", expected="less") for at in range(2)], CIPHER)
    assert [fault.cause if isinstance(fault, Undecodable) else fault for fault in made] == [cause or []] * 2


NOT_IN_CLEAR = ("monitoring", "applicant_name", "applicant_employer", "applicant_identifiers", "extensions")


@pytest.mark.parametrize(
    ("topic", "name"),
    [
        ("loan.applications.v1.bank-a", "loan.application.submitted.with-documents"),
        ("loan.verifications.v1.bank-a", "loan.application.verified"),
        ("loan.decisions.v1.bank-a", "loan.decision.made"),
    ],
)
def test_every_field_of_an_event_is_in_its_row(topic, name):
    """No column stays empty for which the event has a value: names are the fields', nested ones joined."""
    event = example(name)
    key = event.get("application", event)["application_id"].encode()
    (_, row), *_ = rows_of(MemoryMessage(topic, 0, 7, key, json.dumps(event).encode(), None, (2, 1)), CIPHER)
    told = flat({name: value for name, value in event.items() if name != "application" and value is not None})
    fields = {field for field in told if not field.startswith(NOT_IN_CLEAR)}
    assert fields <= row.keys()
    assert row.keys() - fields >= {"kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp"}


def outcome_row(**changes):
    event = example("loan.outcome.recorded") | changes
    ((_, row),) = rows_of(outcome_record(event), CIPHER)
    return row


def outcome_record(event, stamp=(2, 4_000_000_000_000)):
    return MemoryMessage("loan.outcomes.v1.bank-a", 0, 0, b"example-0001", json.dumps(event).encode(), None, stamp)


def test_an_outcome_keeps_the_hash_that_earlier_versions_gave_it():
    """Sent again after an upgrade it is the same outcome, and reconcile finds its old row equal."""
    row = outcome_row()
    assert row["content_sha256"] == "e8147e374257038d42f3d6c273a4661837996b48b961aedd1479d563f6418230"
    vouched = outcome_row(asserted_by="core-banking")
    assert vouched["content_sha256"] != row["content_sha256"]
    assert (row["asserted_by"], vouched["asserted_by"]) == (None, "core-banking")


@pytest.mark.parametrize(
    ("at", "stamp", "fields"),
    [
        ("2199-11-30T10:00:00Z", (2, 1_775_000_000_000), ["at"]),
        ("2026-04-01T23:33:20.001Z", (2, 1_775_000_000_000), ["at"]),
        ("2026-04-01T23:33:20Z", (2, 1_775_000_000_000), []),
        ("2199-11-30T10:00:00Z", (1, 1_775_000_000_000), []),
        ("2199-11-30T10:00:00Z", (0, -1), []),
    ],
)
def test_what_became_of_a_loan_is_not_told_from_the_future(at, stamp, fields):
    """More than a day after the broker's stamp is a slip of the pen, and its field is named; what was taken stays."""
    record = outcome_record(example("loan.outcome.recorded") | {"at": at}, stamp)
    (made,) = rows_of_all([record], CIPHER)
    assert ([fault.field for fault in made.errors] if isinstance(made, Undecodable) else []) == fields
    if fields:
        assert (made.cause, "2199" in str(made)) == ("invalid_event", False)
    ((table, _),) = rows_as_stored(record, CIPHER)
    assert table == "outcomes_log"


@pytest.mark.parametrize(("key", "found"), [(None, "no key"), (b"another", "a key of 7 bytes")])
def test_a_key_that_is_not_the_applications_id_is_told_with_what_was_found(key, found):
    """Of an outcome as of an application: whether there was a key, and how long, never which."""
    value = json.dumps(example("loan.outcome.recorded")).encode()
    cause, (error,) = alone(MemoryMessage("loan.outcomes.v1.bank-a", 0, 0, key, value, None, (0, -1)))
    assert (cause, error.field, error.found) == ("key_mismatch", "(key)", found)
