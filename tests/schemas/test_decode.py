"""Strict decoding: every kind of bad input has its cause, its field, and never its value."""

import json
from importlib import resources

import pytest

from schemas.application import ApplicationAccepted, LoanApplication
from schemas.decode import Undecodable, decode, decode_own, describe
from schemas.events import EVENTS
from schemas.operations import LoanOutcome
from schemas.verification import ApplicationVerified

GOOD = {
    "tenant": "bank-a",
    "application_id": "a-1",
    "submitted_at": "2026-01-01T00:00:00Z",
    "currency": "INR",
    "applicant": {"dependents": 2, "education": "graduate", "self_employed": False},
    "loan": {"amount": 29900000, "term_years": 12},
    "annual_income": "9600000",
    "cibil_score": 778,
    "assets": {"residential": 2400000, "commercial": 17600000, "luxury": 22700000.5, "bank": -8000000},
}
DOCUMENT = {"kind": "payslip", "sha256": "0" * 64, "media_type": "application/pdf", "size": 1}
CANARY = "CANARY-4711"


def changed(**fields):
    return json.dumps(GOOD | fields).encode()


def test_a_good_application_is_read_with_its_money_to_the_cent():
    """Numbers and decimal strings are both money."""
    application = decode(LoanApplication, json.dumps(GOOD).encode())
    assert str(application.annual_income) == "9600000"
    assert json.loads(application.model_dump_json())["assets"]["luxury"] == "22700000.50"


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b"{", "not_json"),
        (b"\xff\xfe{\x00}\x00", "not_json"),
        (json.dumps(GOOD).encode("utf-16"), "not_json"),
        (b'{"tenant":"bank-a","tenant":"bank-b"}', "duplicate_key"),
        (b"[" * 300_000, "too_deep"),
        (changed(annual_income=float("nan")), "not_a_number"),
        (changed(annual_income=float("inf")), "not_a_number"),
        (b'{"annual_income":' + b"9" * 5000 + b"}", "not_a_number"),
        (b"[]", "invalid_event"),
        (b'"text"', "invalid_event"),
        (json.dumps(GOOD).replace('"a-1"', '"\\ud800"').encode(), "invalid_event"),
    ],
)
def test_what_is_no_event_has_its_cause(value, cause):
    """The cause is one of the documented ones."""
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, value)
    assert refused.value.cause == cause


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"annual_income": -5}, "annual_income"),
        ({"annual_income": 0}, "annual_income"),
        ({"annual_income": "1e5"}, "annual_income"),
        ({"annual_income": "1_000"}, "annual_income"),
        ({"annual_income": " 5 "}, "annual_income"),
        ({"annual_income": "NaN"}, "annual_income"),
        ({"annual_income": True}, "annual_income"),
        ({"annual_income": 10.005}, "annual_income"),
        ({"annual_income": 1e14}, "annual_income"),
        ({"annual_income": None}, "annual_income"),
        ({"cibil_score": "778"}, "cibil_score"),
        ({"cibil_score": 778.5}, "cibil_score"),
        ({"cibil_score": 0}, "cibil_score"),
        ({"cibil_score": True}, "cibil_score"),
        ({"application_id": "a b"}, "application_id"),
        ({"application_id": "a" * 65}, "application_id"),
        ({"application_id": "a\n"}, "application_id"),
        ({"tenant": "Bank"}, "tenant"),
        ({"currency": "rupees"}, "currency"),
        ({"submitted_at": "2026-01-01T00:00:00"}, "submitted_at"),
        ({"submitted_at": 5}, "submitted_at"),
        ({"submitted_at": "1700000000"}, "submitted_at"),
        ({"submitted_at": "2026-01-01T00:00Z"}, "submitted_at"),
        ({"submitted_at": "2026-02-30T00:00:00Z"}, "submitted_at"),
        ({"submitted_at": "9999-12-31T23:59:59-14:00"}, "submitted_at"),
        ({"submitted_at": "0001-01-01T00:00:00+14:00"}, "submitted_at"),
        ({"submitted_at": "1969-12-31T23:59:59.999Z"}, "submitted_at"),
        ({"submitted_at": "2200-01-01T00:00:00Z"}, "submitted_at"),
        ({"revision": 0}, "revision"),
        ({"loan": {"amount": 5, "term_years": 0}}, "loan.term_years"),
        ({"loan": {"amount": 5, "term_years": 51}}, "loan.term_years"),
        ({"applicant": {"dependents": 1, "education": "phd", "self_employed": False}}, "applicant.education"),
        ({"applicant": {"dependents": 1, "education": "graduate", "self_employed": "No"}}, "applicant.self_employed"),
        ({"applicant": GOOD["applicant"] | {"name": "x" * 1_000_000}}, "applicant.name"),
        ({"applicant": GOOD["applicant"] | {"name": "a\x00b"}}, "applicant.name"),
        (
            {"documents": [{"kind": "payslip", "sha256": "x", "media_type": "application/pdf", "size": 1}]},
            "documents.0.sha256",
        ),
        ({"documents": [DOCUMENT] * 21}, "documents"),
        ({"extensions": {"a": "x" * 2000}}, "extensions.(unknown).(unknown)"),
        ({"extensions": {"a b": 1}}, "extensions"),
        ({"extensions": {"n": 2**60}}, "extensions"),
        ({"surprise": 1}, "(unknown)"),
    ],
)
def test_a_wrong_field_is_named(fields, field):
    """The error names the field and what is expected."""
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, changed(**fields))
    assert refused.value.cause == "invalid_event"
    assert field in {error.field for error in refused.value.errors}, refused.value.errors
    assert all(error.expected for error in refused.value.errors)


