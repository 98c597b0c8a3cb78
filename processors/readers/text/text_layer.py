"""A PDF's text layer as words with positions, put back together as the lines a reader sees.

Positions are in points from the page's top left corner, so that smaller `top` means earlier on the page. Nothing here
knows what a payslip is.
"""

import ctypes
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import pypdfium2 as pdfium

from processors.readers.text.letters import Letter, PageText, letters_of, runs_of, turn_upright, words_of
from processors.readers.text.sight import mark_unseen
from processors.readers.text.spoken import take_off

PAGES_MAX = 40
SIDE_MAX_POINTS = 2400
CHARACTERS_MAX = 60_000

CELL_GAP = 0.8
"""Of the character height: a wider gap starts another cell of a table."""
SAID_MAX = 200
"""Characters of a replacement."""
ALIKE = 1.6
"""Words that differ more in height are no overprint of one another: a watermark may lie behind a word."""
_AFTER_MONEY_GAP = 0.4
_MONEY = re.compile(r"\d[.,]\d\d$")
_BELONGS_TO_MONEY = re.compile(r"\W*(?:(?:dr|cr|lakhs?|lacs?|lpa|crores?|only|p\.?a|per)\b|[^a-z])", re.IGNORECASE)


class TooLargeError(Exception):
    """More pages, a larger page, or more characters than a document may have."""


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without a gap."""

    text: str
    left: float
    right: float
    top: float
    bottom: float

    @property
    def height(self) -> float:
        """Of the tallest character, in points."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Cell:
    """Words of one line that stand close together: a label, a value, a table's cell."""

    words: tuple[Word, ...]

    @cached_property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(word.text for word in self.words)

    @property
    def left(self) -> float:
        """Where the cell starts."""
        return self.words[0].left

    @property
    def right(self) -> float:
        """Where the cell ends: what amounts of one column have in common."""
        return self.words[-1].right


@dataclass(frozen=True)
class Line:
    """Words side by side at one height of one page (`page` counts from 1)."""

    page: int
    words: tuple[Word, ...]

    @cached_property
    def text(self) -> str:
        """The words with single spaces between them."""
        return " ".join(word.text for word in self.words)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The line cut at its wide gaps."""
        cells: list[list[Word]] = [[self.words[0]]]
        for before, word in pairwise(self.words):
            gap = word.left - before.right
            if gap > (_AFTER_MONEY_GAP if _ends_amount(before, word) else CELL_GAP) * max(before.height, word.height):
                cells.append([])
            cells[-1].append(word)
        return tuple(Cell(tuple(words)) for words in cells)


def _ends_amount(before: Word, word: Word) -> bool:
    """In a grid a right-aligned amount almost touches the label in the next cell."""
    return _MONEY.search(before.text) is not None and _BELONGS_TO_MONEY.match(word.text) is None


@dataclass(frozen=True, slots=True)
class PageWords:
    """A page's words: those that a person sees, those that nobody sees, and what the file says to who does not look.

    The words that recognition laid over a scan are not unseen: the picture shows them, and it is not read here.
    """

    seen: tuple[Word, ...]
    unseen: tuple[Word, ...] = ()
    unlooked: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class TextLayer:
    """A document's lines in reading order: what a person reads, what nobody sees, what it says to who does not look.

    `unlooked` is empty where nothing is unseen.
    """

    seen: tuple[Line, ...]
    unseen: tuple[Line, ...]
    unlooked: tuple[Line, ...]


def text_layer_of(document: pdfium.PdfDocument) -> TextLayer:
    """The words of every page. Raises `TooLargeError`, and `PdfiumError` for a broken page."""
    if len(document) > PAGES_MAX:
        raise TooLargeError
    pages: list[PageWords] = []
    characters = 0
    for page in document:
        if max(page.get_size()) > SIDE_MAX_POINTS:
            raise TooLargeError
        said = take_off(page)
        text = page.get_textpage()
        characters += text.count_chars()
        if characters > CHARACTERS_MAX:
            raise TooLargeError
        pages.append(_words_on(page, letters_of(page, text), said))
        text.close()
        page.close()
    unlooked = [page.unlooked for page in pages] if any(page.unseen for page in pages) else []
    return TextLayer(_lines([page.seen for page in pages]), _lines([page.unseen for page in pages]), _lines(unlooked))


def _lines(pages: Sequence[Sequence[Word]]) -> tuple[Line, ...]:
    return tuple(line for number, words in enumerate(pages, start=1) for line in group_lines(number, words))


def _words_on(page: Any, letters: PageText, said: Mapping[int, str]) -> PageWords:
    turn_upright(letters)
    mark_unseen(page, letters)
    seen, overprinted = legible(_words(letters, seen=True))
    instead = tuple(_said_alone(letters, said, seen))
    unseen = instead if letters.scanned else (*_words(letters, seen=False), *overprinted, *instead)
    return PageWords(seen, unseen, seen if letters.scanned else legible(_words(letters, seen=None))[0])


def group_lines(page: int, words: Sequence[Word]) -> list[Line]:
    """Words whose vertical centres lie within half a character height of each other share a line."""
    groups: list[list[Word]] = []
    for word in sorted(words, key=_centre):
        if groups and _centre(word) - _centre(groups[-1][0]) <= 0.5 * max(word.height, groups[-1][0].height):
            groups[-1].append(word)
        else:
            groups.append([word])
    return [Line(page, tuple(sorted(group, key=lambda word: word.left))) for group in groups]


def _centre(word: Word) -> float:
    return (word.top + word.bottom) / 2


def legible(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Words that can be read, and those that are printed over one another; a word printed twice is one."""
    spoilt: set[int] = set()
    twice: set[int] = set()
    for line in group_lines(1, words):
        reaching: list[Word] = []
        for word in line.words:
            reaching = [other for other in reaching if other.right > word.left]
            for other in reaching:
                if not _in_one_place(word, other):
                    continue
                if word.text == other.text:
                    twice.add(id(word))
                else:
                    spoilt |= {id(word), id(other)}
            reaching.append(word)
    clear = tuple(word for word in words if id(word) not in spoilt | twice)
    return clear, tuple(word for word in words if id(word) in spoilt - twice)


def _in_one_place(one: Word, other: Word) -> bool:
    """Of about one size, and over one another by more than half."""
    wide = min(one.right, other.right) - max(one.left, other.left)
    high = min(one.bottom, other.bottom) - max(one.top, other.top)
    alike = max(one.height, other.height) <= ALIKE * min(one.height, other.height)
    narrower = min(one.right - one.left, other.right - other.left)
    return alike and wide > narrower / 2 and high > min(one.height, other.height) / 2


def _said_alone(text: PageText, said: Mapping[int, str], read: Sequence[Word]) -> Iterator[Word]:
    """What a screen reader would say in the place of text, where the page does not show it."""
    shown = "".join(word.text for word in read) if said else ""
    for piece in text.pieces:
        instead = said.get(ctypes.addressof(piece.handle.contents), "")
        if instead and "".join(instead.split()) not in shown:
            yield replace(_word(piece.letters), text=" ".join(instead.split())[:SAID_MAX])


def _words(text: PageText, *, seen: bool | None) -> tuple[Word, ...]:
    return tuple(_word(letters) for run in runs_of(text, seen=seen) for letters in words_of(run))


def _word(letters: Sequence[Letter]) -> Word:
    boxes = [letter.box for letter in letters]
    return Word(
        text="".join(letter.char for letter in letters),
        left=min(box.left for box in boxes),
        right=max(box.right for box in boxes),
        top=min(box.top for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )
