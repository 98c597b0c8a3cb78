"""Canonical bytes follow RFC 8785."""

import json
import math
import struct
from decimal import Decimal

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.canonical import application_bytes, canonical_json, evidence_bytes, feature_rows, number, two_decimals


def es_number(value: float) -> str:
    """ECMAScript's Number::toString, from the shortest digits, another way than the code under test."""
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(value).partition("e")
    sign, mantissa = ("-", mantissa[1:]) if mantissa.startswith("-") else ("", mantissa)
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    n = len(whole) + int(exponent or 0)
    digits = whole + fraction
    while digits.startswith("0"):
        digits, n = digits[1:], n - 1
    digits = digits.rstrip("0")
    k = len(digits)
    if k <= n <= 21:
        return sign + digits.ljust(n, "0")
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    e = f"e{'+' if n - 1 >= 0 else '-'}{abs(n - 1)}"
    return sign + digits[0] + ("." + digits[1:] if k > 1 else "") + e


def reference(value: object) -> str:
    """RFC 8785, written plainly."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda item: list(struct.iter_unpack(">H", item[0].encode("utf-16-be"))))
        return "{" + ",".join(f"{reference(k)}:{reference(v)}" for k, v in items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(reference(item) for item in value) + "]"
    if isinstance(value, float):
        return es_number(value)
    return json.dumps(value, ensure_ascii=False)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_value_has_the_bytes_of_the_rfc(value):
    """Any JSON value is written as an independent implementation of RFC 8785 writes it."""
    assert canonical_json(value) == reference(value).encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (333333333.33333329, "333333333.3333333"),
        (1e30, "1e+30"),
        (4.50, "4.5"),
        (2e-3, "0.002"),
        (1e-27, "1e-27"),
        (1e-6, "0.000001"),
        (1.5e-6, "0.0000015"),
        (1.5e-7, "1.5e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (9007199254740992.0, "9007199254740992"),
        (295147905179352830000.0, "295147905179352830000"),
        (-0.0, "0"),
    ],
)
def test_numbers_of_the_rfcs_examples(value, text):
    """The RFC's own example numbers come out as printed there."""
    assert number(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**53 + 1])
def test_a_number_without_a_canonical_form_is_refused(value):
    """A number that other JSON readers would not read back is refused, not rounded."""
    with pytest.raises(ValueError, match="canonical form"):
        number(value)


@given(st.decimals(-(10**13), 10**13, places=2))
def test_money_has_two_decimals_however_it_was_sent(amount):
    """Money gives one text, whichever way its zeros were written."""
    expected = f"{amount + 0:.2f}".replace("-0.00", "0.00") if amount == 0 else f"{amount:.2f}"
    assert two_decimals(amount) == expected
    assert two_decimals(amount.normalize()) == expected


NULL_WHEN_ABSENT = {"employer", "name", "product", "purpose", "cibil_score", "monthly_obligations", "reason"}
"""Fields of the first version. Later ones are left out where they have no value."""


def written(value):
    """An event's JSON value as its canonical bytes hold it."""
    if isinstance(value, list):
        return [written(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: item for name, item in value.items() if item is not None or name in NULL_WHEN_ABSENT}
    return {name: item if name == "extensions" else written(item) for name, item in kept.items()}


def with_everything(make_event):
    return make_event(
        applicant={"name": 'Zoë "Z" \\ Ünal', "employer": "Ķ & Co", "identifiers": [{"kind": "pan", "value": "é1"}]},
        loan={"amount": "12200000.5", "product": "home", "purpose": "a/b"},
        monthly_obligations=10.1,
        documents=[
            {"kind": "payslip", "sha256": "b" * 64, "media_type": "application/pdf", "size": 9},
            {"kind": "bank_statement", "sha256": "c" * 64, "media_type": "application/pdf", "size": 7},
        ],
        extensions={"b": 1e21, "a": "tab\t\x01\x7f", "n": None, "t": True, "f": 0.1},
        monitoring={"gender": "f"},
        extractions=[
            {
                "sha256": "b" * 64,
                "kind": "payslip",
                "status": "read",
                "reader": "text/1",
                "lane": "fast",
                "pages": 1,
                "fields": [
                    {"name": "holder_name", "value": 'Z "Z"', "confidence": 1.0, "page": 1},
                    {"name": "gross_monthly", "value": "100.00", "confidence": 0.97, "page": 1},
                ],
                "findings": ["b", "a"],
            }
        ],
    )


def test_an_applications_bytes_are_those_of_its_canonical_json(make_event):
    """The hand-written bytes of an application are the RFC's of the same content."""
    application = with_everything(make_event).application
    plain = written(application.model_dump(mode="json", exclude={"submitted_at", "monitoring"}))
    plain["documents"].sort(key=lambda d: (d["kind"], d["sha256"]))
    assert application_bytes(application) == reference(plain).encode()
    bare = make_event().application
    plain = written(bare.model_dump(mode="json", exclude={"submitted_at", "monitoring"}))
    assert application_bytes(bare) == reference(plain).encode()


def test_the_evidences_bytes_are_those_of_its_canonical_json(make_event):
    """The hand-written bytes of the evidence are the RFC's of documents and extractions, without the lane."""
    event = with_everything(make_event)
    extraction = written(event.extractions[0].model_dump(mode="json", exclude={"lane"}))
    extraction["findings"].sort()
    extraction["fields"].sort(key=reference)
    documents = sorted((d.model_dump(mode="json") for d in event.application.documents), key=lambda d: d["kind"])
    expected = reference({"documents": documents, "extractions": [extraction]}).encode()
    assert evidence_bytes(event.application, event.extractions) == expected
    assert evidence_bytes(make_event().application, ()) == reference({"documents": [], "extractions": []}).encode()


def test_order_and_notation_of_what_was_sent_do_not_count(make_event):
    """Documents in another order, or money written another way, are the same application."""
    one = with_everything(make_event).application
    other = one.model_copy(update={"documents": one.documents[::-1], "annual_income": Decimal("4100000.00")})
    assert application_bytes(one) == application_bytes(other)
    assert orjson.loads(application_bytes(one))["loan"]["amount"] == "12200000.50"


def test_a_missing_feature_has_bytes_of_its_own():
    """A missing value is hashed as missing, neither as zero nor by the sign of its NaN."""
    rows = np.array([[1.0, np.nan], [1.0, -np.nan], [1.0, 0.0]])
    first, second, third = feature_rows(["lti", "acr"], rows)
    assert first == second == b'["lti","acr"]\n' + struct.pack(">d", 1.0) + bytes.fromhex("7ff8000000000000")
    assert third != first
