"""Records that no application can be read from: one row for each way to go wrong, to watch dead letters arrive."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from producers.synthetic.applications import Shares, synthesise

DEPTH = 100_000
HUGE = 1_000_000

Change = Callable[[dict[str, Any], Random], Any]


@dataclass(frozen=True, slots=True)
class MalformedRecord:
    """Key and value to publish as they are, what is wrong, and the cause its dead letter is to name."""

    key: bytes
    value: bytes
    what: str
    cause: str


def _with(**fields: Any) -> Change:
    return lambda event, _: event | fields


def _within(name: str, **fields: Any) -> Change:
    return lambda event, _: event | {name: event[name] | fields}


def _without(name: str) -> Change:
    return lambda event, _: {key: value for key, value in event.items() if key != name}


FAULTS: tuple[tuple[str, str, Change], ...] = (
    # what is wrong, the cause of its dead letter, and the change: to other fields, or to finished bytes
    ("not JSON", "not_json", lambda _, rng: b"loan;" + rng.randbytes(12).hex().encode() + b";approve me"),
    ("cut off in the middle", "not_json", lambda event, _: _dumped(event)[:200]),
    ("not UTF-8", "not_json", lambda event, _: _dumped(event).replace(b"bank", b"b\xffnk")),
    ("no value", "empty", lambda _event, _rng: b""),
    ("an array, not an object", "invalid_event", lambda event, _: [event]),
    ("text where a number belongs", "invalid_event", _with(annual_income="plenty")),
    ("a number where text belongs", "invalid_event", _with(currency=356)),
    ("NaN as an amount", "not_a_number", _with(annual_income=float("nan"))),
    ("a negative loan", "invalid_event", _within("loan", amount=-2_500_000)),
    ("a CIBIL score of 7800", "invalid_event", _with(cibil_score=7800)),
    ("three decimals", "invalid_event", _with(annual_income="1200000.005")),
    ("an unknown field", "invalid_event", _with(anual_income=1_200_000)),
    ("a missing field", "invalid_event", _without("annual_income")),
    (
        "a string of one million characters",
        "invalid_event",
        lambda event, rng: event | {"applicant": event["applicant"] | {"name": rng.choice("abcdef") * HUGE}},
    ),
    ("nested too deep", "too_deep", lambda _event, _rng: b"[" * DEPTH + b"]" * DEPTH),
    ("a key twice", "duplicate_key", lambda event, _: b'{"currency":"INR",' + _dumped(event)[1:]),
    ("another key than the application's", "key_mismatch", lambda event, _: event),
    ("another tenant in the body", "tenant_mismatch", _with(tenant="some-other-bank")),
)


def malformed(seed: int, tenant: str, start: datetime, id_prefix: str = "bad-") -> Iterator[MalformedRecord]:
    """One record of each fault, for ever in turn: take as many as you need. `start` stands in their `submitted_at`."""
    for turn in range(1_000_000):
        shares = Shares(inflated=0, thin_file=0, broken=0, repeated=0, documents=0)
        made = synthesise(len(FAULTS), seed + turn, tenant, shares, start, f"{id_prefix}{turn}-")
        rng = Random(f"{seed}/{turn}")  # noqa: S311 - synthetic data, the same for the same seed
        for (what, cause, change), item in zip(FAULTS, made, strict=True):
            event = item.application.model_dump(mode="json")
            changed = change(event, rng)
            key = event["application_id"] + ("-other" if cause == "key_mismatch" else "")
            yield MalformedRecord(
                key.encode(), changed if isinstance(changed, bytes) else _dumped(changed), what, cause
            )


def _dumped(event: Any) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()
