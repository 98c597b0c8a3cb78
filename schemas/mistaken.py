"""What a record's value is when it is not the event that its topic takes: the wrappings, encodings and mix-ups that are
often met.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from schemas.topics import TOPICS

BEGINNINGS: Mapping[bytes, str] = {
    b"\xef\xbb\xbf": "JSON in UTF-8 without a byte order mark in front",
    b"\xff\xfe": "JSON in UTF-8, not in UTF-16",
    b"\xfe\xff": "JSON in UTF-8, not in UTF-16",
    b"\x1f\x8b": "JSON, not gzip: compression is the producer's compression.type",
    b"\x28\xb5\x2f\xfd": "JSON, not zstd: compression is the producer's compression.type",
    b"Obj\x01": "JSON, not an Avro file",
}
"""How a value begins -> what is expected instead."""

MAGIC = b"\x00"
SCHEMA_ID_BYTES = 5

WRAPPED: Mapping[frozenset[str], str] = {
    frozenset({"schema", "payload"}): (
        "the event itself, not Kafka Connect's envelope around it (value.converter.schemas.enable=false)"
    ),
    frozenset({"before", "after", "op"}): "the event itself, not a Debezium change event (its unwrap transform)",
    frozenset({"specversion", "type", "source"}): (
        "the event itself as the value, with CloudEvents' attributes as headers (binary mode)"
    ),
}
"""Names of a JSON object -> what is expected instead of such an object."""

ALONE: Mapping[str, str] = {
    "payload": WRAPPED[frozenset({"schema", "payload"})],
    **dict.fromkeys(("after", "data", "event", "message", "value"), "the event itself, not an object around it"),
}
"""The only name of a JSON object, an object behind it -> what is expected instead."""

OF_TOPIC: Mapping[str, frozenset[str]] = {
    "applications": frozenset({"applicant", "loan", "assets"}),
    "outcomes": frozenset({"kind", "at"}),
}
"""Key of a topic that banks send to -> the names that tell its events from the other's."""


def encoded(data: bytes) -> str | None:
    r"""What is expected instead of a value that is not JSON; None where that says nothing.

    >>> encoded(b"\x00\x00\x00\x00\x07{}")
    "JSON alone, without a schema registry's five bytes in front"
    """
    known = next((said for beginning, said in BEGINNINGS.items() if data.startswith(beginning)), None)
    if known is not None:
        return known
    if data.startswith(MAGIC) and data[SCHEMA_ID_BYTES : SCHEMA_ID_BYTES + 1] in (b"{", b"["):
        return "JSON alone, without a schema registry's five bytes in front"
    if data.startswith(MAGIC):
        return "JSON, not a schema registry's binary form"
    if data[:4].replace(b"\x00", b"") != data[:4]:
        return "JSON in UTF-8, not in UTF-16 or UTF-32"
    return None


def wrapped(value: Any, own: Collection[str] = ()) -> str | None:
    """What is expected instead of a JSON value that is not the event with the fields `own`; None where that says
    nothing.

    >>> wrapped({"schema": {}, "payload": {}})[:16], wrapped({"payload": {}})[:16]
    ('the event itself', 'the event itself')
    >>> wrapped({"kind": "repayment", "at": "2026-03-31T10:00:00Z"}, {"applicant", "loan", "assets"})
    'applications; outcomes belong on loan.outcomes.v1.<tenant>'
    """
    match value:
        case str():
            return "a JSON object, not a string that holds one" if _holds_json(value) else None
        case list():
            return "one event a record, not a list of them"
        case dict():
            return _around(value) or _of_another(value, own)
    return None


def _around(value: Mapping[str, Any]) -> str | None:
    known = next((said for names, said in WRAPPED.items() if names <= value.keys()), None)
    if known is None and len(value) == 1:
        ((name, inner),) = value.items()
        return ALONE.get(name) if isinstance(inner, dict) else None
    return known


def _of_another(value: Mapping[str, Any], own: Collection[str]) -> str | None:
    ours = [key for key, names in OF_TOPIC.items() if names <= frozenset(own)]
    found = [key for key, names in OF_TOPIC.items() if names <= value.keys()]
    if not ours or not found or ours[0] in found:
        return None
    return f"{ours[0]}; {found[0]} belong on {TOPICS[found[0]].stem}.<tenant>"


def latin(before: str, byte: int) -> bool:
    """Whether a byte that is no UTF-8 looks like one of Latin-1 or Windows-1252, after a text all in ASCII.

    >>> latin("Ren", 0xE9), latin("Ren", 0xFF), latin("é", 0xE9)
    (True, False, False)
    """
    return bool(before) and before.isascii() and 0xC0 <= byte < 0xFF


def _holds_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
