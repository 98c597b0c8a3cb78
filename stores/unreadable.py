"""What the client library cannot hand over: how it shows, where it ends, and what stands for it.

Theory of operation. Three things stop librdkafka, or its Python layer, at a record (docs/measured/kafka-client.md):

* A header's name that is not UTF-8: asking for the headers raises, and the message is broken from then on. So they are
  asked for once, where a record is read (`as_read`), and the rest of it is kept.
* A batch that it cannot unpack: instead of its records comes an error that names the batch's first offset, again and
  again, wherever in the batch reading begins. How many records the batch holds is not told, but it can be found: to
  begin at an offset inside gives an error that names the same first offset, and beyond it something else.
* A batch made by hand whose records claim offsets that are not the batch's: a record then comes from beyond the
  partition's end, and what would be fetched next is out of range. Its end is found in the same way.

Each offset of such a place becomes an `Unreadable`, which travels as a record does.
"""

import time
from collections.abc import Callable, Iterator
from operator import methodcaller
from typing import Any, NamedTuple, cast

from confluent_kafka import KafkaError, TopicPartition

from schemas.records import Message, Partition, Unreadable

LOOK: dict[str, Any] = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "fetch.wait.max.ms": 10,
    "fetch.message.max.bytes": 1,  # one batch at a time, however large it is
    "fetch.error.backoff.ms": 0,  # inside a batch every look is an error
    "log_level": 2,
}
"""Settings of a consumer for `end_of`."""

ANSWER_S = 10.0

CODES = frozenset(
    {
        KafkaError._BAD_COMPRESSION,  # noqa: SLF001 - that is how confluent_kafka names client errors
        KafkaError._BAD_MSG,  # noqa: SLF001
        KafkaError._NOT_IMPLEMENTED,  # noqa: SLF001
    }
)
"""The errors of a batch that was fetched and cannot be unpacked."""

ZSTD = "codec 0x4"
"""In the error's text. The broker has unpacked every batch that it took; of the codecs librdkafka has a limit for zstd
alone, so what it cannot unpack of that is too large."""

TOO_LARGE = (
    "too_large",
    "a batch that unpacks to at most 100 MB (the client's limit); a record that is not large itself: send it again",
)
BROKEN = ("unreadable_batch", "a batch that the client library can unpack; send the record again")
FORGED = ("unreadable_batch", "a batch whose records have the offsets that it was given")
HEADERS = ("unreadable_headers", "header names in UTF-8")


class EndNotFound(Exception):
    """The broker does not answer now, or the place is no longer there."""


class UnreadableBatch(NamedTuple):
    """The offsets `[base, end)` of a batch of `partition` that cannot be unpacked, and why."""

    partition: Partition
    base: int
    end: int
    cause: str
    expected: str

    def records(self, first: int, end: int) -> Iterator[Unreadable]:
        """What stands for its records from the offset `first` to below `end`."""
        for offset in range(max(first, self.base), min(end, self.end)):
            yield Unreadable(*self.partition, offset, cause=self.cause, expected=self.expected)


_headers = methodcaller("headers")
"""Asks a message for its headers. Written `message.headers()` in code that is run often, the interpreter takes a short
way that does not see the client library's error: it comes up later, in whatever is called next."""


def as_read(message: Any) -> Message:
    """The record that a consumer gave; what stands for it where its headers cannot be read."""
    try:
        _headers(message)
    except (UnicodeDecodeError, SystemError):
        # A second look would give a header whose name is no object at all: nobody may have this message.
        cause, expected = HEADERS
        at = (message.topic(), message.partition(), message.offset())
        return Unreadable(
            *at, message.key(), None, None, message.timestamp(), cause, expected, message.value(), has_original=True
        )
    return cast(Message, message)


def holds_up(consumer: Any, told: Any) -> bool:
    """Whether nothing can be read behind what `consumer` gave: the error of a batch that cannot be unpacked, whose
    offset is the batch's first one; or a record from beyond the partition's end.
    """
    error = told.error()
    if error is not None:
        return error.code() in CODES and told.topic() is not None and told.offset() >= 0
    place = TopicPartition(told.topic(), told.partition())
    # The end as the client heard of it when it fetched the record; the broker's answer that the offset behind a forged
    # one is out of range names no end, and takes the place of the one that was known.
    _, end = consumer.get_watermark_offsets(place, cached=True)
    if end < 0:
        _, end = consumer.get_watermark_offsets(place, timeout=ANSWER_S)
    return bool(end <= told.offset())


def unreadable_batch(consumer: Any, told: Any, at: int) -> UnreadableBatch:
    """The batch that holds up (see `holds_up`) whoever stands at the offset `at`. `consumer` may be any that is free to
    look around: it is assigned to the partition, and stands somewhere when this returns. Raises `EndNotFound`,
    `KafkaException`.
    """
    partition = (told.topic(), told.partition())
    _, end = consumer.get_watermark_offsets(TopicPartition(*partition), timeout=ANSWER_S)
    error = told.error()
    if error is not None:
        cause, expected = TOO_LARGE if ZSTD in error.str() else BROKEN
        base = told.offset()

        def is_of_it(first: Any) -> bool:
            return first.error() is not None and first.error().code() in CODES and bool(first.offset() == base)
    else:
        cause, expected = FORGED
        base = at

        def is_of_it(first: Any) -> bool:
            return first.error() is None and bool(first.offset() >= end)

        if not is_of_it(_first(consumer, partition, base)):
            raise EndNotFound(f"{partition[0]}[{partition[1]}]: what was forged at {at} is no longer there")
    return UnreadableBatch(partition, base, _end(consumer, partition, base, end, is_of_it), cause, expected)


def _end(consumer: Any, partition: Partition, base: int, beyond: int, is_of_it: Callable[[Any], bool]) -> int:
    """The offset after the last one of the batch that begins at `base`, and ends at `beyond` at the latest.

    In steps that grow, then by halves: twice the logarithm of the batch's records in looks.
    """
    inside, step = base, 1
    while beyond - inside > 1:
        at = min(inside + step, (inside + beyond) // 2)
        if is_of_it(_first(consumer, partition, at)):
            inside, step = at, step * 2
        else:
            beyond = at
    return beyond


def _first(consumer: Any, partition: Partition, at: int) -> Any:
    """What comes first to whoever begins to read at `at`: a record, an error, the partition's end."""
    consumer.assign([TopicPartition(*partition, at)])
    until = time.monotonic() + ANSWER_S
    while time.monotonic() < until:
        message = consumer.poll(1.0)
        if message is None or (message.topic(), message.partition()) != partition:
            continue
        error = message.error()
        if error is None or error.code() in CODES or error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
            return message
        # Of an offset that was forged the client may say only now that it is out of range.
        if error.code() == KafkaError._AUTO_OFFSET_RESET and message.offset() == at:  # noqa: SLF001 - its name
            break
    raise EndNotFound(f"{partition[0]}[{partition[1]}]: what stands at {at} cannot be read")
