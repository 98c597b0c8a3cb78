"""The paper under a synthetic document: A4, written from top to bottom, the same bytes for the same strokes."""

from collections.abc import Sequence
from io import BytesIO
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = A4
LEFT, RIGHT = 40.0, WIDTH - 40.0
ROW = 15.0
PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
INK, RULE, SHADE = (0.13, 0.16, 0.22), (0.70, 0.74, 0.80), (0.92, 0.94, 0.97)


class Sheet:
    """A page written from top to bottom, on reportlab's canvas directly: a row takes a tenth of a millisecond."""

    def __init__(self, title: str, password: str | None) -> None:
        self._bytes = BytesIO()
        options: dict[str, Any] = {"encrypt": password} if password else {}
        self._canvas = Canvas(self._bytes, pagesize=A4, pageCompression=0, invariant=1, **options)
        self._canvas.setTitle(title)
        self._y = HEIGHT - 60
        self._font: tuple[str, float] | None = None

    def heading(self, name: str, title: str) -> None:
        """Who issued the document, and what it is."""
        self._canvas.setFillColorRGB(*INK)
        self._canvas.setStrokeColorRGB(*RULE)
        self.text(LEFT, name, BOLD, 15)
        self.skip(1.4)
        self.text(LEFT, title, BOLD, 11)
        self.skip(1.2)
        self.rule()
        self.skip(0.4)

    def labels(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Two `label: value` side by side."""
        for (label, value), x in zip(pairs, (LEFT, (LEFT + RIGHT) / 2), strict=True):
            self.text(x, f"{label}: {value}")
        self.skip()

    def band(self, *titles: tuple[str, float, str]) -> None:
        """A table's column titles: (title, x, `l` or `r` for the side that x is)."""
        self._canvas.setFillColorRGB(*SHADE)
        self._canvas.rect(LEFT, self._y - 4.5, RIGHT - LEFT, ROW, stroke=0, fill=1)
        self._canvas.setFillColorRGB(*INK)
        for title, x, side in titles:
            (self.text if side == "l" else self.right)(x, title, BOLD)
        self.skip(1.1)

    def text(self, x: float, text: str, font: str = PLAIN, size: float = 9) -> None:
        """Text that starts at `x`."""
        self._use(font, size)
        self._canvas.drawString(x, self._y, text)

    def right(self, x: float, text: str, font: str = PLAIN) -> None:
        """Text that ends at `x`, as amounts of a column do."""
        self._use(font, 9)
        self._canvas.drawRightString(x, self._y, text)

    def _use(self, font: str, size: float) -> None:
        # Setting the font again is a fifth of a statement's time.
        if (font, size) != self._font:
            self._font = (font, size)
            self._canvas.setFont(font, size)

    def rule(self) -> None:
        """A line across the page."""
        self._canvas.line(LEFT, self._y + 10, RIGHT, self._y + 10)
        self._y -= 4

    def skip(self, rows: float = 1) -> None:
        """Go down by `rows`."""
        self._y -= ROW * rows

    def finished(self) -> bytes:
        """The PDF."""
        self._canvas.showPage()
        self._canvas.save()
        return self._bytes.getvalue()
