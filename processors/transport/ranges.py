"""Planning ranges of offsets for a sink that is not Kafka (pure).

A range begins where the one before it ended, at the committed offset, and ends after its last record: `[start, end)`.
Transaction markers and aborted records are holes inside ranges, so ranges join without arithmetic. The plan is
committed first, as the unchanged offset with metadata `end=N`; then the range is written under its token; then its end
is committed. Whoever continues after a crash reads offset and metadata and writes exactly the same range again with
the same token, however its polls cut the records.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """The offsets `[start, end)` of one partition."""

    topic: str
    partition: int
    start: int
    end: int

    @property
    def token(self) -> str:
        """The idempotency token of writing it.

        >>> OffsetRange("loan.decisions.v1.bank-a", 3, 40, 55).token
        'loan.decisions.v1.bank-a/3/40-55'
        """
        return f"{self.topic}/{self.partition}/{self.start}-{self.end}"

    @property
    def plan(self) -> str:
        """The metadata that is committed with `start` before the range is written."""
        return f"end={self.end}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a partition stands: its committed offset, and the end that was planned from there, if any."""

    start: int
    planned_end: int | None = None


class RangeLostError(Exception):
    """A planned range cannot be read again completely: its last record is gone. The message names the gap."""


def read_cursor(offset: int, metadata: str | None) -> Cursor:
    """The cursor in a committed offset and its metadata; a plan that is not ahead of the offset is over.

    >>> read_cursor(40, "end=55")
    Cursor(start=40, planned_end=55)
    >>> read_cursor(55, "")
    Cursor(start=55, planned_end=None)
    """
    found = re.fullmatch(r"end=(\d+)", metadata or "")
    end = int(found.group(1)) if found else None
    return Cursor(offset, end if end is not None and end > offset else None)


def plan_range(topic: str, partition: int, cursor: Cursor, offsets: Sequence[int], limit: int) -> OffsetRange | None:
    """The next range over the ascending `offsets` read so far from `cursor`; None where more must be read first.

    A planned end is kept whatever `limit` says: its token may already be in the warehouse. Raises RangeLostError when
    the record before a planned end is missing, for then the range can never be equal again.
    """
    if not offsets:
        return None
    if cursor.planned_end is None:
        return OffsetRange(topic, partition, cursor.start, offsets[: max(limit, 1)][-1] + 1)
    if offsets[-1] < cursor.planned_end - 1:
        return None
    if cursor.planned_end - 1 not in offsets:
        raise RangeLostError(
            f"{topic}[{partition}]: offsets {cursor.start} to {cursor.planned_end - 1} were planned, "
            f"and the record {cursor.planned_end - 1} is no longer there"
        )
    return OffsetRange(topic, partition, cursor.start, cursor.planned_end)