@pytest.mark.parametrize(
    "value",
    [
        changed(annual_income=CANARY),
        changed(currency=CANARY),
        changed(**{CANARY: 1}),
        changed(extensions={CANARY + " ": 1}),
        changed(applicant=GOOD["applicant"] | {"name": CANARY + "\n"}),
        changed(submitted_at=CANARY),
        changed(documents=[{"kind": CANARY}]),
        json.dumps(GOOD).encode()[:-1] + CANARY.encode(),
    ],
)
def test_no_error_holds_what_was_found(value):
    """Neither a value nor a key of the sender's own stands in an error."""
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, value)
    told = str(refused.value) + "".join(error.model_dump_json() for error in refused.value.errors)
    assert CANARY not in told


def test_an_unknown_field_is_told_the_known_name_it_resembles():
    """A typing error in a field's name is cheap to find."""
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, changed(anual_income=1))
    assert "annual_income" in str(refused.value)


def test_found_values_are_described_by_type_and_size():
    """A description tells strings, lists and objects apart."""
    assert describe([1, 2]) == "array of 2 items"
    assert describe({"a": 1}) == "object of 1 keys"
    assert describe(None) == "null"
    assert describe(True) == "boolean"


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("1970-01-01T14:00:00+14:00", "1970-01-01T00:00:00.000Z"),
        ("2199-12-31T09:59:59.999-14:00", "2199-12-31T23:59:59.999Z"),
        ("2026-01-05t09:30:00.1239z", "2026-01-05T09:30:00.123Z"),
        ("2026-01-05T15:00:00+05:30", "2026-01-05T09:30:00.000Z"),
    ],
)
def test_every_moment_that_is_taken_can_be_written(sent, written):
    """At the ends of what is taken, too, a moment has a date in UTC: nothing fails long after it was accepted."""
    event = decode(LoanApplication, changed(submitted_at=sent))
    assert json.loads(event.model_dump_json())["submitted_at"] == written


NEWER = {"fresh": {"inside": [1]}}
OURS = [event for event in EVENTS.values() if event.side != "read"]
OPEN_MAPS = {"labels", "extensions"}


def example(event):
    return json.loads((resources.files("schemas") / "examples" / f"{event.name}.json").read_text("utf-8"))


def grown(value, within):
    """A JSON value with another field in every object; `within` says into which named parts to go."""
    if isinstance(value, list):
        return [grown(item, within) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: grown(item, within) if within(name) else item for name, item in value.items()} | NEWER


@pytest.mark.parametrize("event", OURS, ids=lambda event: event.name)
def test_our_readers_ignore_what_a_newer_stage_adds(event):
    """A stage that is not upgraded yet reads what an upgraded one wrote as it reads what it would write itself."""
    ours = example(event)
    newer = grown(ours, lambda name: name not in {"application", *OPEN_MAPS})
    assert newer != ours
    for read in (decode_own, decode):
        assert read(event.model, json.dumps(newer).encode()) == decode_own(event.model, json.dumps(ours).encode())


def places(value, path=()):
    """The path of every object in a JSON value."""
    if isinstance(value, dict):
        yield path
    for name, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, name))


def with_stranger(record, path):
    """A record with a field that nobody knows in the object at `path`."""
    new = json.loads(json.dumps(record))
    place = new
    for part in path:
        place = place[part]
    place["fresh"] = "x"
    return json.dumps(new).encode()


SAID_BY_A_BANK = [
    (model, record, path)
    for model, record, start in (
        (LoanApplication, GOOD | {"documents": [DOCUMENT], "monitoring": {"gender": "f"}}, ()),
        (LoanOutcome, example(EVENTS["loan.outcome.recorded"]), ()),
        (ApplicationAccepted, example(EVENTS["loan.application.accepted"]), ("application",)),
        (ApplicationVerified, example(EVENTS["loan.application.verified"]), ("application",)),
    )
    for path in places(record)
    if path[: len(start)] == start and "extensions" not in path
]


@pytest.mark.parametrize(("model", "record", "path"), SAID_BY_A_BANK, ids=lambda value: str(value)[:30])
def test_what_a_bank_said_is_read_whole_or_refused(model, record, path):
    """Nothing that a bank said is left aside, neither at the door nor by a stage that does not know it yet."""
    for read in (decode, decode_own):
        assert read(model, json.dumps(record).encode())
        with pytest.raises(Undecodable) as refused:
            read(model, with_stranger(record, path))
        (error,) = refused.value.errors
        assert error.error == "extra_forbidden"
