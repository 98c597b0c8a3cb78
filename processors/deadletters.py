"""Dead letters: what cannot be processed goes to `<topic>.dlq` with its reason and its original bytes."""

import base64
import hashlib
from collections.abc import Sequence

from processors.identity import Worker
from processors.rejections import TOPIC as REJECTIONS
from processors.rejections import is_told, rejection
from processors.topics_there import Exists, everywhere
from processors.transport.batches import Output
from schemas.decode import Undecodable, decode_own
from schemas.headers import ATTEMPTS, child_traceparent, event_headers, header
from schemas.operations import HEADER_NAME_MAX, DeadLetter, FieldError, Header, Origin
from schemas.records import Message, Unreadable, partition_of, place
from schemas.topics import RECORD_MAX_BYTES, topic_of
from schemas.values import rfc3339, utc_of_ms

BESIDE_MAX_BYTES = 64 * 1024
"""The largest key that a dead letter tells, and the most that the original's headers take in it."""

LETTER_ROOM = 6 * BESIDE_MAX_BYTES
"""What a dead letter takes beside its original's value: a usual key twice, headers, twenty errors, its own headers."""

ORIGINAL_MAX_BYTES = (RECORD_MAX_BYTES - LETTER_ROOM) // 4 * 3
"""The largest original that still fits into a dead letter in base64; of a larger one it keeps hash and origin."""

KEY_MAX_BYTES = RECORD_MAX_BYTES // 2
"""The largest key that a dead letter has as the original had it: `reconcile` knows an application by it."""

HEADER_COSTS = 48
"""Bytes of JSON around a header's name and value."""


Refused = tuple[Message, Undecodable]
"""A record that makes no row in the warehouse, and why."""


def ends_here(message: Message) -> bool:
    """Whether a record is a dead letter about a dead letter: one more about it would never be the last."""
    if not topic_of(message.topic())[0].is_dlq:
        return False
    try:
        return topic_of(decode_own(DeadLetter, message.value()).origin.topic)[0].is_dlq
    except (Undecodable, LookupError):
        return False


def attempts(message: Message) -> int:
    """How often the record was processed before; a producer's own nonsense in that header counts as none."""
    found = header(message.headers(), ATTEMPTS) or b"0"
    return int(found) if found.isdigit() and len(found) < 6 else 0


def refused(
    message: Message, cause: str, errors: Sequence[FieldError], worker: Worker, exists: Exists = everywhere
) -> list[Output]:
    """The dead letter of a record, and what its bank is told of it where that is of the bank's own making."""
    tenant = topic_of(message.topic())[1]
    told = tenant is not None and is_told(message.topic(), cause) and exists(REJECTIONS.name(tenant))
    letter = _letter(message, cause, errors, worker, sender_told=told)
    outputs = [_letter_output(letter, message, worker)]
    if told and (rejected := rejection(letter, message, worker)) is not None:
        outputs.append(rejected)
    return outputs


def dead_letter(message: Message, cause: str, errors: Sequence[FieldError], worker: Worker) -> Output:
    """The dead letter of a record, of which nobody else is told. Its id is its origin: making it again makes the same
    one.
    """
    return _letter_output(_letter(message, cause, errors, worker, sender_told=False), message, worker)


def _letter(
    message: Message, cause: str, errors: Sequence[FieldError], worker: Worker, *, sender_told: bool
) -> DeadLetter:
    topic = message.topic()
    value = _original(message)
    return DeadLetter(
        tenant=topic_of(topic)[1],
        stage=worker.stage,
        cause=cause,
        errors=tuple(errors),
        origin=Origin(
            topic=topic,
            partition=message.partition(),
            offset=message.offset(),
            timestamp_ms=message.timestamp()[1],
        ),
        attempts=attempts(message) + 1,
        at=utc_of_ms(worker.now_ms()),
        key_base64=_base64(_key(message, BESIDE_MAX_BYTES)),
        value_base64=_base64(value) if value is None or _has_room(message, value) else None,
        value_sha256=None if value is None else hashlib.sha256(value).hexdigest(),
        value_size=None if value is None else len(value),
        headers=_headers(message),
        code_version=worker.code_version,
        sender_told=sender_told,
    )


def _letter_output(letter: DeadLetter, message: Message, worker: Worker) -> Output:
    topic = message.topic()
    headers = event_headers(
        event="loan.dead_letter",
        event_id=f"{place(message)}/{letter.attempts}",
        source=f"loanstream/{worker.stage}",
        subject=place(message),
        time=rfc3339(letter.at),
        traceparent=child_traceparent(message.headers(), place(message), worker.stage),
    )
    # What lies among dead letters has no other topic: there is no .dlq of a .dlq.
    letters = topic if topic_of(topic)[0].is_dlq else f"{topic}.dlq"
    written = letter.model_dump_json().encode()
    key, partition = _key(message, KEY_MAX_BYTES), partition_of(message)
    return Output(letters, key, written, headers, partition, tallied=("letters", letter.cause))


def _key(message: Message, most: int) -> bytes | None:
    """The original's key; None where it has none, or a larger one."""
    key = message.key()
    return None if key is None or len(key) > most else key


def _has_room(message: Message, value: bytes) -> bool:
    """Whether a value fits beside its key: a key that is larger than usual takes the value's place."""
    beyond = max(0, len(_key(message, KEY_MAX_BYTES) or b"") - BESIDE_MAX_BYTES)
    return len(value) <= ORIGINAL_MAX_BYTES - beyond


def _original(message: Message) -> bytes | None:
    """The bytes to keep; None where nobody knows them."""
    if not isinstance(message, Unreadable):
        return message.value() or b""
    return message.original or b"" if message.has_original else None


def _base64(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode("ascii")


def _headers(message: Message) -> tuple[Header, ...] | None:
    """The original's headers, as far as they fit (a producer may have sent megabytes of them); None where nobody knows
    them.
    """
    if isinstance(message, Unreadable):
        return None
    kept, size = [], 0
    for name, value in message.headers() or ():
        # As JSON, where a character of a name takes up to six bytes: a million headers of nothing are no small thing.
        size += HEADER_COSTS + 6 * len(name) + 4 * len(value or b"") // 3
        if size > BESIDE_MAX_BYTES:
            break
        kept.append(Header(name=name[:HEADER_NAME_MAX], value_base64=_base64(value)))
    return tuple(kept)
