"""What of a partition of dead letters was sent back: a group's committed offset, and the metadata beside it."""

from collections.abc import Collection
from dataclasses import dataclass
from heapq import nlargest
from typing import Self

METADATA_MAX = 4096
"""Bytes that Kafka keeps with an offset (`offset.metadata.max.bytes`)."""


KEPT = "!"
"""Before an offset that was tried and is still waiting."""
KEPT_MOST = 100
"""Refused letters that are remembered in one partition: beside them two thousand bytes are left for single ones."""


class TooManySentSingly(ValueError):
    """No further offset fits beside those that are remembered."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """Everything below the offset `below` except `kept`, and the offsets `singly` above it, by name.

    `kept` were tried and are still waiting: nobody took them.

    >>> sent_back = SentBack.read(4, "9,7,!2")
    >>> [sent_back.holds(offset) for offset in (2, 3, 4, 7)]
    [False, True, False, True]
    >>> sent_back.with_one(12).with_one(2).metadata
    '7,9,12'

    After all below 8 were tried again, and the one at 5 was refused:

    >>> sent_back.up_to(8, {5})
    SentBack(below=8, singly=frozenset({9}), kept=frozenset({5}))
    """

    below: int
    singly: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()

    @classmethod
    def read(cls, committed: int, metadata: str | None) -> Self:
        """From what the broker keeps; nothing was sent back where `committed` is negative. Raises ValueError."""
        notes = [note for note in (metadata or "").split(",") if note]
        return cls(
            max(committed, 0),
            frozenset(int(note) for note in notes if not note.startswith(KEPT)),
            frozenset(int(note.removeprefix(KEPT)) for note in notes if note.startswith(KEPT)),
        )

    @property
    def metadata(self) -> str:
        """The text that is committed with `below`. Raises TooManySentSingly."""
        text = ",".join([*map(str, sorted(self.singly)), *(f"{KEPT}{offset}" for offset in sorted(self.kept))])
        if len(text) > METADATA_MAX:
            raise TooManySentSingly(f"{len(self.singly) + len(self.kept)} offsets do not fit into {METADATA_MAX} bytes")
        return text

    @property
    def first_waiting(self) -> int:
        """Where a redrive begins to read."""
        return min(self.kept, default=self.below)

    def holds(self, offset: int) -> bool:
        """Whether the record at `offset` was sent back."""
        return offset in self.singly if offset >= self.below else offset not in self.kept

    def with_one(self, offset: int) -> Self:
        """After the record at `offset` was sent back by itself."""
        singly = self.singly if offset < self.below else self.singly | {offset}
        return type(self)(self.below, singly, self.kept - {offset})

    def up_to(self, end: int, refused: Collection[int] = ()) -> Self:
        """After everything below `end` was tried and only `refused` were not taken: the newest 100 of them wait on."""
        below = max(self.below, end)
        kept = [*refused, *(offset for offset in self.kept if offset >= end)]
        singly = frozenset(offset for offset in self.singly if offset >= below)
        return type(self)(below, singly, frozenset(nlargest(KEPT_MOST, kept)))
