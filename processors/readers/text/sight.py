"""Which letters of a page a person sees, judged by the picture: what is painted beneath and above them decides.

The page is painted as it is, and again without some of its text. A letter is seen where the two pictures differ: so
white on white, transparent, clipped, covered, switched-off and off-page text is not, however it was hidden, and white
on a dark bar is. Text that overlaps is left out in turns, so that a letter is never seen by another one's ink.
"""

import ctypes
import math
from collections.abc import Sequence
from operator import sub
from typing import Any

import pypdfium2.raw as pdfium_c

from processors.readers.text.letters import Box, Letter, PageText, Piece, words_of

SCALE = 4.0
"""Pixels to a point. PDFium paints a letter up to a pixel and a half beside its place: at 2 a thin one is missed."""
PIXELS_MAX = 8_100_000
"""Of a picture, at one byte each; larger pages are painted smaller."""
CONTRAST = 45
"""Levels of grey, of 255, between a text and what lies beneath it. A grey of 0.8 on white has 51."""
CONTRAST_OF_PARTS = 24
"""What single letters of a text with enough contrast need: thin ones are paler than the others."""
_TENTHS, ROWS_SEEN = (5, 7, 3, 9, 1), 3
"""A letter is looked at in rows that many tenths down, and seen in three: a rule across unseen text shows in two."""
TINY = 3.5
"""Points: letters (with the font's space above and below) that are smaller are not read by anybody."""
WIDE_PAGE = 500.0
"""Points: a page whose longer side is shorter is drawn in another unit, and its letters are judged in that."""
SQUEEZED = 0.12
"""Of the height: text whose letters are narrower on the whole is a smear."""
ECHO = 1.5
"""Points between a text and the same text printed again under or over it."""
LAYERS_MAX = 6
"""Texts one above the other at one place; deeper ones are not looked at, and not seen."""
SEEN_ON_A_SCAN = 0.25
"""Of the unseen letters: a page with more seen ones, such as a stamp or a page number, is no scan."""
LOOKED_AT_ON_A_SCAN = 200
LATIN_LAST = 0x17F
_CELL = 128
"""Pixels: the side of the cells in which overlapping pieces are looked up."""


class _Picture:
    """Levels of grey of the page's rows from `top` to `bottom`; painted again and again into the same memory."""

    def __init__(self, page: Any, scale: float, rows: tuple[int, int]) -> None:
        self._page = page
        self.width, self._whole = (max(1, int(side * scale)) for side in page.get_size())
        self.top, self.bottom = max(0, rows[0]), min(self._whole, rows[1])
        self.levels = bytearray(self.width * (self.bottom - self.top))
        self._memory = (ctypes.c_ubyte * len(self.levels)).from_buffer(self.levels)

    def paint(self) -> None:
        """As a viewer shows it: with annotations and the fields of a form. Raises `MemoryError`."""
        size = self.width, self.bottom - self.top
        bitmap = pdfium_c.FPDFBitmap_CreateEx(*size, pdfium_c.FPDFBitmap_Gray, self._memory, self.width)
        if not bitmap:
            raise MemoryError
        pdfium_c.FPDFBitmap_FillRect(bitmap, 0, 0, *size, 0xFFFFFFFF)
        place = (0, -self.top, self.width, self._whole, 0, pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_GRAYSCALE)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, self._page, *place)
        if self._page.formenv is not None:
            pdfium_c.FPDF_FFLDraw(self._page.formenv, bitmap, self._page, *place)
        pdfium_c.FPDFBitmap_Destroy(bitmap)


def mark_unseen(page: Any, text: PageText) -> None:
    """Set `seen` of every letter of an upright page, False where nobody can read it, and `scanned` of the page."""
    if not text.pieces:
        return
    width, height = page.get_size()
    scale = min(SCALE, math.sqrt(PIXELS_MAX / (width * height)))
    smallest = TINY * min(1.0, max(width, height) / WIDE_PAGE)
    lost = _repeated(page, text.known)
    rows = _rows(text, scale, height)
    with_all, without = _Picture(page, scale, rows), _Picture(page, scale, rows)
    with_all.paint()
    for layer in _layers(text.pieces, scale, Box(0, with_all.top, with_all.width, with_all.bottom)):
        for piece in layer:
            pdfium_c.FPDFPageObj_SetIsActive(piece.handle, False)
        for handle in lost:
            pdfium_c.FPDFPageObj_SetIsActive(handle, False)
        without.paint()
        for piece in layer:
            pdfium_c.FPDFPageObj_SetIsActive(piece.handle, True)
            _look(piece, with_all, without, scale)
        for handle in lost:
            pdfium_c.FPDFPageObj_SetIsActive(handle, True)
    for piece in text.pieces:
        if piece.mirrored or piece.height < smallest or _squeezed(piece):
            for letter in piece.letters:
                letter.seen = False

    _leave_out_echoes(text)
    _leave_out_remains(text)
    _leave_out_scripts(text)
    text.scanned = _scanned(text, with_all, scale)


def _rows(text: PageText, scale: float, height: float) -> tuple[int, int]:
    """Where there is text: the rest of a page need not be painted."""
    inks = [letter.ink for piece in text.pieces for letter in piece.letters if letter.ink is not None]
    on_page = [ink for ink in inks if ink.top < height and ink.bottom > 0]
    top, bottom = min((ink.top for ink in on_page), default=0.0), max((ink.bottom for ink in on_page), default=1.0)
    return int(max(0.0, top) * scale) - 2, int(min(height, bottom) * scale) + 3


def _leave_out_echoes(text: PageText) -> None:
    """Unseen text that the same seen text stands on, such as the light of raised letters, hides nothing.

    All of it must be there again: an amount that another one is printed over is no echo of it.
    """
    hidden = [piece for piece in text.pieces if not all(letter.seen for letter in piece.letters)]
    seen = {_spot(letter) for piece in text.pieces for letter in piece.letters if letter.seen and hidden}
    for piece in hidden:
        unseen = [letter for letter in piece.letters if not letter.seen]
        if all(_around(_spot(letter)) & seen for letter in unseen):
            for letter in unseen:
                letter.left_out = True


def _leave_out_remains(text: PageText) -> None:
    """What is left of a word under a stamp, a picture or an opaque watermark is not the word: 1.00 of 1,00,000.00."""
    for piece in text.pieces:
        said = [letter for letter in piece.letters if not letter.left_out]
        if len({letter.seen for letter in said}) < 2:
            continue
        for word in words_of(said):
            if len({letter.seen for letter in word}) == 2:
                for letter in word:
                    letter.left_out = True


def _leave_out_scripts(text: PageText) -> None:
    """Letters that the file brings no font for are painted with a Latin one: others are missing, and not hidden."""
    for piece in text.pieces:
        for letter in () if piece.embedded else piece.letters:
            if not letter.seen and ord(letter.char) > LATIN_LAST:
                letter.left_out = True


def _spot(letter: Letter) -> tuple[str, int, int]:
    return letter.char, int(letter.box.left / ECHO), int(letter.box.top / ECHO)


def _around(spot: tuple[str, int, int]) -> set[tuple[str, int, int]]:
    char, column, row = spot
    return {(char, column + right, row + down) for right in (-1, 0, 1) for down in (-1, 0, 1)}


def _scanned(text: PageText, picture: _Picture, scale: float) -> bool:
    """Whether a picture shows the words that nobody sees as text: of a scan, those that recognition found."""
    letters = [letter for piece in text.pieces for letter in piece.letters]
    unseen = [letter for letter in letters if not letter.seen and letter.ink is not None]
    if len(letters) - len(unseen) > SEEN_ON_A_SCAN * len(unseen):
        return False
    some = unseen[:: max(1, len(unseen) // LOOKED_AT_ON_A_SCAN)]
    return 2 * sum(_shows(letter.ink, picture, scale) for letter in some if letter.ink) > len(some)


def _shows(ink: Box, picture: _Picture, scale: float) -> bool:
    left, right = max(0, int(ink.left * scale)), min(picture.width, int(ink.right * scale) + 1)
    top, bottom = max(picture.top, int(ink.top * scale)), min(picture.bottom, int(ink.bottom * scale) + 1)
    if left >= right or top >= bottom:
        return False
    rows = (row * picture.width for row in range(top - picture.top, bottom - picture.top))
    levels = b"".join(picture.levels[row + left : row + right] for row in rows)
    return max(levels) - min(levels) >= CONTRAST


def _repeated(page: Any, known: frozenset[int]) -> list[Any]:
    """Text objects that PDFium leaves out of the text layer: a text printed again at its place, to look bolder.

    They are painted all the same, so each is left out together with the one that the text layer has.
    """
    texts = (one.raw for one in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_TEXT]))
    return [handle for handle in texts if ctypes.addressof(handle.contents) not in known]


