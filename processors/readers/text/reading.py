"""Bytes of a PDF in, found fields out: the part that runs inside the sandbox, and is pure enough to run anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from processors.readers.found import Found
from processors.readers.text import bank_statement, payslip
from processors.readers.text.text_layer import Line, TooLargeError, lines_of

DOCUMENT_BYTES_MAX = 15_000_000
MAGIC = b"%PDF-"
MEDIA_TYPE = "application/pdf"
LETTERS_MIN = 20
"""A page number or a stamp is no text layer."""

PARSERS: dict[str, Callable[[Sequence[Line]], Found]] = {
    "payslip": payslip.parse,
    "bank_statement": bank_statement.parse,
}
"""One parser per kind of document (`DocumentRef.kind`)."""


def refusal(data: bytes, kind: str, media_type: str) -> str | None:
    """Why these bytes need not be opened at all (a code of `reasons.UNREADABLE`), None where they may be."""
    checks = (
        (not data, "empty"),
        (kind not in PARSERS, "unsupported_kind"),
        (media_type != MEDIA_TYPE, "unsupported_media_type"),
        (len(data) > DOCUMENT_BYTES_MAX, "too_large"),
        (not data.startswith(MAGIC), "damaged"),
    )
    return next((reason for applies, reason in checks if applies), None)


def read_document(data: bytes, kind: str) -> Found:
    """The fields of a document that `refusal` let pass. Never raises for what the document holds, out of memory aside.

    Call it inside the sandbox: PDFium is written in C++ and the document by a stranger.
    """
    try:
        document = pdfium.PdfDocument(data)
        lines = lines_of(document)
    except TooLargeError:
        return Found(reason="too_large")
    except pdfium.PdfiumError as error:
        asks = getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD
        return Found(reason="encrypted" if asks else "damaged")
    pages = len(document)
    if sum(len(word.text) for line in lines for word in line.words) < LETTERS_MIN:
        return Found(reason="no_text_layer", pages=pages)
    return replace(PARSERS[kind](lines), pages=pages)
