"""What a bank is told of a record of its own that became a dead letter, and of one that was taken after all.

A rejection is made of the letter, by one function, so that both say the same about a record; it leaves out what the
record held. It is for the bank: letters about our own events, and about what our own code could not do, have none.
"""

import re
from datetime import datetime

from processors.identity import Worker
from processors.transport.batches import Output
from schemas.causes import CAUSES
from schemas.headers import REJECTED, child_traceparent, event_headers, header
from schemas.operations import DeadLetter, Origin
from schemas.originals import first_stood, original_key, place_in
from schemas.records import Headers, Message, Place, partition_of
from schemas.rejections import RecordRejected, RejectionWithdrawn
from schemas.topics import TOPICS, topic_of
from schemas.values import rfc3339, utc_of_ms

TOPIC = TOPICS["rejections"]
"""Where banks are told."""

Told = RecordRejected | RejectionWithdrawn
"""What a bank may be told."""

UNKNOWN = -1
"""Stands for a stamp of the broker's that nobody knows any more."""

_APPLICATION_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


def is_told(topic: str, cause: str) -> bool:
    """Whether a bank is told of its record on `topic` that was refused for `cause`: its own record, its own making."""
    row, _ = topic_of(topic)
    return row.input and row.per_tenant and cause in CAUSES and CAUSES[cause].sender


def rejection_of(letter: DeadLetter) -> RecordRejected | None:
    """What the bank is told of the record that a letter is about; None where it is told nothing."""
    if letter.tenant is None or not is_told(letter.origin.topic, letter.cause):
        return None
    return RecordRejected(
        tenant=letter.tenant,
        application_id=application_id(original_key(letter)),
        origin=_first_origin(letter),
        attempts=letter.attempts,
        cause=letter.cause,
        errors=letter.errors,
        at=letter.at,
        code_version=letter.code_version,
    )


def application_id(key: bytes | None) -> str | None:
    """The application that a record's key names; None where it is no application's id."""
    return key.decode("ascii") if key is not None and _APPLICATION_ID.fullmatch(key) else None


def rejection(letter: DeadLetter, message: Message, worker: Worker) -> Output | None:
    """The record that tells the bank of `message`, which `letter` is about; None where it is told nothing."""
    told = rejection_of(letter)
    return None if told is None else _output(told, message, worker)


def withdrawal(message: Message, application: str, worker: Worker) -> Output | None:
    """The record that tells the bank that `message` was taken, with which `application`; None where the bank was not
    told before that it was rejected.

    The header that says so is ours. A bank that sends it tells itself something.
    """
    said = header(message.headers(), REJECTED)
    if said is None:  # asked for every record that is taken
        return None
    tenant, first = topic_of(message.topic())[1], place_in(said, message.topic())
    if first is None or tenant is None:
        return None
    told = RejectionWithdrawn(
        tenant=tenant,
        application_id=application,
        origin=_origin(first),
        at=utc_of_ms(worker.now_ms()),
        code_version=worker.code_version,
    )
    return _output(told, message, worker)


def withdrawal_of(letter: DeadLetter, now: datetime, code_version: str) -> RejectionWithdrawn | None:
    """What the bank is told when a letter's record is recorded after all; None where it was not told of the letter."""
    if not letter.sender_told or letter.tenant is None:
        return None
    return RejectionWithdrawn(
        tenant=letter.tenant,
        application_id=application_id(original_key(letter)),
        origin=_first_origin(letter),
        at=now,
        code_version=code_version,
    )


def key_of(told: Told) -> bytes:
    """The record's key: the application, else the place of the bank's record; so all that is said of one record stands
    in one partition, in order.
    """
    return (told.application_id or _written(told.origin)).encode()


def headers_of(told: Told, stage: str, of: Headers | None) -> list[tuple[str, bytes]]:
    """The headers of what a bank is told of a record with the headers `of`."""
    where = _written(told.origin)
    event, turn = (TOPIC.event, told.attempts) if isinstance(told, RecordRejected) else (*TOPIC.beside, "withdrawn")
    return event_headers(
        event=event,
        event_id=f"{where}/{turn}",
        source=f"loanstream/{stage}",
        subject=told.application_id or where,
        time=rfc3339(told.at),
        traceparent=child_traceparent(of, where, stage),
    )


def _output(told: Told, message: Message, worker: Worker) -> Output:
    headers = headers_of(told, worker.stage, message.headers())
    return Output(
        TOPIC.name(told.tenant), key_of(told), told.model_dump_json().encode(), headers, partition_of(message)
    )


def _first_origin(letter: DeadLetter) -> Origin:
    first = first_stood(letter)
    return letter.origin if first is None else _origin(first)


def _origin(first: Place) -> Origin:
    return Origin(**first._asdict(), timestamp_ms=UNKNOWN)


def _written(origin: Origin) -> str:
    return str(Place(origin.topic, origin.partition, origin.offset))
