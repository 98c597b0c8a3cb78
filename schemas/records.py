"""A record as every room sees it, whichever client read it: what it holds, and the place it stands at."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

Partition = tuple[str, int]
"""A topic and one of its partitions."""


class Place(NamedTuple):
    """Where a record stands; written `topic/partition/offset`.

    >>> str(Place("loan.decisions.v1.bank-a", 3, 40))
    'loan.decisions.v1.bank-a/3/40'
    """

    topic: str
    partition: int
    offset: int

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `text` writes. ValueError for anything else.

        >>> Place.parse("loan.decisions.v1.bank-a/3/40").offset
        40
        """
        match text.split("/"):
            case [topic, partition, offset] if topic and _NUMBER.fullmatch(partition) and _NUMBER.fullmatch(offset):
                return cls(topic, int(partition), int(offset))
        raise ValueError("expected topic/partition/offset")

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


_NUMBER = re.compile("[0-9]{1,18}")

Headers = list[tuple[str, bytes]]

LOG_APPEND_TIME = 2
"""The kind of a timestamp that is the broker's own (`message.timestamp.type`)."""


class Message(Protocol):
    """A record as a stage sees it: the part of `confluent_kafka.Message` that stages use."""

    def topic(self) -> str:
        """The topic it was read from."""
        ...

    def partition(self) -> int:
        """The partition it was read from."""
        ...

    def offset(self) -> int:
        """Its offset in the partition."""
        ...

    def key(self) -> bytes | None:
        """The record's key."""
        ...

    def value(self) -> bytes | None:
        """The record's value."""
        ...

    def headers(self) -> Headers | None:
        """The record's headers in order; None where it has none."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """Kind (0 none, 1 the producer's clock, 2 the broker's) and milliseconds since 1970."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryMessage:
    """A message without a broker, for tests, backtests and replay."""

    _topic: str
    _partition: int
    _offset: int
    _key: bytes | None = None
    _value: bytes | None = None
    _headers: Headers | None = None
    _timestamp: tuple[int, int] = (0, -1)

    def topic(self) -> str:
        """The topic it was read from."""
        return self._topic

    def partition(self) -> int:
        """The partition it was read from."""
        return self._partition

    def offset(self) -> int:
        """Its offset in the partition."""
        return self._offset

    def key(self) -> bytes | None:
        """The record's key."""
        return self._key

    def value(self) -> bytes | None:
        """The record's value."""
        return self._value

    def headers(self) -> Headers | None:
        """The record's headers in order; None where it has none."""
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        """Kind and milliseconds since 1970."""
        return self._timestamp


@dataclass(frozen=True, slots=True)
class Unreadable(MemoryMessage):
    """Stands for a record that the client library could not hand over: its place, and what is known of it.

    `cause` and `expected` are its dead letter's. Its value is None for whoever decodes it, so that nobody takes a
    record that others refuse; where the client gave the value, `original` keeps it, and `has_original` says so.
    """

    cause: str = ""
    expected: str = ""
    original: bytes | None = None
    has_original: bool = False


def partition_of(message: Message) -> Partition:
    """The partition a record stands in."""
    return message.topic(), message.partition()


def named(places: Iterable[Partition]) -> str:
    """Partitions in a sentence: the first two of them, and how many more there are.

    >>> named([("in", 0)]), named([("in", 0), ("in", 1), ("out", 0)])
    ('in[0]', 'in[0], in[1] and 1 more')
    """
    found = list(places)
    told = ", ".join(f"{topic}[{number}]" for topic, number in found[:2])
    return told if len(found) <= 2 else f"{told} and {len(found) - 2} more"


def place(message: Message) -> str:
    """Where a record stands: `topic/partition/offset`.

    >>> place(MemoryMessage("loan.decisions.v1.bank-a", 3, 40))
    'loan.decisions.v1.bank-a/3/40'
    """
    return str(Place(message.topic(), message.partition(), message.offset()))
