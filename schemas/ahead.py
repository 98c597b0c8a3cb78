"""An outcome's moment, held against the broker's stamp of its record: nobody tells of what is to come."""

from schemas.decode import Undecodable, describe
from schemas.operations import FieldError, LoanOutcome
from schemas.records import LOG_APPEND_TIME, Message
from schemas.topics import DAY_MS
from schemas.values import ms_of_utc, rfc3339

AHEAD_MOST_MS = DAY_MS
"""A clock in another zone, or one that is wrong by hours, is no reason to lose what became of a loan."""


def check_not_ahead(outcome: LoanOutcome, message: Message) -> None:
    """Raises `Undecodable` where `at` lies more than a day after the record was taken, where the broker says when."""
    kind, stamp_ms = message.timestamp()
    if kind == LOG_APPEND_TIME and ms_of_utc(outcome.at) > stamp_ms + AHEAD_MOST_MS:
        expected = "a moment at most a day after the record was taken"
        fault = FieldError(field="at", error="out_of_bounds", expected=expected, found=describe(rfc3339(outcome.at)))
        raise Undecodable("invalid_event", fault)
