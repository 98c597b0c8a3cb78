"""A PDF's text layer as words with positions, put back together as the lines a reader sees.

Positions are in points from the page's top left corner, so that smaller `top` means earlier on the page. Nothing here
knows what a payslip is.
"""

import ctypes
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

PAGES_MAX = 40
SIDE_MAX_POINTS = 2400
CHARACTERS_MAX = 60_000

WORD_GAP = 0.2
"""Of the character height: a wider gap starts another word, even where the PDF holds no space."""
CELL_GAP = 0.8
"""Of the character height: a wider gap starts another cell of a table."""
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


def lines_of(document: pdfium.PdfDocument) -> list[Line]:
    """Every line of the document in reading order. Raises `TooLargeError`, and `PdfiumError` for a broken page."""
    if len(document) > PAGES_MAX:
        raise TooLargeError
    lines: list[Line] = []
    characters = 0
    for number, page in enumerate(document, start=1):
        width, height = page.get_size()
        if max(width, height) > SIDE_MAX_POINTS:
            raise TooLargeError
        text = page.get_textpage()
        characters += text.count_chars()
        if characters > CHARACTERS_MAX:
            raise TooLargeError
        hidden = _hidden(text) if _hides_text(page) else frozenset()
        lines += group_lines(number, list(_words(text, height, hidden)))
        text.close()
        page.close()
    return lines


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


def _hides_text(page: Any) -> bool:
    texts = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT])
    return any(pdfium_c.FPDFTextObj_GetTextRenderMode(text) == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE for text in texts)


def _hidden(text: Any) -> frozenset[int]:
    """The characters nobody sees: what a scanner's recognition, or a forger, laid under a picture."""
    return frozenset(
        index
        for index in range(text.count_chars())
        if pdfium_c.FPDFTextObj_GetTextRenderMode(pdfium_c.FPDFText_GetTextObject(text, index))
        == pdfium_c.FPDF_TEXTRENDERMODE_INVISIBLE
    )


def _words(text: Any, page_height: float, hidden: frozenset[int]) -> Iterator[Word]:
    letters: list[tuple[str, float, float, float, float]] = []
    for letter in _letters(text, hidden):
        if letters and (letter is None or _apart(letters[-1], letter)):
            yield _word(letters, page_height)
            letters = []
        if letter is not None:
            letters.append(letter)
    if letters:
        yield _word(letters, page_height)


def _letters(text: Any, hidden: frozenset[int]) -> Iterator[tuple[str, float, float, float, float] | None]:
    # The raw calls: pypdfium2's own wrappers cost several times more per character, and a page has thousands.
    box = pdfium_c.FS_RECTF()
    place = ctypes.byref(box)
    for index in range(text.count_chars()):
        if index in hidden:
            yield None
            continue
        char = chr(pdfium_c.FPDFText_GetUnicode(text, index) or 32)
        if not char.isprintable() or char.isspace() or not pdfium_c.FPDFText_GetLooseCharBox(text, index, place):
            yield None
        else:
            yield char, box.left, box.right, box.bottom, box.top


def _apart(before: tuple[str, float, float, float, float], letter: tuple[str, float, float, float, float]) -> bool:
    height = max(before[4] - before[3], letter[4] - letter[3])
    sideways = letter[1] - before[2]
    shifted = abs((before[3] + before[4]) - (letter[3] + letter[4])) > height
    return shifted or sideways > WORD_GAP * height or sideways < -height


def _word(letters: list[tuple[str, float, float, float, float]], page_height: float) -> Word:
    return Word(
        text="".join(letter[0] for letter in letters),
        left=min(letter[1] for letter in letters),
        right=max(letter[2] for letter in letters),
        top=page_height - max(letter[4] for letter in letters),
        bottom=page_height - min(letter[3] for letter in letters),
    )
