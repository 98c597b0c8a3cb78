"""Dead letters as their description says they are."""

import pytest

from processors.deadletters import dead_letter
from processors.identity import Worker
from schemas.asyncapi import KEYS
from schemas.records import LOG_APPEND_TIME, MemoryMessage


@pytest.mark.parametrize("key", [b"a-1", b"\xff", None])
def test_a_dead_letter_has_the_key_of_the_refused_record(key):
    """As its description says, whether it is text or not."""
    message = MemoryMessage("loan.applications.v1.bank-a", 0, 7, key, b"{", [], (LOG_APPEND_TIME, 1))
    assert dead_letter(message, "not_json", (), Worker("verify", "verify-0", "test", lambda: 2)).key == key
    assert KEYS["loan.dead_letter"]["type"] == ["string", "null"]
