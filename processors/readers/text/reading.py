"""Bytes of a PDF in, found fields out: the part that runs inside the sandbox, and is pure enough to run anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from processors.readers.found import Found
from processors.readers.text import bank_statement, payslip
from processors.readers.text.text_layer import Line, TooLargeError, text_layer_of
from processors.readers.text.unseen import misleads

DOCUMENT_BYTES_MAX = 15_000_000
MAGIC = b"%PDF-"
MAGIC_WITHIN = 1024
"""Bytes: gateways and mail leave a blank line or a header before the document, and viewers look this far."""
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
    is_pdf = MAGIC in data[:MAGIC_WITHIN]
    checks = (
        (not data, "empty"),
        (kind not in PARSERS, "unsupported_kind"),
        (media_type != MEDIA_TYPE and is_pdf, "media_type_differs"),
        (media_type != MEDIA_TYPE, "unsupported_media_type"),
        (len(data) > DOCUMENT_BYTES_MAX, "too_large"),
        (not is_pdf, "damaged"),
    )
    return next((reason for applies, reason in checks if applies), None)


def read_document(data: bytes, kind: str) -> Found:
    """The fields of a document that `refusal` let pass. Never raises for what the document holds, out of memory aside.

    Call it inside the sandbox: PDFium is written in C++ and the document by a stranger.
    """
    try:
        document = pdfium.PdfDocument(data)
        if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
            document.init_forms()  # fields may be painted over text
        layer = text_layer_of(document)
    except TooLargeError:
        return Found(reason="too_large")
    except pdfium.PdfiumError as error:
        asks = getattr(error, "err_code", None) == pdfium_c.FPDF_ERR_PASSWORD
        return Found(reason="encrypted" if asks else "damaged")
    parse = PARSERS[kind]
    if sum(len(word.text) for line in layer.seen for word in line.words) < LETTERS_MIN:
        found = Found(reason="no_text_layer")
    else:
        found = parse(layer.seen)
    if layer.unseen and misleads(layer.unseen, found, (parse(layer.unseen), parse(layer.unlooked))):
        found = replace(found, findings=(*found.findings, "hidden_text"))
    return replace(found, pages=len(document))
