"""A file as columns of cells, and what was done to read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Table:
    """Cells without the space around them, by column; `lines` says in which line of the file each row begins.

    `said`: sentences on how the file was read. `sha256` is of its bytes. `decimal_comma`: the delimiter is a semicolon,
    as in countries where a comma begins the decimals.
    """

    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]
    source: str
    sha256: str
    said: list[str] = field(default_factory=list)
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def at(self, row: int) -> str:
        """The place of a row, as messages name it."""
        return f"line {self.lines[row]}"
