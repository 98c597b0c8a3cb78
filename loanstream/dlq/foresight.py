"""What a stage would say today to a dead letter's record, by the stage's own pure code: nothing is sent for it.

A record that would be refused again would only become another letter. So it waits, until the code is another one (an
upgrade that reads what this one refuses) or somebody discards it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from loanstream.dlq.letters import original
from processors.identity import code_version
from schemas.decode import Undecodable
from schemas.operations import DeadLetter, FieldError
from schemas.records import Message

RECORD = "record"
"""The stage whose letters are recorded again: their events were decided, or read downstream, long ago."""

OWN_FAULTS = frozenset({"internal_error", "crashes_worker"})
"""Causes that are our code's: the same code would do the same again."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a record would become a dead letter again."""

    cause: str
    errors: tuple[FieldError, ...] = ()

    def __str__(self) -> str:
        """As a line for a person: the cause, and what is wrong first."""
        first = next((f" {error.field}: {error.expected}" for error in self.errors), "")
        return f"{self.cause}{first}"


def foreseen(letter: DeadLetter) -> Refusal | None:
    """What its stage would refuse its record for today; None where it would take it, or only trying can tell."""
    read = READERS.get(letter.stage)
    if read is None:
        return None
    if letter.stage != RECORD and letter.cause in OWN_FAULTS and letter.code_version == code_version():
        return _own_fault(letter.cause)
    try:
        read(original(letter))
    except Undecodable as refused:
        return Refusal(refused.cause, refused.errors)
    except Exception:  # noqa: BLE001 - whatever it is, it is ours, and the stage would fail on it as well
        return _own_fault("internal_error")
    return None


def _own_fault(cause: str) -> Refusal:
    return Refusal(cause, (FieldError(field="(record)", error=cause, expected="code without this fault"),))


def _verify(message: Message) -> None:
    from processors.stages.envelope import accept

    accept(message, now_ms=0)


def _verify_slow(message: Message) -> None:
    from processors.stages.envelope import accept_later

    accept_later(message)


def _score(message: Message) -> None:
    from processors.stages.score import decode_verified

    decode_verified(message)


class _Unsealed:
    """Seals nothing: whether a record makes rows does not depend on it."""

    def seal(self, plaintext: bytes, column: str, tenant: str, *place: str | int) -> str:  # noqa: ARG002 - the port's
        return ""


def _record(message: Message) -> None:
    from processors.stages.record.rows import rows_of

    rows_of(message, _Unsealed())


READERS: dict[str, Callable[[Message], None]] = {
    "verify": _verify,
    "verify-slow": _verify_slow,
    "score": _score,
    "record": _record,
}
"""Stage -> how it reads a record; raises `Undecodable` where it would refuse it. Of a record that makes rows the
warehouse alone can tell whether it takes them. Trying that makes no letter, so of the record stage no fault of our own
is taken for certain.
"""
