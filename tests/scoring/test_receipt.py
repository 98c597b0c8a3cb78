"""Receipts and decision ids."""

import hmac
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.canonical import canonical_json
from scoring.receipt import DECISION_NAMESPACE, ReceiptKey, decision_content, decision_id


@given(st.binary(min_size=32, max_size=200), st.binary(max_size=300))
def test_the_keyed_hash_is_hmac_sha256(key, data):
    """A receipt's hash is HMAC-SHA256 for keys of every length."""
    assert ReceiptKey("k", key).hash(data) == "hmac-sha256:" + hmac.digest(key, data, "sha256").hex()


def test_a_short_key_is_refused_and_no_key_is_shown():
    """A key that could be guessed is refused; a key stands in no representation."""
    with pytest.raises(ValueError, match="32 bytes"):
        ReceiptKey("k", b"short")
    assert "secret" not in repr(ReceiptKey("k", b"secret" * 8))


@given(
    st.from_regex(r"[a-z][a-z0-9-]{1,30}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True),
    st.integers(1, 1_000_000),
)
def test_a_decision_id_is_the_uuid5_of_its_seven_inputs(tenant, application_id, revision):
    """The id is what the standard library makes of the canonical JSON of the seven."""
    seven = [tenant, application_id, revision, "hmac-sha256:a", "hmac-sha256:b", "sha256:c", "sha256:d"]
    assert decision_id(*seven) == str(uuid.uuid5(DECISION_NAMESPACE, canonical_json(seven).decode()))


def test_an_id_once_given_stays():
    """A known input gives the id it has always given."""
    seven = ("bank-a", "A-1", 1, "hmac-sha256:a", "hmac-sha256:b", "sha256:c", "sha256:d")
    assert decision_id(*seven) == "8e1820e1-842b-54aa-8536-f0e381bddd16"


def test_when_and_by_whom_does_not_belong_to_the_content():
    """Two makings of a decision differ in `accepted_at` and `processing` alone, and their content is equal."""
    one = {"decision_id": "x", "p_model": 1.0, "accepted_at": "t1", "processing": {"worker": "a"}}
    other = {"p_model": 1, "decision_id": "x", "accepted_at": "t2"}
    assert decision_content(one) == decision_content(other) == b'{"decision_id":"x","p_model":1}'
    assert decision_content(one | {"p_model": 0.5}) != decision_content(one)
