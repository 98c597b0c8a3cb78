import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from schemas.application import LoanApplication
from schemas.events import EVENTS, models
from schemas.jsonschema import json_schema
from schemas.meanings import lacking

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
PLAIN = json.loads((EXAMPLES / "loan.application.submitted.json").read_bytes())
SUBMITTED = Draft202012Validator(json_schema(EVENTS["loan.application.submitted"]))

KEYWORDS = {
    *(
        "$schema",
        "$id",
        "$ref",
        "$defs",
        "title",
        "description",
        "examples",
        "default",
        "type",
        "enum",
        "const",
        "anyOf",
        "format",
    ),
    *("properties", "required", "additionalProperties", "propertyNames", "maxProperties", "patternProperties"),
    *("items", "minItems", "maxItems", "pattern", "minLength", "maxLength"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
}

VALUES = [
    # path, value, whether it is taken
    ("annual_income", 1, True),
    ("annual_income", "1.50", True),
    ("annual_income", 10**13, True),
    ("annual_income", 10**13 + 1, False),
    ("annual_income", 0, False),
    ("annual_income", "0.00", False),
    ("annual_income", -1, False),
    ("annual_income", "-1", False),
    ("annual_income", "1.505", False),
    ("annual_income", "1e5", False),
    ("annual_income", " 1", False),
    ("annual_income", True, False),
    ("annual_income", None, False),
    ("monthly_obligations", 0, True),
    ("monthly_obligations", "0", True),
    ("monthly_obligations", None, True),
    ("monthly_obligations", "-0.01", False),
    ("assets.bank", -5, True),
    ("assets.bank", "-5.25", True),
    ("loan.term_years", 50, True),
    ("loan.term_years", 50.5, False),
    ("loan.term_years", 0, False),
    ("cibil_score", None, True),
    ("cibil_score", 300, True),
    ("cibil_score", 299, False),
    ("cibil_score", "700", False),
    ("revision", 0, False),
    ("tenant", "Bank", False),
    ("application_id", "a" * 65, False),
    ("applicant.self_employed", 1, False),
    ("applicant.name", "", False),
    ("documents", [{}], False),
    ("extensions", {"channel": "mobile"}, True),
    ("extensions", {"channel": ["mobile"]}, False),
    ("nickname", "x", False),
]


def with_value(path, value):
    record = copy.deepcopy(PLAIN)
    *parents, last = path.split(".")
    holder = record
    for name in parents:
        holder = holder[name]
    holder[last] = value
    return record


def model_takes(record):
    try:
        LoanApplication.model_validate_json(json.dumps(record))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("path", "value", "taken"), VALUES, ids=lambda value: repr(value)[:20])
def test_schema_and_model_agree(path, value, taken):
    """Who checks a record with our JSON Schema before sending it learns what the model would say."""
    record = with_value(path, value)
    assert (SUBMITTED.is_valid(record), model_takes(record)) == (taken, taken)


def keywords(schema):
    for name, item in schema.items():
        yield name
        if name in ("properties", "$defs"):
            for part in item.values():
                yield from keywords(part)
        elif name == "anyOf":
            for part in item:
                yield from keywords(part)
        elif name in ("items", "additionalProperties") and isinstance(item, dict):
            yield from keywords(item)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_a_schema_uses_only_words_that_validators_know(event):
    """A bound that stands in an unknown word binds nobody."""
    schema = json_schema(event)
    Draft202012Validator.check_schema(schema)
    assert set(keywords(schema)) <= KEYWORDS


def objects(schema):
    """Every object that a schema describes by its fields, by name of its part."""
    return {name: part for name, part in {"": schema, **schema.get("$defs", {})}.items() if "properties" in part}


BANKS_WORDS = {"LoanApplication", "Applicant", "Assets", "DocumentRef", "Identifier", "Loan", "Monitoring"}


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_what_we_write_is_open_and_what_banks_say_is_closed(event):
    """Readers of our events may meet fields they do not know; what a bank says is taken whole or not at all."""
    closed = {name for name, part in objects(json_schema(event)).items() if part.get("additionalProperties") is False}
    parts = set(objects(json_schema(event)))
    assert closed == (parts if event.side == "read" else parts & BANKS_WORDS)


def test_a_decision_may_gain_fields():
    """Consumers that check decisions do not refuse what a later version adds."""
    schema = json_schema(EVENTS["loan.decision.made"])
    assert '"additionalProperties": false' not in json.dumps(schema)
    accepted_at = schema["properties"]["accepted_at"]
    assert (accepted_at["type"], accepted_at["format"]) == ("string", "date-time")


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_every_field_says_what_it_means(event):
    """An integrator reads gross or net, the unit, and an example, where the field is."""
    for part in objects(json_schema(event)).values():
        for name, field in part["properties"].items():
            assert field.get("description"), f"{part['title']}.{name}"


def test_no_meaning_is_left_over():
    """Each row explains a field that is there, and each field has a row."""
    assert list(lacking(models())) == []


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.name)
def test_the_examples_of_fields_are_values_they_take(event):
    """An example that would be refused teaches the wrong thing."""
    schema = json_schema(event)
    for part in objects(schema).values():
        for name, field in part["properties"].items():
            for example in field.get("examples", ()):
                within = Draft202012Validator({"$defs": schema.get("$defs", {}), **field})
                assert within.is_valid(example), f"{part['title']}.{name}: {example!r}"
