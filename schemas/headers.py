"""Record headers: CloudEvents 1.0 (binary mode) and W3C trace context.

Our own records carry them; a producer's need not. Nothing here is random: a record without a `traceparent` gets one
made from where it stands in its topic, so that making a record again gives the same bytes.
"""

import hashlib
import re
from collections.abc import Sequence

Headers = Sequence[tuple[str, bytes | None]]

ATTEMPTS = "loanstream-attempts"
"""How often a redriven record was processed before."""

ORIGIN = "loanstream-origin"
"""Where the application's record stands that this one was made from, as `schemas.records.place` writes it."""

FIRST_STOOD = "loanstream-first-stood"
"""Where a redriven record first stood (`topic/partition/offset`): its letters, however many, are about that one."""

REJECTED = "loanstream-rejected"
"""Where a redriven record first stood whose sender was told that it was rejected: he is told when it is taken."""

_TRACEPARENT = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def header(headers: Headers | None, name: str) -> bytes | None:
    """The last value of a header, None where it is absent."""
    for key, value in reversed(headers or ()):
        if key == name:
            return value
    return None


def is_traceparent(given: str) -> bool:
    """Whether it is a `traceparent` of W3C trace context.

    >>> is_traceparent("00-" + "a" * 32 + "-" + "b" * 16 + "-01"), is_traceparent("00-no")
    (True, False)
    """
    return given.isascii() and _TRACEPARENT.fullmatch(given.encode()) is not None


def child_traceparent(headers: Headers | None, place: str, stage: str) -> bytes:
    """The `traceparent` for what `stage` makes of the record at `place` (`topic/partition/offset`).

    Continues the record's own trace where it has a valid one.

    >>> child_traceparent([("traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")], "t/0/7", "score")[:36]
    b'00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-'
    """
    digest = hashlib.sha256(f"{stage}:{place}".encode()).hexdigest().encode()
    given = header(headers, "traceparent")
    if given is not None and _TRACEPARENT.fullmatch(given):
        return given[:36] + digest[:16] + given[52:]
    trace = hashlib.sha256(place.encode()).hexdigest().encode()[:32]
    return b"00-" + trace + b"-" + digest[:16] + b"-01"


def event_headers(
    *,
    event: str,
    event_id: str,
    source: str,
    subject: str,
    time: str,
    traceparent: bytes,
    origin: bytes | None = None,
) -> list[tuple[str, bytes]]:
    """The headers of one of our records; `event` is its CloudEvents type, `time` RFC 3339, `origin` ORIGIN's value."""
    made = [
        ("ce_specversion", b"1.0"),
        ("ce_type", event.encode()),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
        ("traceparent", traceparent),
    ]
    return made if origin is None else [*made, (ORIGIN, origin)]
