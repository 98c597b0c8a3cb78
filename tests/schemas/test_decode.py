"""Strict decoding: every kind of bad input has its cause, its field, and never its value."""

import json
import re
from importlib import resources

import pytest

from schemas.application import ApplicationAccepted, LoanApplication
from schemas.decode import LOOKED_AT_MOST, Undecodable, decode, decode_own, describe
from schemas.events import EVENTS
from schemas.operations import ERRORS_MAX, REASON, LoanOutcome
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
        ({"extensions": {"a": "x" * 2000}}, "extensions.(unknown)"),
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


OUTCOME = {
    "tenant": "bank-a",
    "application_id": "a-1",
    "at": "2027-01-01T00:00:00Z",
    "kind": "repayment",
    "repayment": "late",
}
PERSON = GOOD["applicant"]
WHOLE = json.dumps(GOOD).encode()
NESTED = json.loads("[" * 500 + "]" * 500)


def told(value, model=LoanApplication):
    """Cause, and of each error its field, its kind, what is expected and what was found, of a value that is refused."""
    with pytest.raises(Undecodable) as refused:
        decode(model, value)
    return refused.value.cause, *((one.field, one.error, one.expected, one.found) for one in refused.value.errors)


@pytest.mark.parametrize(
    ("value", "cause", "field", "stands"),
    [
        (WHOLE[:-1] + b',"currency":"EUR"}', "duplicate_key", "currency", b'"currency":"EUR"}'),
        (WHOLE.replace(b'"dependents"', b'"education":1, "dependents"'), "duplicate_key", "applicant.education", b'"education": "gr'),
        (changed(documents=[DOCUMENT, DOCUMENT | {"size": float("nan")}]), "not_a_number", "documents.1.size", b"NaN"),
        (changed(annual_income=float("-inf")), "not_a_number", "annual_income", b"-Infinity"),
        (WHOLE.replace(b'"9600000"', b"9" * 5000), "not_a_number", "annual_income", b"9" * 5000),
        (changed(extensions={"a": NESTED}), "too_deep", "extensions.(unknown).0.0.0.0.0.0", b"[" * 402),
        (b"[" * 300_000, "too_deep", "0.0.0.0.0.0.0.0", b"[" * 299_900),
        (changed(applicant=PERSON | {"name": "Ren\ud83d"}), "invalid_event", "applicant.name", rb'"Ren\ud83d'),
        (changed(**{"na\udc00me": 1}), "invalid_event", "(unknown)", rb'"na\udc00me"'),
        (WHOLE.replace(b"graduate", b"gradu\xe9"), "not_json", "applicant.education", b"\xe9"),
        (WHOLE.replace(b"bank-a", b"b\xff"), "not_json", "tenant", b"\xff"),
        ('{"name": "Ren\u00e9", "\u00e9" 1}'.encode(), "not_json", "(record)", b"1}"),
    ],
)  # fmt: skip
def test_a_fault_of_the_text_has_its_place(value, cause, field, stands):
    """By its field and its byte, so that whoever wrote it finds it; a byte is one of UTF-8, not a character."""
    said, (named, _, expected, found) = told(value)
    assert (said, named, bool(expected)) == (cause, field, True)
    byte = int(re.search("byte ([0-9]+)", found)[1])
    assert value[byte:].startswith(stands)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (WHOLE.replace(b"graduate", b"gradu\xe9"), "JSON in UTF-8, not in Latin-1 or Windows-1252"),
        (WHOLE.replace(b"graduate", b"gr\xc3\xa9du\xe9"), "JSON in UTF-8"),
        (WHOLE.replace(b"graduate", b"gradu\xff"), "JSON in UTF-8"),
        (json.dumps(GOOD).encode("utf-16"), "JSON in UTF-8, not in UTF-16"),
    ],
)
def test_an_encoding_that_is_often_met_is_named(value, expected):
    """Where the bytes leave no doubt; a text that was in UTF-8 up to there is no Latin-1."""
    assert told(value)[1][2] == expected


def test_half_a_surrogate_pair_is_not_called_valid_json():
    """JSON it is: it is the text that no encoding can write."""
    _, (_, error, expected, found) = told(changed(applicant=PERSON | {"name": "a\ud800"}))
    assert (error, "both halves" in expected) == ("lone_surrogate", True)
    assert found.startswith("one half, at byte ")


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("repayment", ["repayment"]), ("human_decision", ["actor", "decision", "reason"])],
)
def test_what_an_outcome_lacks_is_named_by_its_fields(kind, missing):
    """Each field that its kind needs, absent or null, and what it holds."""
    bare = {name: value for name, value in OUTCOME.items() if name != "repayment"} | {"kind": kind}
    for record in (bare, bare | dict.fromkeys(missing)):
        cause, *errors = told(json.dumps(record).encode(), LoanOutcome)
        assert (cause, sorted(field for field, *_ in errors)) == ("invalid_event", missing)
        assert all(expected.endswith("the field is required") for _, _, expected, _ in errors)
    assert told(json.dumps(bare | {"kind": "repayment"}).encode(), LoanOutcome)[1][2].startswith("'performing', 'late'")


