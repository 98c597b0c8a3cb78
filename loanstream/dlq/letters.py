"""A dead letter as an operator sees it: where it lies, what it is about, how it stands."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from schemas.decode import Undecodable, decode_own
from schemas.headers import ATTEMPTS, FIRST_STOOD, REJECTED
from schemas.operations import DeadLetter, DeadLetterHandled
from schemas.originals import first_stood, original_headers, original_key, original_value, unpacked
from schemas.problem import Problem, WrongOption
from schemas.records import LOG_APPEND_TIME, MemoryMessage, Message, place
from schemas.topics import topic_of

State = Literal["waiting", "redriven", "recorded", "discarded"]

STATES: dict[State, str] = {
    "waiting": "nothing was done with it, or nothing came of it",
    "redriven": "its record was sent back to its topic",
    "recorded": "its record is in the warehouse after all",
    "discarded": "an operator said that nothing will be done with it, and why",
}
"""How a letter stands."""

_APPLICATION_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_SAID = re.compile(rb'"application_id"\s*:\s*"([A-Za-z0-9._:-]{1,64})"')


class LetterProblem(Problem):
    """A dead letter that is asked for by a wrong id, or that is not there; one line for a person."""


class NoLetterIdError(LetterProblem, WrongOption):
    """What is no dead letter's id."""


class LetterId(NamedTuple):
    """Where a dead letter lies, or the record it is about. Written `topic/partition/offset`, as `dlq list` shows it.

    >>> str(LetterId.parse("loan.applications.v1.bank-a.dlq/0/5"))
    'loan.applications.v1.bank-a.dlq/0/5'
    """

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "LetterId":
        """The id that `text` writes. NoLetterIdError for anything else."""
        match text.split("/"):
            case [topic, partition, offset] if topic and partition.isdecimal() and offset.isdecimal():
                return cls(topic, int(partition), int(offset))
            case _:
                raise NoLetterIdError(f"{text!r} is no dead letter's id; expected topic/partition/offset, see dlq list")

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


@dataclass(frozen=True)
class Letter:
    """A dead letter with the place it lies at and what was done with it, oldest first.

    `noted` says that a version before `loan.dead_letter.handled` noted it as sent back: nobody knows by whom.
    """

    id: LetterId
    timestamp_ms: int
    letter: DeadLetter
    done: tuple[DeadLetterHandled, ...] = ()
    noted: bool = False

    @property
    def state(self) -> State:
        """The last thing that was done with it says how it stands."""
        if self.done:
            return self.done[-1].action
        return "redriven" if self.noted and self.has_original else "waiting"

    @property
    def has_original(self) -> bool:
        """Whether it holds the record's bytes: without them it cannot be sent back."""
        return self.letter.value_base64 is not None

    @property
    def origin(self) -> str:
        """Where its record stands."""
        origin = self.letter.origin
        return f"{origin.topic}/{origin.partition}/{origin.offset}"

    @property
    def about(self) -> tuple[str, str]:
        """Its record, and who refused it: of one record a stage makes one letter, however often it is written."""
        return self.origin, self.letter.stage

    @property
    def thread(self) -> tuple[str, str]:
        """What all letters of a stage have in common that are about one record, however often it was redriven."""
        return first_origin(self.letter) or self.origin, self.letter.stage

    @cached_property
    def application_ids(self) -> tuple[str, ...]:
        """The application its record is about: by the key, and by the value where that says another; nothing where
        neither tells. The value is searched for the name, since it may be no JSON.
        """
        if self.letter.tenant is None:
            return ()
        key, value = original_key(self.letter) or b"", original_value(self.letter) or b""
        found = [key] if _APPLICATION_ID.fullmatch(key) else []
        found += [said[1] for said in [_SAID.search(value)] if said]
        return tuple(dict.fromkeys(name.decode() for name in found))


def letter_in(message: Message) -> DeadLetter | None:
    """The dead letter in a record; None where it is none."""
    try:
        return decode_own(DeadLetter, message.value())
    except Undecodable:
        return None


def handled_in(message: Message) -> DeadLetterHandled | None:
    """What was done with a letter, in a record of `loan.letters.handled.v1`; None where it is no such event."""
    try:
        return decode_own(DeadLetterHandled, message.value())
    except Undecodable:
        return None


def id_of(message: Message) -> LetterId:
    """Where a record stands, as an id."""
    return LetterId(message.topic(), message.partition(), message.offset())


def original(letter: DeadLetter) -> Message:
    """The record as it stood in its topic."""
    origin, stamp = letter.origin, (LOG_APPEND_TIME, letter.origin.timestamp_ms)
    key, value, headers = original_key(letter), original_value(letter), original_headers(letter)
    return MemoryMessage(origin.topic, origin.partition, origin.offset, key, value, headers, stamp)


def redriven_headers(letter: DeadLetter) -> list[tuple[str, bytes | None]]:
    """The headers with which a letter's record goes back: its own, how often it was tried, where it first stood, and
    whether its sender was told that it was rejected.
    """
    first = first_origin(letter) or place(original(letter))
    kept = [(found.name, unpacked(found.value_base64)) for found in letter.headers or ()]
    own = {ATTEMPTS: str(letter.attempts).encode(), FIRST_STOOD: first.encode()}
    if letter.sender_told:
        own[REJECTED] = first.encode()
    return [*((name, value) for name, value in kept if name not in own), *own.items()]


def first_origin(letter: DeadLetter) -> str | None:
    """Where a redriven record first stood; None where it says nothing that can be true."""
    found = first_stood(letter)
    return None if found is None else str(found)


def is_letters(topic: str, tenant: str | None = None) -> bool:
    """Whether a topic's records are dead letters (of `tenant`, where one is named)."""
    try:
        row, owner = topic_of(topic)
    except LookupError:
        return False
    return row.is_dlq and tenant in (None, owner)
