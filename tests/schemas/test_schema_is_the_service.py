"""The published schema refuses what the service refuses and takes what it takes, but for the printed rules beside it."""

import copy
import json
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from schemas.beside import RULES
from schemas.decode import Undecodable, decode
from schemas.events import EVENTS
from schemas.jsonschema import json_schema
from schemas.operations import OF_KIND, REASON
from schemas.values import MOMENT

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
READ = {name: event for name, event in EVENTS.items() if event.side == "read"}
VALIDATORS = {name: Draft202012Validator(json_schema(event)) for name, event in READ.items()}
FIELDS = {
    name: sorted({field for part in (schema, *schema.get("$defs", {}).values()) for field in part["properties"]})
    for name, schema in ((name, json_schema(event)) for name, event in READ.items())
}
STARTS = {name: [json.loads(path.read_bytes()) for path in sorted(EXAMPLES.glob(f"{name}*.json"))] for name in READ}

NUMBERS = st.one_of(
    st.integers(-(2**54), 2**54),
    st.sampled_from(
        [0, 1, 50, 299, 300, 417.0, 417.5, 900, 901, 1e13, 10**13, 10**13 + 1, -(10**13), 2**53, -0.0, 1e300]
    ),
    st.decimals(-(10**14), 10**14, places=2).map(float),
)
DIGITS = st.one_of(
    st.from_regex(r"-?[0-9]{1,15}(\.[0-9]{0,3})?", fullmatch=True),
    st.from_regex(r"-?0{1,15}(\.0{1,3})?", fullmatch=True),
)
MOMENTS = st.one_of(
    st.from_regex(MOMENT, fullmatch=True).map(str.rstrip),
    st.builds(
        "{}-{}-{}{}{}:{}:{}{}".format,
        st.sampled_from(["1969", "1970", "2026", "2199", "2200"]), st.sampled_from(["01", "02", "12", "13", "3"]),
        st.sampled_from(["01", "28", "29", "30", "31", "32"]), st.sampled_from(["T", "t", " "]),
        st.sampled_from(["00", "23", "24"]), st.sampled_from(["00", "59", "60"]), st.sampled_from(["00", "59", "60"]),
        st.sampled_from(["Z", "z", "", "+00:00", "+0000", "+05:30", "-23:59", "+24:00", ".5Z", ".1234567890Z"]),
    ),
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", "a" * 200, "a" * 201, "tab\t", "INR", "bank-a", "graduate", "repayment", "approve"]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, DIGITS, MOMENTS, TEXTS)
ANYTHING = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(TEXTS, SCALARS, max_size=2))


