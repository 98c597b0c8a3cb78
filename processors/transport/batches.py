"""What travels through a worker: messages in, batches of them, outputs out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from schemas.records import Headers, Message, Partition, partition_of


@dataclass(frozen=True, slots=True)
class Output:
    """A record to produce.

    `origin` is the partition of the message it answers. With it, an output topic that does not exist holds up only
    that partition; without it, the whole batch. `tallied` is what it counts as once it is committed: a metric and the
    value of its last label, such as `("decisions", "approve")`.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    origin: Partition | None = None
    tallied: tuple[str, str] | None = None


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

    >>> from schemas.records import MemoryMessage
    >>> spans([MemoryMessage("t", 0, 4), MemoryMessage("t", 1, 9), MemoryMessage("t", 0, 7)])
    {('t', 0): Span(first=4, next=8), ('t', 1): Span(first=9, next=10)}
    """
    first: dict[Partition, int] = {}
    last: dict[Partition, int] = {}
    for message in messages:
        place, offset = partition_of(message), message.offset()
        first.setdefault(place, offset)
        last[place] = offset
    return {place: Span(offset, last[place] + 1) for place, offset in first.items()}


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to process together, with all that committing them needs; none, where only markers were read.

    Everything here, `fence` (the consumer's group metadata) included, was taken in the poll thread at the moment of
    the poll: a fence fetched later could belong to a newer generation and let a lost partition be committed.
    """

    messages: list[Message]
    number: int = 0
    spans: Mapping[Partition, Span] = field(default_factory=dict)
    fence: Any = None
