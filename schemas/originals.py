"""The record inside a dead letter: its key, value and headers as they were, and where it first stood."""

import base64

from schemas.headers import FIRST_STOOD, header
from schemas.operations import DeadLetter
from schemas.records import Headers, Place


def original_key(letter: DeadLetter) -> bytes | None:
    """The original's key."""
    return unpacked(letter.key_base64)


def original_value(letter: DeadLetter) -> bytes | None:
    """The original's value; None where the letter does not hold it."""
    return unpacked(letter.value_base64)


def original_headers(letter: DeadLetter) -> Headers:
    """The original's headers, in order; None for a value is empty bytes, as a consumer sees both."""
    return [(found.name, unpacked(found.value_base64) or b"") for found in letter.headers or ()]


def first_stood(letter: DeadLetter) -> Place | None:
    """Where a redriven record first stood; None where it says nothing that can be true.

    A producer may send that header, too: it can then say no more than another place in its own topic.
    """
    if letter.attempts == 1:
        return None
    return place_in(header(original_headers(letter), FIRST_STOOD), letter.origin.topic)


def place_in(said: bytes | None, topic: str) -> Place | None:
    """The place that a header's value names; None where that is none in `topic`."""
    try:
        found = Place.parse((said or b"").decode("ascii"))
    except ValueError:
        return None
    return found if found.topic == topic else None


def unpacked(text: str | None) -> bytes | None:
    """Bytes out of base64."""
    return None if text is None else base64.b64decode(text)
