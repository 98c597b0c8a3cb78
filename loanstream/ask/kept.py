"""What the warehouse keeps of a row's record: from it the row is made once more where no topic has the record.

A row says a thing twice: in its columns, which people and dashboards read, and in the event it was made from. Whoever
alters the one and not the other is seen. What is sealed cannot be altered without the column key. `event` of a decision
can, and its hash with it: that the decision follows from its inputs is for `replay` to say.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson
from pydantic import ValidationError

from loanstream.ask.evidence import may_be_of, origin_of, place_of
from loanstream.ask.origins import moment_ms
from processors.stages.record.rows import rows_as_stored
from schemas.application import LoanApplication
from schemas.decode import Undecodable
from schemas.headers import ORIGIN
from schemas.operations import LoanOutcome
from schemas.records import LOG_APPEND_TIME, Headers, MemoryMessage
from schemas.values import ms_of_utc
from stores.warehouse.pages import Digests, Stored, StoredRows
from stores.warehouse.sealed import Row

Altered = tuple[str, ...]
"""The columns that do not say what is kept; empty where all do."""


def _outcome(stored: Stored) -> bytes:
    return orjson.dumps({name: stored.row[name] for name in LoanOutcome.model_fields})


def _application_id(stored: Stored) -> bytes:
    return str(stored.row["application_id"]).encode()


def _original_key(stored: Stored) -> bytes:
    return base64.b64decode(orjson.loads(stored.plain or b"{}").get("key_base64") or "")


class Kept(NamedTuple):
    """`column` is what the record's value is kept in, or proven by; `value` gives it, None where the seal is broken;
    `key` gives the record's key.
    """

    column: str
    value: Callable[[Stored], bytes | None]
    key: Callable[[Stored], bytes] = _application_id


KEPT: Mapping[str, Kept] = {
    "decisions_log": Kept("event", lambda stored: str(stored.row["event"]).encode()),
    "verifications_log": Kept("event_encrypted", lambda stored: stored.plain),
    "dead_letters_log": Kept("event_encrypted", lambda stored: stored.plain, _original_key),
    # Its columns are all there is: they must give the hash that was stored with them.
    "outcomes_log": Kept("content_sha256", _outcome),
}
"""Tables whose rows keep their own record."""

BESIDE: Mapping[str, str] = {"applications_log": "verifications_log"}
"""A table whose record another table's rows keep as a part of theirs."""

UNPROVEN: Mapping[str, str] = {
    "monitoring_log": "protected attributes are in no other event",
    "features_log": "replay computes features anew from the verified event",
    "activations_log": "the control topic keeps its records for ever",
    "letters_handled_log": "what was done with a letter is in no other event",
}
"""Tables of which nothing else is kept, and why: their rows can be compared with the topics alone."""


def record_of(table: str, stored: Stored) -> MemoryMessage | None:
    """The record that a row was made from, as far as the row keeps it; None where its seal is broken."""
    kept = KEPT[table]
    value = kept.value(stored)
    return None if value is None else _message(stored.row, value, kept.key(stored))


def altered(rows: StoredRows, stored: Stored) -> Altered:
    """The columns of a row of a table in KEPT that do not say what its own record says."""
    record = record_of(rows.table, stored)
    return (KEPT[rows.table].column,) if record is None else _differing(rows, stored.row, record)


def altered_application(
    rows: StoredRows, stored: Stored, verified: Sequence[Stored], origins_since_ms: int
) -> Altered | None:
    """The columns of an application's row that do not say what its verified event says. None where it cannot be told:
    none of `verified` (rows of the same revision) is of this application's record, or none opens.

    From `origins_since_ms` on every verified event named its record. One that does not is of the application with its
    own moment: erasing the name must not hide what else was altered.
    """
    plain = {place_of(one.row): one.plain for one in verified}
    may_be = may_be_of(place_of(stored.row), [one.row for one in verified])
    found = [
        (_is_of(stored.row, row, event, origins_since_ms), _differing(rows, stored.row, _submitted(stored.row, event)))
        for row in may_be
        if (event := plain[place_of(row)]) is not None
    ]
    # Of events that are older than the places of their records, another application's may be among them.
    certain = [names for is_certain, names in found if is_certain or not names]
    return min(certain, key=len) if certain else None


def _is_of(row: Row, verification: Row, event: bytes, origins_since_ms: int) -> bool:
    if origin_of(verification) is not None:
        return True
    accepted_ms = moment_ms(orjson.loads(event)["accepted_at"])  # sealed, unlike the columns
    return accepted_ms >= origins_since_ms and accepted_ms in {
        moment_ms(row[name]) for name in ("accepted_at", "kafka_timestamp")
    }


def application_of(stored: Stored) -> LoanApplication | None:
    """The application that a row of applications holds in its columns and its seal, without `monitoring`; None where
    the seal is broken or the columns are no application.
    """
    nested: dict[str, dict[str, object]] = {name: {} for name in _NESTED}
    event: dict[str, object] = {}
    for name, value in stored.row.items():
        part, _, inner = name.partition("_")
        if part in nested:
            nested[part][inner] = value
        elif name in LoanApplication.model_fields:
            event[name] = value
    try:
        personal = orjson.loads(stored.plain or b"")
        event["extensions"] = personal.pop("extensions")
        nested["applicant"] |= personal
        return LoanApplication.model_validate_json(orjson.dumps(event | nested))
    except (orjson.JSONDecodeError, ValidationError, KeyError):
        return None


_NESTED = ("applicant", "loan", "assets")


def _submitted(row: Row, verified: bytes) -> MemoryMessage:
    event = orjson.loads(verified)
    application = event["application"]
    stamped = {**row, "kafka_timestamp": event["accepted_at"]}  # the broker's stamp is both
    return _message(stamped, orjson.dumps(application), application["application_id"].encode())


def _message(row: Row, value: bytes, key: bytes) -> MemoryMessage:
    place, origin = place_of(row), origin_of(row) if "origin_topic" in row else None
    headers: Headers | None = None if origin is None else [(ORIGIN, str(origin).encode())]
    return MemoryMessage(
        *place, key, value, headers, (LOG_APPEND_TIME, ms_of_utc(datetime.fromisoformat(row["kafka_timestamp"])))
    )


def _differing(rows: StoredRows, row: Row, record: MemoryMessage) -> Altered:
    try:
        made = next(made for table, made in rows_as_stored(record, Digests()) if table == rows.table)
    except (Undecodable, StopIteration):
        return (KEPT[rows.table].column if rows.table in KEPT else "tenant",)
    return rows.changed(made, row)
