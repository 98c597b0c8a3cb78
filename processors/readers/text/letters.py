"""The letters of a page's text layer with their places, as somebody sees them who turned the page upright.

Places are in points from the top left corner of what is displayed: inside the crop box and turned by /Rotate. A page
whose text still runs sideways or upside down is turned until most of its letters stand upright.
"""

import ctypes
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium_c

DEGREES_ASIDE = 10.0
"""Letters that lean further than this away from the others are a watermark or a stamp, and in nobody's line."""

WORD_GAP = 0.2
"""Of the character height: a wider gap starts another word, even where the PDF holds no space."""
_FINE = 100
"""Hundredths of a point: PDFium tells places on a picture in whole pixels."""


class Box(NamedTuple):
    """A rectangle in points; smaller `top` means earlier on the page."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(slots=True)
class Letter:
    """One printed character: `box` as tall as its font, for lines; `ink` where it is painted, None where nothing is.

    One that is `left_out` says nothing: it is unseen and seen again in its place, or only a part of its word is seen,
    or it is of a script that nothing here can paint.
    """

    char: str
    box: Box
    ink: Box | None
    seen: bool = True
    left_out: bool = False


@dataclass(slots=True)
class Piece:
    """The letters of one text object, which share a font, a colour and a direction; `handle` is PDFium's."""

    handle: Any
    turn: float
    mirrored: bool
    embedded: bool
    """Whether the file brings the font; for another one PDFium paints what it has."""
    letters: list[Letter] = field(default_factory=list)
    aside: bool = False

    @property
    def height(self) -> float:
        """Of its tallest letter, in points."""
        return max(letter.box.bottom - letter.box.top for letter in self.letters)


@dataclass(slots=True)
class PageText:
    """What a text layer says: `order` holds each letter with its piece, and None where one does not follow another."""

    width: float
    height: float
    order: list[tuple[Letter, Piece] | None]
    pieces: list[Piece]
    known: frozenset[int]
    """Addresses of the text objects that the text layer speaks of."""
    scanned: bool = False
    """What nobody sees as text is what a picture shows."""


