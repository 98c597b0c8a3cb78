"""What of a partition of dead letters was sent back: a group's committed offset, and the metadata beside it."""

from dataclasses import dataclass
from typing import Self

METADATA_MAX = 4096
"""Bytes that Kafka keeps with an offset (`offset.metadata.max.bytes`)."""


class TooManySentSingly(ValueError):
    """No further offset fits beside those that are remembered."""


@dataclass(frozen=True, slots=True)
class SentBack:
    """Everything below the offset `below`, and the offsets `singly` above it, by name.

    >>> sent_back = SentBack.read(4, "9,7")
    >>> sent_back.holds(3), sent_back.holds(4), sent_back.holds(7)
    (True, False, True)
    >>> sent_back.with_one(12).metadata
    '7,9,12'
    >>> sent_back.up_to(8)
    SentBack(below=8, singly=frozenset({9}))
    """

    below: int
    singly: frozenset[int] = frozenset()

    @classmethod
    def read(cls, committed: int, metadata: str | None) -> Self:
        """From what the broker keeps; nothing was sent back where `committed` is negative. Raises ValueError."""
        return cls(max(committed, 0), frozenset(int(offset) for offset in (metadata or "").split(",") if offset))

    @property
    def metadata(self) -> str:
        """The text that is committed with `below`. Raises TooManySentSingly."""
        text = ",".join(map(str, sorted(self.singly)))
        if len(text) > METADATA_MAX:
            raise TooManySentSingly(f"{len(self.singly)} offsets do not fit into {METADATA_MAX} bytes")
        return text

    def holds(self, offset: int) -> bool:
        """Whether the record at `offset` was sent back."""
        return offset < self.below or offset in self.singly

    def with_one(self, offset: int) -> Self:
        """After the record at `offset` was sent back by itself."""
        return self if self.holds(offset) else type(self)(self.below, self.singly | {offset})

    def up_to(self, below: int) -> Self:
        """After everything below `below` was sent back: single ones among it need no mention any more."""
        return type(self)(below, frozenset(offset for offset in self.singly if offset >= below))
