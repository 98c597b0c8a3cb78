"""What a record's value is when it is not the event itself: the wrappings and encodings that are often met."""

import json
from collections.abc import Mapping
from typing import Any

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


def wrapped(value: Any) -> str | None:
    """What is expected instead of a JSON value that is no event; None where that says nothing.

    >>> wrapped({"schema": {}, "payload": {}})[:16]
    'the event itself'
    """
    match value:
        case str():
            return "a JSON object, not a string that holds one" if _holds_json(value) else None
        case list():
            return "one event a record, not a list of them"
        case dict():
            return next((said for names, said in WRAPPED.items() if names <= value.keys()), None)
    return None


def _holds_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
