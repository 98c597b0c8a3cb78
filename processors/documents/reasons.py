"""Why a document was not read, and what makes a read one suspicious: every code with its plain sentence."""

UNREADABLE: dict[str, str] = {
    "document_missing": "the document was never uploaded for this tenant",
    "document_damaged": "the stored document does not decrypt to the content it is named by",
    "empty": "the document has no bytes",
    "unsupported_kind": "no reader knows this kind of document",
    "unsupported_media_type": "only application/pdf is read",
    "too_large": "more than 15 MB, 40 pages, 2400 points a side or 60,000 characters",
    "damaged": "the document is not a readable PDF",
    "encrypted": "the PDF asks for a password",
    "resource_limit": "reading took more memory or processor time than a document may take",
    "reader_failed": "the reader ended without an answer on this document",
    "no_text_layer": "the PDF holds no text, only pictures",
    "no_known_fields": "none of the expected fields was found",
    "layout_not_understood": "rows were found, but most of them do not add up as a statement's do",
}
"""Reasons of status `unreadable`: the document's own fault, the same at every attempt."""

DEADLINE: dict[str, str] = {"reading_deadline": "the document was not read within the time given to it"}
"""Reasons of status `deadline`: more time may help."""

UNAVAILABLE: dict[str, str] = {"reader_unavailable": "the sandboxed reader could not be started"}
"""Reasons of status `unavailable`: our fault, another attempt may help."""

FINDINGS: dict[str, str] = {
    "arithmetic_break": "the document's own figures do not add up",
    "covered_text": "an opaque shape lies over text",
    "changed_after_creation": "the PDF was changed after it was made",
}
"""Signs of tampering; any of them makes the document suspicious."""

REASONS: dict[str, str] = {**UNREADABLE, **DEADLINE, **UNAVAILABLE}
