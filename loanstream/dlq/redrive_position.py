"""What versions before `loan.letters.handled.v1` noted of letters that were sent back: a group's committed offset, and
the metadata beside it. It is read, and never written any more.
"""

from dataclasses import dataclass
from typing import Self

REFUSED = "!"
"""Before offsets that were tried and are still waiting."""


@dataclass(frozen=True, slots=True)
class RedrivePosition:
    """Everything below the offset `below` except `refused`, and the offsets `singly` above it, by name.

    >>> noted = RedrivePosition.read(6, "9,7,!2-4")
    >>> [noted.holds(offset) for offset in (1, 2, 5, 7)]
    [True, False, True, True]
    """

    below: int
    singly: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()

    @classmethod
    def read(cls, committed: int, metadata: str | None) -> Self:
        """From what the broker keeps; nothing was sent back where `committed` is negative. Raises ValueError."""
        notes = [note for note in (metadata or "").split(",") if note]
        return cls(
            max(committed, 0),
            frozenset(int(note) for note in notes if not note.startswith(REFUSED)),
            frozenset(offset for note in notes if note.startswith(REFUSED) for offset in _offsets(note)),
        )

    def holds(self, offset: int) -> bool:
        """Whether the record at `offset` was sent back."""
        return offset in self.singly if offset >= self.below else offset not in self.refused


def _offsets(note: str) -> range:
    first, _, last = note.removeprefix(REFUSED).partition("-")
    return range(int(first), int(last or first) + 1)
