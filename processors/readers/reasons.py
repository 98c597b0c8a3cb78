"""The codes a reader may answer with; their plain sentences stand in `schemas.reasons`."""

UNREADABLE = frozenset(
    {
        "damaged",
        "document_damaged",  # the stored object, not the PDF in it
        "document_missing",
        "empty",
        "encrypted",
        "layout_not_understood",  # rows were found, but most of their balances do not follow from each other
        "media_type_differs",  # declared as something else than the PDF that it is
        "no_known_fields",
        "no_text_layer",
        "reader_failed",  # the child ended without an answer
        "resource_limit",
        "size_differs",  # declared with another size than it has
        "too_large",
        "unsupported_kind",
        "unsupported_media_type",
    }
)
"""With status `unreadable`: the document's own fault, the same at every attempt."""

DEADLINE = "deadline"
"""With status `deadline`: more time may help."""

UNAVAILABLE = "reader_unavailable"
"""With status `unavailable`: our fault, another attempt may help."""

FINDINGS = frozenset({"arithmetic_break", "hidden_text"})
"""Signs of tampering: any of them makes a document suspicious."""

REASONS = UNREADABLE | {DEADLINE, UNAVAILABLE}