@pytest.mark.parametrize(
    ("model", "record", "expected"),
    [
        (LoanApplication, OUTCOME, "applications; outcomes belong on loan.outcomes.v1.<tenant>"),
        (LoanApplication, OUTCOME | {"kind": "human_decision"}, "applications; outcomes belong on loan.outcomes.v1.<tenant>"),
        (LoanOutcome, GOOD, "outcomes; applications belong on loan.applications.v1.<tenant>"),
    ],
    ids=["repayment", "human decision", "application"],
)  # fmt: skip
def test_an_event_on_the_other_topic_is_told_where_it_belongs(model, record, expected):
    """One sentence instead of twenty wrong fields."""
    assert told(json.dumps(record).encode(), model) == (
        "invalid_event",
        ("(record)", "invalid_event", expected, f"object of {len(record)} keys"),
    )


def test_a_field_of_the_other_topic_s_alone_is_a_wrong_field():
    """A record that is of its topic all the same is told its own faults."""
    fields = {field for field, *_ in told(changed(kind="repayment", at="now"))[1:]}
    assert fields == {"kind", "(unknown)"}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"payload": GOOD}, "Kafka Connect's envelope"),
        ({"payload": GOOD, "schema": None}, "Kafka Connect's envelope"),
        ({"data": GOOD}, "not an object around it"),
    ],
)
def test_a_wrapping_is_named(record, expected):
    """What was sent is right, but for what is around it."""
    _, (field, _, said, _) = told(json.dumps(record).encode())
    assert (field, expected in said) == ("(record)", True)


def test_a_field_named_like_a_wrapping_is_a_wrong_field():
    """Beside an application's own fields it is one field too many."""
    assert [field for field, *_ in told(changed(payload={}))[1:]] == ["(unknown)"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"anual_income": 1}, "(unknown, like annual_income)"),
        ({"applicant": PERSON | {"Dependants": 1}}, "applicant.(unknown, like dependents)"),
        ({"applicant": PERSON | {"cibil_score": 700}}, "applicant.cibil_score"),
        ({"favourite_colour": 1}, "(unknown)"),
        ({"income_annum": 1}, "(unknown, like annual_income)"),
        ({"no_of_dependents": 1}, "(unknown, like applicant.dependents)"),
        ({"loan_amount": 1}, "(unknown, like loan.amount)"),
        ({"loan.amount": 1}, "(unknown, like loan.amount)"),
        ({"Residential Assets": 1}, "(unknown, like assets.residential)"),
        ({"cibil": 1}, "(unknown, like cibil_score)"),
        ({"loan": GOOD["loan"] | {"term": 1}}, "loan.(unknown, like term_years)"),
        ({"monitoring": {"religion": "x"}}, "monitoring.(unknown)"),
        ({"monitoring": {"at": "x"}}, "monitoring.(unknown)"),
        ({"documents": [DOCUMENT | {"media-type": "x"}]}, "documents.0.(unknown, like media_type)"),
        ({"x" * 100_000: 1}, "(unknown)"),
        ({"extensions": {"mine": [1]}}, "extensions.(unknown)"),
    ],
)
def test_a_field_that_we_do_not_know_is_told_by_a_name_of_ours(fields, field):
    """Its own name may hold anything; the name that it resembles is ours. One value is one error."""
    assert [named for named, *_ in told(changed(**fields))[1:]] == [field]


def test_an_unknown_field_is_not_likened_to_what_its_object_does_not_have():
    """`revision` is near to `religion`, and monitoring has none; where a name stands elsewhere, it is said where."""
    ((_, kind, expected, _),) = told(changed(monitoring={"religion": "x"}))[1:]
    assert (kind, expected) == ("unknown_field", "no unknown field outside extensions")
    assert told(changed(loan_amount=1))[1][2].endswith("that is loan.amount here")
    assert told(changed(loan=GOOD["loan"] | {"purpse": "x"}))[1][2].endswith("nearest known name: purpose")


def test_an_outcome_is_not_told_of_extensions_that_it_cannot_have():
    """Only an application has them."""
    said = told(json.dumps(OUTCOME | {"extensions": {"a": 1}}).encode(), LoanOutcome)[1][2]
    assert said == "no unknown field"


@pytest.mark.parametrize(
    ("fields", "field", "found"),
    [
        ({"foo": 1, "bar": "x", "baz": None}, "(unknown)", "3 unknown fields"),
        ({"loan": GOOD["loan"] | {"foo": 1, "bar": 2}}, "loan.(unknown)", "2 unknown fields"),
        ({"foo": 1}, "(unknown)", "number"),
        ({"extensions": {"a": [1], "b": [2]}}, "extensions.(unknown)", "2 values of which each is wrong"),
        ({"extensions": {"a": [1]}}, "extensions.(unknown)", "array of 1 items"),
    ],
)
def test_faults_that_read_alike_are_counted(fields, field, found):
    """Three unknown fields are not one: whoever mends the first is not refused for the next."""
    (error,) = told(changed(**fields))[1:]
    assert (error[0], error[3]) == (field, found)


