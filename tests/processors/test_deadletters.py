"""Dead letters as their description says they are."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.deadletters import BESIDE_MAX_BYTES, KEY_MAX_BYTES, ORIGINAL_MAX_BYTES, dead_letter, refused
from processors.identity import Worker
from schemas.asyncapi import KEYS
from schemas.operations import ERRORS_MAX, PATH_MAX, DeadLetter, FieldError
from schemas.records import LOG_APPEND_TIME, MemoryMessage
from schemas.topics import RECORD_MAX_BYTES
from schemas.values import SENTENCE_MAX, TEXT_MAX


@pytest.mark.parametrize("key", [b"a-1", b"\xff", None])
def test_a_dead_letter_has_the_key_of_the_refused_record(key):
    """As its description says, whether it is text or not."""
    message = MemoryMessage("loan.applications.v1.bank-a", 0, 7, key, b"{", [], (LOG_APPEND_TIME, 1))
    assert dead_letter(message, "not_json", (), Worker("verify", "verify-0", "test", lambda: 2)).key == key
    assert KEYS["loan.dead_letter"]["type"] == ["string", "null"]


def size_of(output) -> int:
    """Bytes of a record as a producer counts them."""
    headers = sum(len(name.encode()) + len(value or b"") for name, value in output.headers)
    return len(output.key or b"") + len(output.value) + headers


ERRORS = [
    FieldError(field="é" * PATH_MAX, error="missing", expected='"' * SENTENCE_MAX, found="é" * TEXT_MAX)
    for _ in range(ERRORS_MAX)
]
"""The most that a letter can tell of one record, in characters that JSON makes longer."""


@settings(max_examples=60)
@given(
    key=st.sampled_from([0, 1, BESIDE_MAX_BYTES, BESIDE_MAX_BYTES + 1, KEY_MAX_BYTES, KEY_MAX_BYTES + 1]),
    value=st.sampled_from([0, ORIGINAL_MAX_BYTES - 1, ORIGINAL_MAX_BYTES, ORIGINAL_MAX_BYTES + 1, RECORD_MAX_BYTES]),
    headers=st.sampled_from(
        [("", None, 1_000_000), ("a", None, 60_000), ("\x00" * 900, b"v", 500), ("n", b"v" * 9000, 9)]
    ),
)
@example(KEY_MAX_BYTES, ORIGINAL_MAX_BYTES - KEY_MAX_BYTES + BESIDE_MAX_BYTES, ("a", None, 60_000))
@example(BESIDE_MAX_BYTES, ORIGINAL_MAX_BYTES, ("\x00" * 20, b"", 100_000))
def test_a_letter_fits_a_record_whatever_its_original_was(key, value, headers):
    """No key, value and headers together make a letter that the broker refuses: it would hold up every bank."""
    name, content, many = headers
    topic = "loan.applications.v1.bank-a"
    message = MemoryMessage(topic, 0, 7, b"k" * key, b"v" * value, [(name, content)] * many, (LOG_APPEND_TIME, 1))
    letter, *rest = refused(message, "invalid_event", ERRORS, Worker("verify", "verify-0", "test", lambda: 2))
    assert size_of(letter) <= RECORD_MAX_BYTES - 1024  # what a batch and a record take around it
    assert all(size_of(one) <= RECORD_MAX_BYTES // 8 for one in rest)
    told = DeadLetter.model_validate_json(letter.value)
    assert told.value_size == value
    assert (letter.key is None) == (key > KEY_MAX_BYTES)
    assert (told.key_base64 is None) == (key > BESIDE_MAX_BYTES)
    if key <= BESIDE_MAX_BYTES:
        assert (told.value_base64 is None) == (value > ORIGINAL_MAX_BYTES)