def places(value, path=()):
    """Every place within a record."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inner:
        yield from places(part, (*path, name))


@st.composite
def records(draw, name):
    """An example with some of its fields changed, taken out, or put beside."""
    record = copy.deepcopy(draw(st.sampled_from(STARTS[name])))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([path for path in places(record) if path] or [None]))
        if path is None:
            break
        holder = record
        for part in path[:-1]:
            holder = holder[part]
        change = draw(st.sampled_from(["set", "set", "set", "drop", "add"]))
        if change == "set":
            holder[path[-1]] = draw(ANYTHING)
        elif change == "drop":
            del holder[path[-1]]
        elif isinstance(holder, dict):
            holder[draw(st.one_of(TEXTS, st.sampled_from(FIELDS[name])))] = draw(ANYTHING)
    return record


def beyond_the_schema(value):
    """Whether a record breaks one of the printed rules that a value alone can break."""
    match value:
        case dict():
            return (
                _decides_without_a_word(value) or _says_two_things(value) or any(map(beyond_the_schema, value.values()))
            )
        case list():
            return any(map(beyond_the_schema, value))
        case bool():
            return False
        case float():
            return round(value, 2) != value
        case int():
            return abs(value) > 2**53
        case str():
            return _no_such_moment(value)
    return False


def _decides_without_a_word(value):
    return value.get("kind") == "human_decision" and not str(value.get("reason")).strip()


def _says_two_things(value):
    other = {"repayment": "human_decision", "human_decision": "repayment"}.get(str(value.get("kind")))
    return other is not None and any(value.get(name) is not None for name in OF_KIND[other])


def _no_such_moment(text):
    try:
        made = datetime.fromisoformat(text.upper())
    except ValueError:
        return text[4:5] == "-"
    return (
        made.tzinfo is not None
        and not 0 <= made.timestamp() < datetime.fromisoformat("2200-01-01T00:00:00Z").timestamp()
    )


def taken(name, record):
    try:
        decode(READ[name].model, json.dumps(record).encode())
    except Undecodable:
        return False
    return True


@pytest.mark.parametrize("name", READ)
@settings(
    max_examples=4 * settings.default.max_examples,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_schema_and_service_say_the_same_of_any_record(name, data):
    """Who checks a record with the JSON Schema knows what becomes of it, and no good record fails the check."""
    record = data.draw(records(name))
    valid, accepted = VALIDATORS[name].is_valid(record), taken(name, record)
    if beyond_the_schema(record):
        assert valid or not accepted
    else:
        assert valid == accepted


@pytest.mark.parametrize(
    ("name", "change", "accepted"),
    [
        ("loan.application.submitted", {"cibil_score": 417.0}, True),
        ("loan.application.submitted", {"cibil_score": 417.5}, False),
        ("loan.application.submitted", {"revision": 2.0}, True),
        ("loan.application.submitted", {"submitted_at": "2026-03-31T10:00:00+0000"}, False),
        ("loan.application.submitted", {"submitted_at": "2026-03-31"}, False),
        ("loan.application.submitted", {"annual_income": "99999999999999.99"}, False),
        ("loan.application.submitted", {"annual_income": "10000000000000.00"}, True),
        ("loan.application.submitted", {"annual_income": "00000000000001"}, True),
        ("loan.application.submitted", {"loan": {"amount": 1, "term_years": "50.01"}}, False),
        ("loan.application.submitted", {"extensions": {"a b": 1}}, False),
        ("loan.application.submitted", {"monthly_obligations": "-0"}, True),
        ("loan.application.submitted", {"monthly_obligations": "-00.00"}, True),
        ("loan.application.submitted", {"monthly_obligations": "-0.01"}, False),
        ("loan.application.submitted", {"monthly_obligations": "-0.000"}, False),
        ("loan.application.submitted", {"annual_income": "-0"}, False),
        ("loan.application.submitted", {"tenant": "bank-a\n"}, False),
        ("loan.application.submitted", {"application_id": "a-1\n"}, False),
        ("loan.application.submitted", {"currency": "INR\n"}, False),
        ("loan.application.submitted", {"annual_income": "1\n"}, False),
        ("loan.application.submitted", {"submitted_at": "2026-03-31T10:00:00Z\n"}, False),
        ("loan.application.submitted", {"extensions": {"a\n": 1}}, False),
        ("loan.outcome.recorded", {"kind": "repayment", "repayment": None}, False),
        ("loan.outcome.recorded", {"kind": "repayment", "repayment": "late"}, True),
        ("loan.outcome.recorded", {"kind": "human_decision", "decision": "approve", "actor": "a"}, False),
    ],
)
def test_what_the_schema_once_took_and_the_service_refused(name, change, accepted):
    """Each of these was valid by the schema and a dead letter, or the other way round."""
    record = {
        key: value for key, value in STARTS[name][0].items() if key not in ("repayment", "decision", "actor", "reason")
    }
    record |= change
    assert (VALIDATORS[name].is_valid(record), taken(name, record)) == (accepted, accepted)


HUMAN = {"kind": "human_decision", "decision": "approve", "actor": "priya.nair", "reason": "her employer confirmed"}


@pytest.mark.parametrize("blank", ["", "  ", "\n"])
def test_a_person_who_decides_says_why(blank):
    """The schema takes a reason without a word, as it was released so; the service names the field."""
    record = {key: value for key, value in STARTS["loan.outcome.recorded"][0].items() if key != "repayment"} | HUMAN
    assert taken("loan.outcome.recorded", record)
    with pytest.raises(Undecodable) as refused:
        decode(READ["loan.outcome.recorded"].model, json.dumps(record | {"reason": blank}).encode())
    (error,) = refused.value.errors
    assert (refused.value.cause, error.field, error.expected) == ("invalid_event", "reason", REASON)


BROKEN = {
    "NaN": ("annual_income", "NaN"),
    "1e400": ("annual_income", "1e400"),
    "1.505": ("annual_income", "1.505"),
    "2026-02-30T10:00:00Z": ("submitted_at", '"2026-02-30T10:00:00Z"'),
    "1970-01-01T00:30:00+01:00": ("submitted_at", '"1970-01-01T00:30:00+01:00"'),
    "9007199254740993": ("extensions", '{"n": 9007199254740993}'),
    r"\ud800": ("application_id", r'"\ud800"'),
    '{"tenant": "bank-a", "tenant": "bank-b"}': ("currency", '"INR", "currency": "EUR"'),
    "ten thousand brackets": ("extensions", "[" * 10_000 + "]" * 10_000),
}
"""Example of a rule -> a field, and the text of its value that breaks the rule."""


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.example in BROKEN], ids=lambda rule: rule.example[:12])
def test_a_rule_beside_the_schema_is_kept_by_the_service(rule):
    """A printed rule is one: who breaks it gets a letter with the cause that is printed beside it."""
    field, text = BROKEN[rule.example]
    value = json.dumps(STARTS["loan.application.submitted"][0] | {field: "HERE"}).replace('"HERE"', text)
    with pytest.raises(Undecodable) as refused:
        decode(READ["loan.application.submitted"].model, value.encode())
    assert refused.value.cause == rule.cause