class _Layer:
    """Pieces of which none overlaps another, unless it is the same text printed again to look bolder or raised."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._cells: dict[tuple[int, int], list[tuple[Box, str]]] = {}

    def takes(self, box: Box, text: str) -> bool:
        """Whether a piece has room here."""
        here = (placed for cell in _cells(box) for placed in self._cells.get(cell, ()))
        return not any(_overlap(box, other) and not (text == said and _close(box, other)) for other, said in here)

    def echoes(self, box: Box, text: str) -> bool:
        """Whether the same text is printed here already."""
        here = (placed for cell in _cells(box) for placed in self._cells.get(cell, ()))
        return any(text == said and _close(box, other) for other, said in here)

    def place(self, piece: Piece, box: Box, text: str) -> None:
        """Take a piece in."""
        self.pieces.append(piece)
        for cell in _cells(box):
            self._cells.setdefault(cell, []).append((box, text))


def _layers(pieces: Sequence[Piece], scale: float, bounds: Box) -> list[list[Piece]]:
    """Pieces in as many layers as overlap at one place, the topmost first."""
    layers: list[_Layer] = []
    for piece in reversed(pieces):
        box, text = _pixels(piece, scale, bounds), "".join(letter.char for letter in piece.letters)
        if box is None:
            _unseen(piece)
            continue
        # With its echo, so that each is not hidden by the other; else the first that has room.
        room = [layer for layer in layers if layer.takes(box, text)]
        layer = next((one for one in room if one.echoes(box, text)), room[0] if room else None)
        if layer is None:
            if len(layers) == LAYERS_MAX:
                _unseen(piece)
                continue
            layer = _Layer()
            layers.append(layer)
        layer.place(piece, box, text)
    return [layer.pieces for layer in layers]


def _cells(box: Box) -> list[tuple[int, int]]:
    return [
        (x, y)
        for x in range(int(box.left) // _CELL, int(box.right) // _CELL + 1)
        for y in range(int(box.top) // _CELL, int(box.bottom) // _CELL + 1)
    ]


def _close(one: Box, other: Box) -> bool:
    """No further apart than an echo is printed."""
    return all(abs(here - there) <= ECHO * SCALE for here, there in zip(one, other, strict=True))


def _pixels(piece: Piece, scale: float, bounds: Box) -> Box | None:
    """Where a piece is painted, a pixel around it included; None where it paints nothing on the page."""
    inks = [letter.ink for letter in piece.letters if letter.ink is not None]
    if not inks:
        return None
    box = Box(
        max(bounds.left, min(ink.left for ink in inks) * scale - 1),
        max(bounds.top, min(ink.top for ink in inks) * scale - 1),
        min(bounds.right, max(ink.right for ink in inks) * scale + 1),
        min(bounds.bottom, max(ink.bottom for ink in inks) * scale + 1),
    )
    return box if box.left < box.right and box.top < box.bottom else None


def _overlap(one: Box, other: Box) -> bool:
    return one.left < other.right and other.left < one.right and one.top < other.bottom and other.top < one.bottom


def _look(piece: Piece, with_all: _Picture, without: _Picture, scale: float) -> None:
    """Judge the letters of one piece; what is no letter or digit goes with its neighbour, being mostly a dot."""
    judged = [letter for letter in piece.letters if letter.char.isalnum()] or piece.letters
    contrasts = [_contrast(letter.ink, with_all, without, scale) for letter in judged]
    shown = [contrast for contrast in contrasts if contrast]
    clear = 2 * sum(contrast >= CONTRAST for contrast in shown) >= len(shown)
    for letter, contrast in zip(judged, contrasts, strict=True):
        letter.seen = contrast >= CONTRAST or (clear and contrast > 0)
    if len(judged) == len(piece.letters):
        return
    neighbour = judged[0].seen
    for letter in piece.letters:
        if letter.char.isalnum():
            neighbour = letter.seen
        else:
            letter.seen = neighbour


def _contrast(ink: Box | None, with_all: _Picture, without: _Picture, scale: float) -> int:
    """The strongest difference, 0 where it is weak or in too few rows."""
    if ink is None:
        return 0
    width, here, there = with_all.width, with_all.levels, without.levels
    left, right = max(0, int(ink.left * scale) - 1), min(width, int(ink.right * scale))
    top, bottom = int(ink.top * scale), int(ink.bottom * scale) + 1
    if left >= right:
        return 0
    rows = strongest = 0
    for tenth in _TENTHS:
        row = top + tenth * (bottom - top) // 10
        if not with_all.top <= row < with_all.bottom:
            continue
        start = (row - with_all.top) * width
        one, other = here[start + left : start + right], there[start + left : start + right]
        if one == other:
            continue
        difference = abs(min(one) - min(other))  # some pixel differs by as much
        if difference < CONTRAST:
            difference = max(map(abs, map(sub, one, other)))
        if difference >= CONTRAST_OF_PARTS:
            rows += 1
            strongest = max(strongest, difference)
            if rows >= ROWS_SEEN and strongest >= CONTRAST:
                return strongest
    return strongest if rows >= ROWS_SEEN else 0


def _squeezed(piece: Piece) -> bool:
    width = sum(letter.box.right - letter.box.left for letter in piece.letters)
    return width < SQUEEZED * piece.height * len(piece.letters)


def _unseen(piece: Piece) -> None:
    for letter in piece.letters:
        letter.seen = False
