"""Which identifiers say who somebody is."""

import re
import unicodedata

from scoring.words import words

IDENTIFYING: frozenset[str] = frozenset(
    {
        "aadhaar",
        "account_number",
        "customer_number",
        "iban",
        "national_id",
        "pan",
        "passport_number",
        "tax_number",
    }
)
"""Kinds of identifiers that one person has. Others are compared and tie nothing: four digits of an account number, an
employer's number, or a field that is no identifier at all.
"""

LEAST = 6
"""Letters and digits that one person's identifier has. Fewer are the end of one."""

_SEPARATORS = frozenset(" -./,:_'()")
_COVERED = re.compile(r"([^\W\d_])\1{3}|^[\dx]*xx[\dx]*$")
"""Four times the same letter, or several x among digits alone. A PAN may have three of a letter."""

_REPEATED = re.compile(r"([^\w\s]|_)\1")
"""What separates stands alone: of several dots each stands for what is not shown."""


def is_one_persons(text: str) -> bool:
    """Whether an identifier is written out: long enough, and nothing of it is masked.

    >>> [is_one_persons(text) for text in ("ABXXX-1234-X", "XXXX XXXX 1234", "****123456", "4821")]
    [True, False, False, False]
    """
    plain = "".join(words(text))
    if len(plain) < LEAST or _COVERED.search(plain) or _REPEATED.search(text):
        return False
    return all(_is_written(char) for char in text)


def _is_written(char: str) -> bool:
    """A letter, a digit or what stands between them: any other sign stands for what is not shown."""
    return char in _SEPARATORS or unicodedata.category(char)[0] in "LMNZ" or unicodedata.category(char) in {"Pd", "Cf"}