def test_more_faults_than_are_listed_are_owned_up_to():
    """The last of twenty says how many it stands for; whoever mends nineteen knows that there are more."""
    wrong = [DOCUMENT | {"sha256": number, "size": "x"} for number in range(11)]
    errors = told(changed(documents=wrong))[1:]
    assert len(errors) == ERRORS_MAX
    assert (errors[-1][:2], errors[-1][3]) == (("(record)", "more_errors"), "3 more")
    just = told(changed(documents=wrong[:10]))[1:]
    assert (len(just), {kind for _, kind, *_ in just}) == (ERRORS_MAX, {"wrong_type"})


def test_of_a_flood_of_faults_none_is_counted_as_if_it_were_the_last():
    """Not all are looked at: then it is `at least`."""
    errors = told(changed(**{f"k{at}q": 1 for at in range(150)}))[1:]
    assert [(field, kind, found) for field, kind, _, found in errors] == [
        ("(unknown)", "unknown_field", f"at least {LOOKED_AT_MOST} unknown fields"),
        ("(record)", "more_errors", "more"),
    ]


PERSONS = {"kind": "human_decision", "decision": "approve", "actor": "asha", "reason": "seen"}


def test_a_reason_of_blanks_is_found_as_it_is():
    """Its length is what the sender sees."""
    bare = {name: value for name, value in OUTCOME.items() if name != "repayment"}
    (error,) = told(json.dumps(bare | PERSONS | {"reason": " " * 5}).encode(), LoanOutcome)[1:]
    assert error[1:] == ("rule_broken", REASON, "string of 5 characters")


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (OUTCOME | PERSONS | {"kind": "repayment"}, {"decision", "actor", "reason"}),
        (OUTCOME | {"decision": "decline"}, {"decision"}),
        (OUTCOME | {"asserted_by": "core"}, {"asserted_by"}),
        (OUTCOME | PERSONS, {"repayment"}),
        (OUTCOME | PERSONS | {"repayment": None, "balance": 1, "days_past_due": 0}, {"balance", "days_past_due"}),
        (OUTCOME | {"decision": None, "balance": 1, "days_past_due": 0}, set()),
    ],
)
def test_an_outcome_says_one_thing(record, fields):
    """A repayment with a decision in it is read as one by nobody; what was taken earlier is read as it was."""
    data = json.dumps(record).encode()
    assert decode(LoanOutcome, data, stored=True)
    if not fields:
        assert decode(LoanOutcome, data)
        return
    errors = told(data, LoanOutcome)[1:]
    assert {field for field, *_ in errors} == fields
    assert all("belongs to an outcome of kind" in expected for _, _, expected, _ in errors)


@pytest.mark.parametrize(
    ("value", "field", "expected", "found"),
    [
        (
            changed(extensions={f"k{at}": [] for at in range(70_000)}),
            "extensions", "a JSON object of at most 32 names", "object of 70000 keys",
        ),
        (changed(documents=[1] * 300_000), "documents", "a list of at most 20 items", "array of 300000 items"),
        (
            changed(documents=[{}, {f"k{at}": 1 for at in range(70_000)}]),
            "documents.1", "a JSON object", "object of 70000 keys",
        ),
        (
            changed(**{f"k{at}": 1 for at in range(70_000)}),
            "(record)", "a JSON object with the fields of the schema", "object of 70009 keys",
        ),
        (json.dumps([GOOD] * 2_000).encode(), "(record)", "one event a record, not a list of them", "array of 2000 items"),
    ],
    ids=["names", "items", "names of an item", "fields", "events"],
)  # fmt: skip
def test_a_value_with_thousands_of_entries_is_one_error(value, field, expected, found):
    """To tell each of them took seconds, which every bank's records waited for."""
    cause, *errors = told(value)
    assert cause == "invalid_event"
    assert [(named, said, there) for named, _, said, there in errors] == [(field, expected, found)]


def test_a_large_value_of_few_entries_is_told_field_by_field():
    """Its size alone is no fault of its form."""
    fields = {field for field, *_ in told(changed(applicant=PERSON | {"name": "x" * 900_000}, cibil_score=7))[1:]}
    assert fields == {"applicant.name", "cibil_score"}


@pytest.mark.parametrize(
    "value",
    [
        changed(annual_income=CANARY),
        WHOLE[:-1] + f',"{CANARY}":1,"{CANARY}":2}}'.encode(),
        changed(extensions={CANARY: float("nan")}),
        changed(extensions={CANARY: NESTED}),
        changed(**{CANARY + "\ud800": CANARY}),
        changed(applicant=PERSON | {"name": CANARY + "\ud800"}),
        WHOLE[:-1] + f',"{CANARY}":"'.encode() + b'\xe9"}',
        changed(extensions={f"{CANARY}{at}": [] for at in range(9_000)}),
        json.dumps({"payload": {CANARY: CANARY}}).encode(),
        json.dumps(OUTCOME | {CANARY: CANARY}).encode(),
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
    said = str(refused.value) + "".join(error.model_dump_json() for error in refused.value.errors)
    assert CANARY not in said


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
        assert error.error == "unknown_field"
