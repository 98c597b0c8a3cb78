"""What a stage tells the transport about itself, and what a worker is told about its broker."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import TopicPartition

from processors.transport.batches import Batch, Output, Processed
from processors.transport.ranges import OffsetRange
from schemas.records import Message
from schemas.topics import CHECK_TOPIC


class Retry(Exception):
    """Raised by `RangeSpec.write`: what it writes to is down; the same range is to be written again later.

    Its text is logged: it says what is down, and nothing about the records.
    """


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage whose outputs go to Kafka in one transaction with its input offsets.

    `topics` are literal names or patterns anchored by `^`. `process` gets a batch and returns its outputs; it raises
    only for a bug of ours, which stops the worker with the batch uncommitted. `crashed` answers, instead of `process`,
    for a message that crashed its worker twice while alone in its batch. `max_in_flight` batches of `max_records` may
    be open, but only while the stage is behind; else one. Batches that wait are committed together, at most
    `commit_records` records or one batch. `rest_s` is the least pause after a transaction: a little of it makes them
    cheaper and so latency lower, and a stage that feeds another should rest longer than that one. `patience_s` is how
    long input may wait without a commit before the worker calls itself unhealthy. `prepare` is awaited on the worker's
    event loop before it joins its group, `close` after its last batch.
    """

    name: str
    topics: tuple[str, ...]
    process: Callable[[Batch], Awaitable[Processed]]
    crashed: Callable[[Message], Output] | None = None
    max_records: int = 500
    max_in_flight: int = 8
    commit_records: int = 2000
    rest_s: float = 0.004
    defer_s: float = 1.0
    patience_s: float = 30.0
    prepare: Callable[[], Awaitable[None]] | None = None
    close: Callable[[], Awaitable[None]] | None = None

    def __post_init__(self) -> None:
        check_topics(self.topics)


@dataclass(frozen=True, slots=True)
class RangeSpec:
    """A stage that writes its input elsewhere, in planned ranges of offsets (see `ranges`).

    `prepare` makes of a range's records what `write` takes, while the range before it is being written. `write` must be
    idempotent under the range's `token`; it raises `Retry` while what it writes to is down. Both run in threads of
    their own and raise anything else only for a bug of ours. `made` hands over what the last `write` produced beside
    its writing, dead letters say, to be counted. `max_records` bounds one range. `patience_s` as in StageSpec.
    """

    name: str
    topics: tuple[str, ...]
    write: Callable[[OffsetRange, Any], None]
    prepare: Callable[[list[Message]], Any] = list
    made: Callable[[], Sequence[Output]] = tuple
    max_records: int = 1000
    patience_s: float = 30.0

    def __post_init__(self) -> None:
        check_topics(self.topics)


CHECK_SLOTS = 8
"""Partitions for the tokens of slots. Two slots that share one may disturb each other's check; they repeat it."""
CHECK_PARTITIONS = CHECK_SLOTS + 1
"""The last one is for whoever provisions the topics."""


METADATA_REFRESH_S = 5.0
"""How often a client looks for topics that are new to it: a bank that is added is served within it."""


@dataclass(frozen=True, slots=True)
class WorkerKafka:
    """The broker a worker talks to; `security` holds librdkafka settings and may override anything."""

    bootstrap: str
    security: dict[str, str] = field(default_factory=dict)
    check_topic: str = CHECK_TOPIC

    def check_place(self, slot: int) -> TopicPartition:
        """Where the worker of `slot` commits the tokens it checks the coordinator with; the topic holds no records."""
        return TopicPartition(self.check_topic, slot % CHECK_SLOTS)

    @property
    def settings(self) -> dict[str, str | int]:
        """The settings that every client of the worker shares."""
        refresh_ms = int(METADATA_REFRESH_S * 1000)
        return {"bootstrap.servers": self.bootstrap, "topic.metadata.refresh.interval.ms": refresh_ms, **self.security}


def check_topics(topics: tuple[str, ...]) -> None:
    """Refuse an empty subscription, and a pattern that librdkafka would not compile; raises ValueError."""
    if not topics:
        raise ValueError("a stage reads at least one topic")
    for topic in topics:
        if topic.startswith("^"):
            try:
                re.compile(topic)
            except re.error as error:
                raise ValueError(f"{topic!r} is no regular expression: {error}") from error
