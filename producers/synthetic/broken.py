"""What arrives instead of a readable document: cut off, locked, or a mere picture."""

import zlib
from collections.abc import Callable, Mapping
from functools import cache
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


BOMB_BYTES = 400 * 1024 * 1024


def bomb(number: int, inflated: int = BOMB_BYTES) -> bytes:
    """A small file whose one page inflates to hundreds of megabytes of drawing; each `number` is another document.

    Of a few megabytes `inflated` it is no bomb: a reader takes about half a second for each, and finds no text.
    """
    stream = _bomb_stream(inflated)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>",
        b"<</Filter[/FlateDecode/FlateDecode]/Length %d>>stream\n%b\nendstream" % (len(stream), stream),
    ]
    made = BytesIO(b"%PDF-1.4\n")
    made.seek(0, 2)
    offsets = []
    for index, body in enumerate(objects, start=1):
        offsets.append(made.tell())
        made.write(b"%d 0 obj%b endobj\n" % (index, body))
    start = made.tell()
    made.write(b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    made.write(b"trailer<</Size 5/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n%% bomb %d\n" % (start, number))
    return made.getvalue()


@cache
def _bomb_stream(inflated: int) -> bytes:
    packer = zlib.compressobj(9)
    line = b"0 0 m 9 9 l S " * 74_899  # about a megabyte
    once = b"".join([packer.compress(line) for _ in range(inflated // len(line))]) + packer.flush()
    return zlib.compress(once, 9)


BREAKS: Mapping[str, Callable[[bytes], bytes]] = {"truncated": truncated, "image_only": scanned}
"""Ways to break a finished document; an encrypted one is drawn with `PASSWORD` in the first place."""
