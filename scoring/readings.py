"""What a reader found in one document, by field: its values, and those of them that are amounts."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation

from schemas.verification import ExtractedField, Extraction

SURE = 0.8
"""What its reader is less sure of bears no claim out and contradicts none: a person looks at the document."""

MAX_AMOUNT = Decimal("1e15")
"""A reading beyond it is no amount of anybody's."""

PAY: dict[str, str] = {"payslip": "net_monthly", "bank_statement": "salary_credit"}
"""By kind of document: the field that shows a pay as it was paid out."""


def fields_of(extraction: Extraction, name: str) -> Iterable[ExtractedField]:
    """Every value of a field, in the order in which it was read."""
    return (field for field in extraction.fields if field.name == name)


def amounts_of(extraction: Extraction, name: str) -> list[tuple[ExtractedField, Decimal]]:
    """Every value of a field that is an amount of money, with it."""
    amounts = []
    for field in fields_of(extraction, name):
        try:
            amount = Decimal(field.value)
        except InvalidOperation:
            continue  # a reader writes money as decimal strings; anything else is not an amount
        if amount.is_finite() and abs(amount) <= MAX_AMOUNT:
            amounts.append((field, amount))
    return amounts


def pays_of(document: Extraction) -> set[Decimal]:
    """The pays on a document that its reader is sure of."""
    name = PAY.get(document.kind, "")
    return {amount for field, amount in amounts_of(document, name) if amount > 0 and field.confidence >= SURE}
