"""What arrives instead of a readable document: cut off, locked, or a mere picture."""

from collections.abc import Callable, Mapping
from io import BytesIO

import pypdfium2
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

SCAN_DOTS_PER_POINT = 1.6
PASSWORD = "not told to anybody"  # noqa: S105 - locks documents that are meant to stay locked


def truncated(document: bytes) -> bytes:
    """The first third, as an upload that broke off leaves it: without the table of objects at the end."""
    return document[: len(document) // 3]


def scanned(document: bytes) -> bytes:
    """The first page as a picture without a text layer."""
    with pypdfium2.PdfDocument(document) as opened:
        picture = opened[0].render(scale=SCAN_DOTS_PER_POINT, grayscale=True).to_pil()
    sheet = BytesIO()
    canvas = Canvas(sheet, pagesize=A4, invariant=1)
    canvas.drawImage(ImageReader(picture), 0, 0, *A4)
    canvas.showPage()
    canvas.save()
    return sheet.getvalue()


BREAKS: Mapping[str, Callable[[bytes], bytes]] = {"truncated": truncated, "image_only": scanned}
"""Ways to break a finished document; an encrypted one is drawn with `PASSWORD` in the first place."""
