"""What is expected of a field is said as a person would, from the same schema that is published."""

import json

import pytest

from schemas.application import LoanApplication
from schemas.decode import Undecodable, decode
from schemas.events import EVENTS
from schemas.expected import PATTERNS

GOOD = {
    "tenant": "bank-a",
    "application_id": "a-1",
    "submitted_at": "2026-01-01T00:00:00Z",
    "currency": "INR",
    "applicant": {"dependents": 2, "education": "graduate", "self_employed": False},
    "loan": {"amount": 29900000, "term_years": 12},
    "annual_income": "9600000",
    "assets": {"residential": 2400000, "commercial": 17600000, "luxury": 22700000.5, "bank": -8000000},
}
PERSON = GOOD["applicant"]
AMOUNT = "a number from -10000000000000 to 10000000000000 or a decimal string with at most two decimals"
MOMENT = "a moment as RFC 3339 writes it, with seconds and a time zone"
DOCUMENT = {"kind": "payslip", "sha256": "0" * 64, "media_type": "application/pdf", "size": 1}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"cibil_score": 7}, "an integer from 300 to 900"),
        ({"cibil_score": "700"}, "an integer from 300 to 900"),
        ({"currency": "rupees"}, "three capital letters, such as INR"),
        ({"currency": 5}, "three capital letters, such as INR"),
        ({"applicant": 5}, "a JSON object"),
        ({"applicant": PERSON | {"self_employed": "Yes"}}, "true or false"),
        ({"applicant": PERSON | {"education": "PhD"}}, "'graduate' or 'not_graduate'"),
        ({"applicant": PERSON | {"name": ""}}, "text of 1 to 200 characters, none of them a control character"),
        ({"applicant": PERSON | {"name": "a\n"}}, "text of 1 to 200 characters, none of them a control character"),
        ({"applicant": {"education": "graduate", "self_employed": True}}, "an integer from 0 to 50; the field is required"),
        ({"assets": {"residential": 1, "commercial": 1, "luxury": 1}},
         f"{AMOUNT}; the field is required"),
        ({"submitted_at": "now"}, MOMENT),
        ({"submitted_at": "2026-03-31T10:00:00+0000"}, f"{MOMENT}: a time zone with a colon, such as +05:30"),
        ({"submitted_at": "2026-03-31T10:00:00+05"}, f"{MOMENT}: a time zone with minutes, such as +05:30"),
        ({"submitted_at": "2016-12-31T23:59:60Z"}, f"{MOMENT}: seconds up to 59; a leap second is written as 59"),
        ({"submitted_at": "2026-03-31"}, f"{MOMENT}: a time beside the date, such as 2026-03-31T10:00:00Z"),
        ({"submitted_at": "2026-03-31 10:00:00Z"}, f"{MOMENT}: a T between date and time, such as 2026-03-31T10:00:00Z"),
        ({"submitted_at": "2026-03-31T10:00:00"}, f"{MOMENT}: a time zone behind the time: Z, or such as +05:30"),
        ({"submitted_at": "2026-02-30T10:00:00Z"}, "a day that the month has"),
        ({"submitted_at": "1969-12-31T10:00:00Z"}, "a moment from 1970 on and before 2200"),
        ({"documents": [DOCUMENT] * 21}, "a list of at most 20 items"),
        ({"documents": [DOCUMENT | {"sha256": "x"}]}, "a SHA-256 as 64 hexadecimal digits in lower case"),
        ({"annual_income": -1}, "above 0 and at most 10000000000000"),
        ({"extensions": {str(number): 1 for number in range(40)}}, "a JSON object of at most 32 names"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_expected_in_plain_words(fields, said):
    """Bounds, forms and choices are spelled out, the same whatever was found instead."""
    with pytest.raises(Undecodable) as refused:
        decode(LoanApplication, json.dumps(GOOD | fields).encode())
    assert [error.expected for error in refused.value.errors] == [said]


def patterns(schema):
    if isinstance(schema, dict):
        here = [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        return {*here, *(found for part in schema.values() for found in patterns(part))}
    return {found for part in schema for found in patterns(part)} if isinstance(schema, list) else set()


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_form_of_an_event_has_its_words(event):
    """Nobody has to read a regular expression to mend a record."""
    assert patterns(event.model.model_json_schema()) <= set(PATTERNS)
