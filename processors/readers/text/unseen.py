"""What text that nobody sees is there for: an amount or a name is a sign of tampering, anything else is nobody's harm.

Honest documents hold unseen words too: marks for a signature, a template's name, a number for a machine.
"""

import re
from collections.abc import Sequence

from processors.readers.found import Found
from processors.readers.text.amounts import parse_amount
from processors.readers.text.text_layer import Line

_PRINTED_MONEY = re.compile(
    r"\d[.,]\d{2,3}(?!\d)|\d\s*/-|[₹$£€]\s*\d|\b(?:rs\.?|inr)\s*\d|\b(?:lakhs?|lacs?|lpa|crores?)\b", re.I
)
"""A bare number is a page, a year or an identifier more often than money."""


def misleads(unseen: Sequence[Line], seen: Found, together: Found) -> bool:
    """Whether unseen lines hold an amount, or would change what is read where they were believed."""
    return any(_holds_money(line) for line in unseen) or not _said(together) <= _said(seen)


def _holds_money(line: Line) -> bool:
    texts = [*(cell.text for cell in line.cells), *(word.text for word in line.words)]
    return any(_PRINTED_MONEY.search(text) and parse_amount(text) is not None for text in texts)


def _said(found: Found) -> frozenset[tuple[str, str]]:
    return frozenset((field.name, field.value) for field in found.fields)
