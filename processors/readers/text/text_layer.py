"""A PDF's text layer as words with positions, put back together as the lines a reader sees.

Positions are in points from the page's top left corner, so that smaller `top` means earlier on the page. Nothing here
knows what a payslip is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import pypdfium2 as pdfium

from processors.readers.text.letters import Box, Letter, PageText, letters_of, runs_of, turn_upright
from processors.readers.text.sight import mark_unseen

PAGES_MAX = 40
SIDE_MAX_POINTS = 2400
CHARACTERS_MAX = 60_000

WORD_GAP = 0.2
"""Of the character height: a wider gap starts another word, even where the PDF holds no space."""
CELL_GAP = 0.8
"""Of the character height: a wider gap starts another cell of a table."""
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


@dataclass(frozen=True)
class TextLayer:
    """A document's words, page by page: those that a person sees, and those that are there and unseen.

    The words that recognition laid over a scan are neither: the picture shows them, and it is not read here.
    """

    seen: tuple[tuple[Word, ...], ...]
    unseen: tuple[tuple[Word, ...], ...]

    @cached_property
    def lines(self) -> list[Line]:
        """What a person reads, in reading order."""
        return [line for number, words in enumerate(self.seen, start=1) for line in group_lines(number, words)]

    @property
    def unseen_lines(self) -> list[Line]:
        """What nobody sees, in the order of its places."""
        return [line for number, words in enumerate(self.unseen, start=1) for line in group_lines(number, words)]

    @property
    def all_lines(self) -> list[Line]:
        """What a reader would take for the document that does not look at the pages."""
        both = [(*seen, *unseen) for seen, unseen in zip(self.seen, self.unseen, strict=True)]
        return TextLayer(tuple(both), ()).lines


def text_layer_of(document: pdfium.PdfDocument) -> TextLayer:
    """The words of every page. Raises `TooLargeError`, and `PdfiumError` for a broken page."""
    if len(document) > PAGES_MAX:
        raise TooLargeError
    seen: list[tuple[Word, ...]] = []
    unseen: list[tuple[Word, ...]] = []
    characters = 0
    for page in document:
        if max(page.get_size()) > SIDE_MAX_POINTS:
            raise TooLargeError
        text = page.get_textpage()
        characters += text.count_chars()
        if characters > CHARACTERS_MAX:
            raise TooLargeError
        letters = letters_of(page, text)
        turn_upright(letters)
        mark_unseen(page, letters)
        read, overprinted = legible(_words(letters, seen=True))
        seen.append(read)
        unseen.append(() if letters.scanned else (*_words(letters, seen=False), *overprinted))
        text.close()
        page.close()
    return TextLayer(tuple(seen), tuple(unseen))


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


def _words(text: PageText, *, seen: bool) -> tuple[Word, ...]:
    return tuple(word for run in runs_of(text, seen=seen) for word in _words_of(run))


def _words_of(run: Sequence[Letter]) -> Iterator[Word]:
    start = 0
    for index in range(1, len(run) + 1):
        if index == len(run) or _apart(run[index - 1].box, run[index].box):
            yield _word(run[start:index])
            start = index


def _apart(before: Box, letter: Box) -> bool:
    height = max(before.bottom - before.top, letter.bottom - letter.top)
    sideways = letter.left - before.right
    shifted = abs((before.top + before.bottom) - (letter.top + letter.bottom)) > height
    return shifted or sideways > WORD_GAP * height or sideways < -height


def _word(letters: Sequence[Letter]) -> Word:
    boxes = [letter.box for letter in letters]
    return Word(
        text="".join(letter.char for letter in letters),
        left=min(box.left for box in boxes),
        right=max(box.right for box in boxes),
        top=min(box.top for box in boxes),
        bottom=max(box.bottom for box in boxes),
    )
