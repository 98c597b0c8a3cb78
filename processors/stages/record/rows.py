"""From records to their rows: for every topic one function, and the tables it fills.

The topics with a record for every application go step by step over many records, not record by record: each step's
code stays in the processor's caches. A row is a JSON object whose names are the table's columns: the event's field
names, nested ones joined by `_`. Where the record stood in Kafka is part of every row: (topic, partition, offset) says
which record a row is.
"""

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import UnionType
from typing import Any, Protocol, TypeVar, get_args, get_origin

import orjson
from pydantic import BaseModel, ValidationError

from schemas.ahead import check_not_ahead
from schemas.application import LoanApplication
from schemas.decision import LoanDecision
from schemas.decode import Undecodable, decode, decode_own, describe, found_key, why_unreadable
from schemas.headers import ORIGIN, header
from schemas.operations import Activation, DeadLetter, DeadLetterHandled, FieldError, LoanOutcome, ServiceMetric
from schemas.records import Message, Place, Unreadable
from schemas.topics import APPLICATION_MAX_BYTES, TOPICS, topic_of
from schemas.values import OwnEvent, rfc3339_of_ms
from schemas.verification import ApplicationVerified
from scoring.features import FEATURE_NAMES, feature_matrix
from scoring.receipt import content_of
from stores.warehouse.sealed import SEALED, Row

Rows = list[tuple[str, Row]]
T = TypeVar("T")

_stamp = lru_cache(maxsize=4096)(rfc3339_of_ms)

_APPLICATION_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_PLACE = ("tenant", "application_id", "revision")
_MEASURED = (*_PLACE, "accepted_at", "kafka_topic", "kafka_partition", "kafka_offset", "kafka_timestamp")
_PERSONAL = ("name", "employer", "identifiers")
_EXTRACTION = ("sha256", "kind", "status", "reason", "reader", "lane", "pages", "findings")
_CHECK = ("claim", "result", "document", "field", "similarity", "label")


class Seals(Protocol):
    """What rows need of a cipher."""

    def seal(self, plaintext: bytes, column: str, tenant: str, *place: str | int) -> str:
        """The text to store in `column`."""
        ...


@dataclass(frozen=True, slots=True)
class Recording:
    """What a topic's records become. `rows` gives each record's rows, or why it makes none; no rows and no fault where
    another stage makes its dead letter. `as_stored` does so by the checks of every version before, where these were
    more lenient.
    """

    tables: tuple[str, ...]
    rows: Callable[[Sequence[Message], Seals], list[Rows | Undecodable]]
    as_stored: Callable[[Sequence[Message], Seals], list[Rows | Undecodable]] | None = None


def rows_of_all(messages: Sequence[Message], cipher: Seals) -> list[Rows | Undecodable]:
    """The rows of records of one partition of any of our topics, as (table, row), or why a record makes none."""
    topic, _ = topic_of(messages[0].topic())
    made = RECORDINGS[topic.key].rows(messages, cipher)
    return [
        why_unreadable(message) if isinstance(found, Undecodable) and isinstance(message, Unreadable) else found
        for message, found in zip(messages, made, strict=True)
    ]


def rows_of(message: Message, cipher: Seals) -> Rows:
    """The rows of one record, as (table, row). Raises `Undecodable`."""
    (made,) = rows_of_all([message], cipher)
    if isinstance(made, Undecodable):
        raise made
    return made


def rows_as_stored(message: Message, cipher: Seals) -> Rows:
    """The rows of one record as this or a former version made them of it. Raises `Undecodable`."""
    topic, _ = topic_of(message.topic())
    as_stored = RECORDINGS[topic.key].as_stored
    if as_stored is None or isinstance(message, Unreadable):
        return rows_of(message, cipher)
    (made,) = as_stored([message], cipher)
    if isinstance(made, Undecodable):
        raise made
    return made


def _attempt(step: Callable[[Message], T], messages: Iterable[Message]) -> list[T | Undecodable]:
    found: list[T | Undecodable] = []
    for message in messages:
        try:
            found.append(step(message))
        except Undecodable as fault:
            found.append(fault)
    return found


def _one_by_one(
    rows: Callable[[Message, Seals], Rows],
) -> Callable[[Sequence[Message], Seals], list[Rows | Undecodable]]:
    return lambda messages, cipher: _attempt(lambda message: rows(message, cipher), messages)


def _applications(messages: Sequence[Message], cipher: Seals) -> list[Rows | Undecodable]:
    """An invalid application makes no row here: verify makes its dead letter, which makes one."""
    valid = [(message, found) for message in messages if (found := _valid_application(message)) is not None]
    # Pydantic writes JSON in a third of the time it takes for the same as Python objects.
    texts = [application.model_dump_json() for _, application in valid]
    parts = [_application_parts(message, text) for (message, _), text in zip(valid, texts, strict=True)]
    sealed = [_sealed("applications_log", row, personal, cipher) for row, personal, _ in parts]
    made = {
        message.offset(): [("applications_log", row), *monitoring]
        for (message, _), row, (_, _, monitoring) in zip(valid, sealed, parts, strict=True)
    }
    return [made.get(message.offset(), []) for message in messages]


def _valid_application(message: Message) -> LoanApplication | None:
    value = message.value()
    if value is None or len(value) > APPLICATION_MAX_BYTES:
        return None
    try:
        application = decode(LoanApplication, value)
        _check_addressed(message, application)
    except Undecodable:
        return None
    return application


def _application_parts(message: Message, text: str) -> tuple[Row, bytes, Rows]:
    """Its row, what of it is encrypted, and its row for monitoring, if any."""
    event = orjson.loads(text)
    monitoring, extensions, applicant = event.pop("monitoring"), event.pop("extensions"), event["applicant"]
    personal = {name: applicant.pop(name) for name in _PERSONAL} | {"extensions": extensions}
    stamp = {"accepted_at": _stamp(message.timestamp()[1]), **_kafka(message)}
    place = {name: event[name] for name in _PLACE}
    apart = [] if monitoring is None else [("monitoring_log", {**place, **monitoring, **stamp})]
    return {**_row(event, _APPLIED), **stamp}, orjson.dumps(personal), apart


def _verifications(messages: Sequence[Message], cipher: Seals) -> list[Rows | Undecodable]:
    rows = _attempt(_verification, messages)
    vectors = iter(_vectors([m for m, row in zip(messages, rows, strict=True) if not isinstance(row, Undecodable)]))
    return [
        row
        if isinstance(row, Undecodable)
        else [
            ("verifications_log", _sealed("verifications_log", row, message.value() or b"", cipher)),
            *_features(row, next(vectors)),
        ]
        for message, row in zip(messages, rows, strict=True)
    ]


def _features(row: Row, vector: Mapping[str, float] | None) -> Rows:
    if vector is None or "accepted_at" not in row:
        return []
    return [("features_log", {name: row[name] for name in _MEASURED} | {"features": vector})]


class _Stated(OwnEvent):
    """What of a verified application's event features are made of."""

    application: LoanApplication


def _vectors(messages: Sequence[Message]) -> list[dict[str, float] | None]:
    """The features of applications, without those that are missing; None of what score will refuse."""
    valid: list[LoanApplication | None] = []
    for message in messages:
        try:
            valid.append(_Stated.model_validate_json(message.value() or b"").application)
        except ValidationError:
            valid.append(None)
    rows = feature_matrix([found for found in valid if found is not None]).tolist() if any(valid) else []
    made = ({n: x for n, x in zip(FEATURE_NAMES, row, strict=True) if math.isfinite(x)} for row in rows)
    return [None if found is None else next(made) for found in valid]


def _verification(message: Message) -> Row:
    """Its row. What was claimed and found goes into the encrypted event alone; so does the rest of the application.

    Score has this event validated field by field; a second time would cost more than all else here, and the table
    refuses what has another shape.
    """
    try:
        event = orjson.loads(message.value() or b"")
        application = event["application"]
        place = {name: application[name] for name in _PLACE}
        event["extractions"] = [{name: part.get(name) for name in _EXTRACTION} for part in event.get("extractions", ())]
        event["checks"] = [{name: part.get(name) for name in _CHECK} for part in event.get("checks", ())]
        row = _row(event, _VERIFIED)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise _refused("invalid_event", "(record)", "an event of ours") from None
    _check_tenant(message, place["tenant"])
    return {**place, **row, **_origin(message), **_kafka(message)}


def _decisions(messages: Sequence[Message], _: Seals) -> list[Rows | Undecodable]:
    return [
        fault or [("decisions_log", _decision(message))]
        for message, fault in zip(messages, _attempt(_check_decision, messages), strict=True)
    ]


def _check_decision(message: Message) -> None:
    _check_tenant(message, decode_own(LoanDecision, message.value()).tenant)


def _decision(message: Message) -> Row:
    value = message.value() or b""
    event = orjson.loads(value)
    said = {"content_sha256": _sha256(content_of(event)), "event": value.decode()}
    return {**_row(event, _DECIDED), **said, **_origin(message), **_kafka(message)}


def _outcome(message: Message, _: Seals, *, stored: bool = False) -> Rows:
    outcome = decode(LoanOutcome, message.value(), stored=stored)
    _check_addressed(message, outcome)
    if not stored:
        check_not_ahead(outcome, message)
    event = outcome.model_dump(mode="json")
    said = {name: value for name, value in event.items() if name not in _SINCE or value is not None}
    return [("outcomes_log", {**event, "content_sha256": _sha256(said), **_kafka(message)})]


_SINCE = frozenset({"asserted_by"})
"""Fields that outcomes did not have at first: what lacks them keeps its hash."""


def _dead_letter(message: Message, cipher: Seals) -> Rows:
    letter = decode_own(DeadLetter, message.value())
    event = letter.model_dump(mode="json", exclude={"key_base64", "value_base64", "headers", "sender_told"})
    key = base64.b64decode(letter.key_base64 or "")
    tenant = letter.tenant or ""
    row = {
        **flat(event),
        "tenant": tenant,
        "application_id": key.decode() if _APPLICATION_ID.fullmatch(key) else "",
        **_kafka(message),
    }
    return [("dead_letters_log", _sealed("dead_letters_log", row, message.value() or b"", cipher))]


