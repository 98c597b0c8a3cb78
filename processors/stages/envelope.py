"""From a record of `loan.applications` to an application: the checks that need the record, not only its value."""

from dataclasses import dataclass

from schemas.application import ApplicationAccepted, LoanApplication
from schemas.decode import Undecodable, decode, decode_own, describe, found_key
from schemas.operations import FieldError
from schemas.records import LOG_APPEND_TIME, Message
from schemas.topics import APPLICATION_MAX_BYTES, topic_of
from schemas.values import ms_of_utc


class BrokerMisconfigured(Exception):
    """A topic does not stamp records as its contract says: an error of ours, for which the worker stops."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """An application with the record it came in and the moment the broker took it (milliseconds since 1970)."""

    message: Message
    application: LoanApplication
    accepted_ms: int
    fast_started_ms: int


def accept(message: Message, now_ms: int) -> Accepted:
    """The application in a record of `loan.applications.v1.<tenant>`, without its `monitoring` block.

    Raises `Undecodable`; `BrokerMisconfigured` where the topic does not stamp LogAppendTime.
    """
    value, topic = message.value(), message.topic()
    stamp, accepted_ms = message.timestamp()
    if stamp != LOG_APPEND_TIME:
        raise BrokerMisconfigured(f"{topic} must stamp LogAppendTime (message.timestamp.type)")
    if value is not None and len(value) > APPLICATION_MAX_BYTES:
        raise _refused("too_large", "(record)", f"at most {APPLICATION_MAX_BYTES} bytes", f"{len(value)} bytes")
    application = decode(LoanApplication, value)
    check_addressed(message, application)
    if application.monitoring is not None:
        application = application.model_copy(update={"monitoring": None})
    return Accepted(message, application, accepted_ms, now_ms)


def accept_later(message: Message) -> Accepted:
    """The application in a record of `loan.applications.slow.v1.<tenant>`, as the fast lane handed it over.

    Raises `Undecodable`.
    """
    waited = decode_own(ApplicationAccepted, message.value())
    check_addressed(message, waited.application)
    return Accepted(message, waited.application, ms_of_utc(waited.accepted_at), ms_of_utc(waited.fast_lane_started_at))


def check_addressed(message: Message, application: LoanApplication) -> None:
    """The record's key must be the application's id, its topic the tenant's own. Raises `Undecodable`."""
    key = message.key()
    if key is None or key != application.application_id.encode():
        raise _refused("key_mismatch", "(key)", "the event's application_id", found_key(key))
    _, tenant = topic_of(message.topic())
    if tenant != application.tenant:
        raise _refused("tenant_mismatch", "tenant", "the tenant of the topic", describe(application.tenant))


def _refused(cause: str, field: str, expected: str, found: str) -> Undecodable:
    return Undecodable(cause, FieldError(field=field, error=cause, expected=expected, found=found))
