"""Label and value pairs: 'Net Pay : 50,000', a label with its value to the right, or below it in a grid."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from processors.readers.found import VALUE_MAX
from processors.readers.text.text_layer import Cell, Line

ROW_MAX = 3.0
"""Of a label's height: what stands further below is not in the same grid."""
_NOT_WORDS = re.compile(r"[^a-z0-9 ]+")
_AMOUNT = re.compile(r"-?(\d|rs\.?|inr|[₹$£€])", re.IGNORECASE)
_SEPARATOR = re.compile(r"^(?:[:\s]|-(?!\d|rs\.?|inr|[₹$£€]))+", re.IGNORECASE)
"""Between a label and its value. A minus before an amount is no separator: an account may be overdrawn."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value's text, the page it stands on and the index of its line."""

    text: str
    page: int
    line: int


def any_of(table: str) -> re.Pattern[str]:
    """Any of the plain words of a table, each a regular expression, with a comma between them; whole words alone.

    >>> any_of("bonus, ex ?gratia").search(plain("Ex-gratia (March)"))[0]
    'ex gratia'
    """
    return re.compile(rf"\b(?:{'|'.join(word.strip() for word in table.split(','))})\b", re.IGNORECASE)


@lru_cache(maxsize=8192)
def plain(text: str) -> str:
    """Lower case, letters and digits, single blanks.

    >>> plain("Employee's  Name :")
    'employees name'
    """
    return " ".join(_NOT_WORDS.sub(" ", text.lower().replace("'", "").replace(".", "")).split())


def values_of(lines: Sequence[Line], labels: Sequence[str], *, in_a_grid: bool = False) -> Iterator[Labelled]:
    """Every value that one of `labels` (plain, best first) introduces, labels in their order, then top to bottom.

    `in_a_grid`: what stands below a label is given as well where something else stands beside it.
    """
    for label in labels:
        for index, line in enumerate(lines):
            for position, cell in enumerate(line.cells):
                text = _value(lines, index, position, cell, label)
                if text:
                    yield Labelled(text[:VALUE_MAX], line.page, index)
                if (
                    in_a_grid
                    and plain(cell.text) == label
                    and (below := _below(lines, index, cell)) not in (None, text)
                ):
                    yield Labelled(below[:VALUE_MAX], line.page, index)


def _value(lines: Sequence[Line], index: int, position: int, cell: Cell, label: str) -> str | None:
    rest = _after_label(cell, label)
    if rest is None:
        return None
    if rest:
        return rest
    line = lines[index]
    if position + 1 < len(line.cells):
        right = _SEPARATOR.sub("", line.cells[position + 1].text).strip()
        if right:
            side = line.cells[position + 2].text if position + 2 < len(line.cells) else ""
            return f"{right} {side}" if plain(side) in ("dr", "cr") else right
        if position + 2 < len(line.cells):
            return line.cells[position + 2].text
    return _below(lines, index, cell)


def _after_label(cell: Cell, label: str) -> str | None:
    """What follows the label in its own cell; '' where the cell is the label alone; None where it is not there."""
    head, colon, tail = cell.text.partition(":")
    if colon and plain(head) == label:
        return tail.strip()
    if plain(cell.text) == label:
        return ""
    words = [plain(word.text) for word in cell.words]
    count = len(label.split())
    follows = " ".join(words[:count]) == label and len(words) > count
    if follows and _AMOUNT.match(cell.words[count].text):
        return " ".join(word.text for word in cell.words[count:])
    return None


def _below(lines: Sequence[Line], index: int, label: Cell) -> str | None:
    if index + 1 >= len(lines) or lines[index + 1].page != lines[index].page:
        return None
    first, below = label.words[0], lines[index + 1].words[0]
    if below.top - first.top > ROW_MAX * first.height:
        return None
    for cell in lines[index + 1].cells:
        if cell.left < label.right and cell.right > label.left:
            return cell.text
    return None
