"""The currency that a document's amounts are in, where it says so."""

import re
from collections.abc import Mapping, Sequence

from processors.readers.found import LIKELY, SURE, FoundField
from processors.readers.text.labels import values_of
from processors.readers.text.text_layer import Line

LABELS = ("currency", "account currency", "currency code", "ccy")

SIGNS: Mapping[str, str] = {"₹": "INR", "£": "GBP", "€": "EUR"}
"""Signs that stand for one currency alone; a dollar sign does not."""

_CODE = re.compile(r"\(?([A-Z]{3})\b")


def currency(lines: Sequence[Line]) -> FoundField | None:
    """What a label names, else the one sign beside its amounts; None where it says nothing, or two things."""
    for found in values_of(lines, LABELS):
        if (code := _CODE.match(found.text)) is not None:
            return FoundField("currency", code[1], SURE, found.page)
    signs = {
        SIGNS[sign]: line.page for line in reversed(lines) for cell in line.cells for sign in cell.text if sign in SIGNS
    }
    if len(signs) != 1:
        return None
    (code_of_sign, page) = next(iter(signs.items()))
    return FoundField("currency", code_of_sign, LIKELY, page)
