"""What travels through a worker: messages in, batches of them, outputs out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Partition = tuple[str, int]
"""A topic and one of its partitions."""

Headers = list[tuple[str, bytes]]


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
class Output:
    """A record to produce.

    `origin` is the partition of the message it answers. With it, an output topic that does not exist holds up only
    that partition; without it, the whole batch.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    origin: Partition | None = None


@dataclass(frozen=True, slots=True)
class Processed:
    """What a stage made of a batch.

    `deferred` names partitions of the batch that cannot be processed now, each with what it needs that is down, or
    None where others' turn came first: no output for their messages may be in `outputs`; they are read again after
    `StageSpec.defer_s`, and everything else goes on. A worker of which something is down for too long calls itself
    unhealthy.
    """

    outputs: list[Output]
    deferred: Mapping[Partition, str | None] = field(default_factory=dict)


class Span(NamedTuple):
    """The offsets a batch covers in one partition: its first message's, and the one after its last."""

    first: int
    next: int


def spans(messages: Iterable[Message]) -> dict[Partition, Span]:
    """What `messages`, in offset order within each partition, cover.

    >>> spans([MemoryMessage("t", 0, 4), MemoryMessage("t", 1, 9), MemoryMessage("t", 0, 7)])
    {('t', 0): Span(first=4, next=8), ('t', 1): Span(first=9, next=10)}
    """
    first: dict[Partition, int] = {}
    last: dict[Partition, int] = {}
    for message in messages:
        place, offset = (message.topic(), message.partition()), message.offset()
        first.setdefault(place, offset)
        last[place] = offset
    return {place: Span(offset, last[place] + 1) for place, offset in first.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to process together, with all that committing them needs.

    Everything here, `fence` (the consumer's group metadata) included, was taken in the poll thread at the moment of
    the poll: a fence fetched later could belong to a newer generation and let a lost partition be committed.
    """

    messages: list[Message]
    number: int = 0
    spans: Mapping[Partition, Span] = field(default_factory=dict)
    fence: Any = None