def _letter_handled(message: Message, _: Seals) -> Rows:
    event = decode_own(DeadLetterHandled, message.value()).model_dump(mode="json")
    row = {**flat(event), "tenant": event["tenant"] or "", **_kafka(message)}
    return [("letters_handled_log", row)]


def _activation(message: Message, _: Seals) -> Rows:
    return [("activations_log", {**decode_own(Activation, message.value()).model_dump(mode="json"), **_kafka(message)})]


def _metric(message: Message, _: Seals) -> Rows:
    return [
        (
            "service_metrics_log",
            {**decode_own(ServiceMetric, message.value()).model_dump(mode="json"), **_kafka(message)},
        )
    ]


RECORDINGS: dict[str, Recording] = {
    "applications": Recording(("applications_log", "monitoring_log"), _applications),
    "verifications": Recording(("verifications_log", "features_log"), _verifications),
    "decisions": Recording(("decisions_log",), _decisions),
    "outcomes": Recording(("outcomes_log",), _one_by_one(_outcome), _one_by_one(partial(_outcome, stored=True))),
    "control": Recording(("activations_log",), _one_by_one(_activation)),
    "metrics": Recording(("service_metrics_log",), _one_by_one(_metric)),
    "letters_handled": Recording(("letters_handled_log",), _one_by_one(_letter_handled)),
    **{
        key: Recording(("dead_letters_log",), _one_by_one(_dead_letter))
        for key, topic in TOPICS.items()
        if topic.is_dlq
    },
}


def _sealed(table: str, row: Row, plaintext: bytes, cipher: Seals) -> Row:
    column, bound = SEALED[table]
    tenant, *place = (row[name] for name in bound)
    row[column] = cipher.seal(plaintext, column, tenant, *place)
    return row


def flat(event: Mapping[str, Any], prefix: str = "") -> Row:
    """Nested objects joined by `_`; lists stay.

    >>> flat({"loan": {"amount": "5.00"}, "basis": ["thin_file"]})
    {'loan_amount': '5.00', 'basis': ['thin_file']}
    """
    row: Row = {}
    for name, value in event.items():
        if isinstance(value, dict):
            row.update(flat(value, f"{prefix}{name}_"))
        else:
            row[prefix + name] = value
    return row


_Columns = dict[str, "str | _Columns"]
"""Of a model's fields, by name: its column, or those of the object that stands there."""


def _columns(model: type[BaseModel], but: frozenset[str] = frozenset(), prefix: str = "") -> _Columns:
    """The columns of a model's fields, but for those named `but`."""
    columns: _Columns = {}
    for name, field in model.model_fields.items():
        kinds = get_args(field.annotation) if get_origin(field.annotation) is UnionType else (field.annotation,)
        inside = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if name not in but:
            columns[name] = _columns(inside[0], prefix=f"{prefix}{name}_") if inside else prefix + name
    return columns


_APPLIED = _columns(LoanApplication)
_VERIFIED = _columns(ApplicationVerified, frozenset({"application"}))
_DECIDED = _columns(LoanDecision)


def _row(event: Mapping[str, Any], columns: _Columns) -> Row:
    """An event's fields by column, as `flat` names them, without those that a newer stage put into it: there is no
    column for them, and the whole event is kept. Of an object that is null there is none either.
    """
    row: Row = {}
    for name, value in event.items():
        column = columns.get(name)
        if type(column) is str:
            row[column] = value
        elif column is not None and isinstance(value, dict):
            row |= _row(value, column)  # type: ignore[arg-type]  # what is no text is columns
    return row


def _check_addressed(message: Message, event: LoanApplication | LoanOutcome) -> None:
    """Raises Undecodable where the key is not the application's id or the topic not its tenant's."""
    if message.key() != event.application_id.encode():
        raise _refused("key_mismatch", "(key)", "the event's application_id", found_key(message.key()))
    _check_tenant(message, event.tenant)


def _check_tenant(message: Message, tenant: str) -> None:
    if topic_of(message.topic())[1] != tenant:
        raise _refused("tenant_mismatch", "tenant", "the tenant of the topic", describe(tenant))


def _refused(cause: str, field: str, expected: str, found: str | None = None) -> Undecodable:
    return Undecodable(cause, FieldError(field=field, error=cause, expected=expected, found=found))


def _sha256(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _origin(message: Message) -> Row:
    """Of which application's record it was made; no columns where its maker did not say so yet."""
    try:
        origin = Place.parse((header(message.headers(), ORIGIN) or b"").decode("ascii"))
    except ValueError:
        return {}
    return {"origin_topic": origin.topic, "origin_partition": origin.partition, "origin_offset": origin.offset}


def _kafka(message: Message) -> Row:
    return {
        "kafka_topic": message.topic(),
        "kafka_partition": message.partition(),
        "kafka_offset": message.offset(),
        "kafka_timestamp": _stamp(message.timestamp()[1]),
    }