class _Display(NamedTuple):
    """From PDF coordinates to those of the displayed page: x = a·x + c·y + e, y = b·x + d·y + f."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def box(self, left: float, right: float, bottom: float, top: float) -> Box:
        if self.b == self.c == 0 and self.a > 0 > self.d:  # not turned: most pages, and every letter of them
            return Box(self.a * left + self.e, self.d * top + self.f, self.a * right + self.e, self.d * bottom + self.f)
        x1, x2 = self.a * left + self.c * bottom + self.e, self.a * right + self.c * top + self.e
        y1, y2 = self.b * left + self.d * bottom + self.f, self.b * right + self.d * top + self.f
        return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))


def letters_of(page: Any, text: Any) -> PageText:
    """Every letter of a page and its text page."""
    width, height = page.get_size()
    display = _display(page, width, height)
    order: list[tuple[Letter, Piece] | None] = []
    pieces: dict[int, Piece] = {}
    # The raw calls: pypdfium2's own wrappers cost several times more per character, and a page has thousands.
    loose, tight = pdfium_c.FS_RECTF(), [ctypes.c_double() for _ in range(4)]
    loose_at, tight_at = ctypes.byref(loose), [ctypes.byref(side) for side in tight]
    for index in range(text.count_chars()):
        handle = pdfium_c.FPDFText_GetTextObject(text, index)
        if not handle:
            order.append(None)  # a blank that PDFium made up
            continue
        address = ctypes.addressof(handle.contents)
        piece = pieces.get(address)
        if piece is None:
            piece = pieces[address] = _piece(text, index, handle, display)
        char = chr(pdfium_c.FPDFText_GetUnicode(text, index) or 32)
        if not char.isprintable() or char.isspace() or not pdfium_c.FPDFText_GetLooseCharBox(text, index, loose_at):
            order.append(None)
            continue
        pdfium_c.FPDFText_GetCharBox(text, index, *tight_at)
        left, right, bottom, top = tight[0].value, tight[1].value, tight[2].value, tight[3].value
        ink = display.box(left, right, bottom, top) if right > left and top > bottom else None
        letter = Letter(char, display.box(loose.left, loose.right, loose.bottom, loose.top), ink)
        piece.letters.append(letter)
        order.append((letter, piece))
    known, used = frozenset(pieces), [piece for piece in pieces.values() if piece.letters]
    return PageText(width, height, order, used, known)


def turn_upright(text: PageText) -> None:
    """Turn the page by a multiple of 90 degrees so that most letters stand upright; mark the pieces that do not."""
    votes: Counter[int] = Counter()
    for piece in text.pieces:
        votes[round(piece.turn / 90) % 4] += 0 if piece.mirrored else len(piece.letters)
    quarter = votes.most_common(1)[0][0] if votes else 0
    for piece in text.pieces:
        lean = (piece.turn - 90 * quarter + 180) % 360 - 180
        piece.aside = not piece.mirrored and abs(lean) > DEGREES_ASIDE
        if quarter:
            for letter in piece.letters:
                letter.box = _turned(letter.box, quarter, text.width, text.height)
    if quarter % 2:
        text.width, text.height = text.height, text.width


def _turned(box: Box, quarter: int, width: float, height: float) -> Box:
    if quarter == 1:  # the text runs downwards
        return Box(box.top, width - box.right, box.bottom, width - box.left)
    if quarter == 2:
        return Box(width - box.right, height - box.bottom, width - box.left, height - box.top)
    return Box(height - box.bottom, box.left, height - box.top, box.right)


def _display(page: Any, width: float, height: float) -> _Display:
    def shown(x: float, y: float) -> tuple[float, float]:
        size = (max(1, round(width * _FINE)), max(1, round(height * _FINE)))
        right, down = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, ctypes.byref(right), ctypes.byref(down))
        return right.value / _FINE, down.value / _FINE

    reach = 1000.0
    (e, f), (ax, ay), (cx, cy) = shown(0, 0), shown(reach, 0), shown(0, reach)
    return _Display((ax - e) / reach, (ay - f) / reach, (cx - e) / reach, (cy - f) / reach, e, f)


def _piece(text: Any, index: int, handle: Any, display: _Display) -> Piece:
    matrix = pdfium_c.FS_MATRIX()
    pdfium_c.FPDFText_GetMatrix(text, index, ctypes.byref(matrix))
    sign = -1.0 if pdfium_c.FPDFText_GetFontSize(text, index) < 0 else 1.0
    along = sign * (display.a * matrix.a + display.c * matrix.b), sign * (display.b * matrix.a + display.d * matrix.b)
    mirrored = matrix.a * matrix.d < matrix.b * matrix.c and not _drawn_by_hand(handle)
    embedded = pdfium_c.FPDFFont_GetIsEmbedded(pdfium_c.FPDFTextObj_GetFont(handle)) == 1
    return Piece(handle, math.degrees(math.atan2(along[1], along[0])), mirrored, embedded)


def _drawn_by_hand(handle: Any) -> bool:
    """A Type 3 font draws its own letters, upside down where the text around them is: it alone has no base name."""
    return bool(pdfium_c.FPDFFont_GetBaseFontName(pdfium_c.FPDFTextObj_GetFont(handle), None, 0) <= 1)


def runs_of(text: PageText, *, seen: bool | None) -> Sequence[list[Letter]]:
    """Runs of letters that follow one another in the file and are all seen, or all unseen; None takes both."""
    runs: list[list[Letter]] = [[]]
    for entry in text.order:
        if entry is not None and not (entry[1].aside or entry[0].left_out) and seen in (None, entry[0].seen):
            runs[-1].append(entry[0])
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def words_of(run: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """A run cut where its letters stand apart."""
    start = 0
    for index in range(1, len(run) + 1):
        if index == len(run) or _apart(run[index - 1].box, run[index].box):
            yield run[start:index]
            start = index


def _apart(before: Box, letter: Box) -> bool:
    height = max(before.bottom - before.top, letter.bottom - letter.top)
    sideways = letter.left - before.right
    shifted = abs((before.top + before.bottom) - (letter.top + letter.bottom)) > height
    return shifted or sideways > WORD_GAP * height or sideways < -height
