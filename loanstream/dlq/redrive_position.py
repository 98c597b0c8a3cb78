"""How far a partition of dead letters was redriven: a group's committed offset, and the metadata beside it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

METADATA_MAX = 4096
"""Bytes that Kafka keeps with an offset (`offset.metadata.max.bytes`)."""
REFUSED = "!"
"""Before offsets that were tried and are still waiting."""


class NoRoomForOffsets(ValueError):
    """No further offset fits beside those that are remembered."""


@dataclass(frozen=True, slots=True)
class RedrivePosition:
    """Everything below the offset `below` except `refused`, and the offsets `singly` above it, by name.

    `refused` were tried, nobody took them, and they are still waiting.

    >>> redriven = RedrivePosition.read(6, "9,7,!2-4")
    >>> [redriven.holds(offset) for offset in (1, 2, 5, 7)]
    [True, False, True, True]
    >>> redriven.with_one(12).with_one(3).metadata
    '7,9,12,!2,!4'

    After all below 8 were tried again, and the one at 5 was refused:

    >>> redriven.tried(8, {5})
    RedrivePosition(below=8, singly=frozenset({9}), refused=frozenset({5}))
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

    @property
    def metadata(self) -> str:
        """The text that is committed with `below`. Raises NoRoomForOffsets."""
        text = ",".join([*map(str, sorted(self.singly)), *_notes(self.refused)])
        if len(text) > METADATA_MAX:
            raise NoRoomForOffsets(f"{len(self.singly)} offsets do not fit into {METADATA_MAX} bytes")
        return text

    @property
    def first_waiting(self) -> int:
        """Where a redrive begins to read."""
        return min(self.refused, default=self.below)

    def holds(self, offset: int) -> bool:
        """Whether the record at `offset` was sent back."""
        return offset in self.singly if offset >= self.below else offset not in self.refused

    def with_one(self, offset: int) -> Self:
        """After the record at `offset` was sent back by itself."""
        singly = self.singly if offset < self.below else self.singly | {offset}
        return type(self)(self.below, singly, self.refused - {offset})

    def without_below(self, first: int) -> Self:
        """After everything below `first` is gone: it needs no mention any more."""
        return self.tried(first, ())

    def tried(self, end: int, refused: Iterable[int]) -> Self:
        """After everything below `end` was tried, and of that only `refused` was not taken.

        Of many that were refused in turn with others, only the newest may fit beside an offset; those that do not are
        not in the result's `refused`.
        """
        below = max(self.below, end)
        singly = frozenset(offset for offset in self.singly if offset >= below)
        waiting = [*refused, *(offset for offset in self.refused if offset >= end)]
        room = METADATA_MAX - len(",".join(map(str, singly)))
        return type(self)(below, singly, frozenset(_newest_that_fit(waiting, room)))


def _runs(offsets: Iterable[int]) -> list[tuple[int, int]]:
    """First and last of each row of offsets without a gap, ascending."""
    runs: list[tuple[int, int]] = []
    for offset in sorted(offsets):
        if runs and offset == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], offset)
        else:
            runs.append((offset, offset))
    return runs


def _note(first: int, last: int) -> str:
    return f"{REFUSED}{first}" if first == last else f"{REFUSED}{first}-{last}"


def _notes(refused: Iterable[int]) -> list[str]:
    return [_note(first, last) for first, last in _runs(refused)]


def _offsets(note: str) -> range:
    first, _, last = note.removeprefix(REFUSED).partition("-")
    return range(int(first), int(last or first) + 1)


def _newest_that_fit(refused: Iterable[int], room: int) -> Iterator[int]:
    for first, last in reversed(_runs(refused)):
        room -= len(_note(first, last)) + 1
        if room < 0:
            return
        yield from range(first, last + 1)
