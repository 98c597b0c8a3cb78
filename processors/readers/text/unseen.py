"""What text that nobody sees is there for: an amount or a name is a sign of tampering, anything else is nobody's harm.

Honest documents hold unseen words too: marks for a signature, a template's name, a number for a machine, the words of a
logo.
"""

import re
from collections.abc import Iterable, Sequence

from processors.readers.found import Found
from processors.readers.text import bank_statement, payslip
from processors.readers.text.amounts import parse_amount
from processors.readers.text.labels import values_of
from processors.readers.text.text_layer import Line

_PRINTED_MONEY = re.compile(
    r"\d[.,]\d{2,3}(?!\d)|\d\s*/-|[₹$£€]\s*\d|\b(?:rs\.?|inr)\s*\d|\b(?:lakhs?|lacs?|lpa|crores?)\b", re.IGNORECASE
)
"""A bare number is a page, a year or an identifier more often than money."""
_NAMES = tuple(dict.fromkeys((*payslip.HOLDER, *payslip.EMPLOYER, *bank_statement.HOLDER)))


def misleads(unseen: Sequence[Line], seen: Found, believed: Iterable[Found]) -> bool:
    """Whether unseen lines hold an amount or a labelled name, or give a field that the seen ones do not.

    `believed` is what is read of a document where the unseen lines are taken for seen.
    """
    said = _said(seen)
    if any(_holds_money(line) for line in unseen) or any(not _said(one) <= said for one in believed):
        return True
    names = {value for _, value in said}
    return any(value.text not in names and payslip.is_name(value.text) for value in values_of(unseen, _NAMES))


def _holds_money(line: Line) -> bool:
    texts = [*(cell.text for cell in line.cells), *(word.text for word in line.words)]
    return any(_PRINTED_MONEY.search(text) and parse_amount(text) is not None for text in texts)


def _said(found: Found) -> frozenset[tuple[str, str]]:
    return frozenset((field.name, field.value) for field in found.fields)
