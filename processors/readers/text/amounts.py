"""Amounts of money as payslips and statements print them: Indian and western grouping, words for large numbers."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

AMOUNT_MAX = Decimal("1e13")
CENT = Decimal("0.01")

_CURRENCY = r"(?:rs\.?|inr|usd|gbp|eur|[₹$£€`■\uf156])"  # the rupee glyph has several disguises in embedded fonts
_SCALES = {"lakh": 100_000, "lakhs": 100_000, "lac": 100_000, "lacs": 100_000, "lpa": 100_000}
_SCALES |= {"crore": 10_000_000, "crores": 10_000_000, "k": 1_000, "million": 1_000_000}
_AMOUNT = re.compile(
    rf"""^\s*(?:{_CURRENCY}\s*(?=\())?(?P<open>\()?\s*(?P<minus>[-\u2212\u2013])?\s*{_CURRENCY}?\s*(?P<minus2>[-\u2212\u2013])?\s*
    (?P<digits>\d[\d.,' \u00a0\u202f]*?)
    \s*(?P<minus3>[-\u2212\u2013])?(?P<close>\))?\s*(?:/[-=])?
    \s*(?P<scale>(?:lakhs?|lacs?|lpa|crores?|million|k)\b)?\s*{_CURRENCY}?
    \s*(?P<per>(?:p\.?\s?a\.?|per\s+annum|per\s+year|a\s+year|/\s*year)(?!\w))?
    \s*(?P<side>\(?(?:dr|cr|debit|credit)\.?\)?)?\s*(?:only)?\s*$""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount, two decimals; `side` where the print says debit or credit, `per_year` where it says so."""

    value: Decimal
    side: Literal["debit", "credit"] | None = None
    per_year: bool = False


def parse_amount(text: str) -> Amount | None:
    """The amount that `text` is, None where it is anything else, has fractions of a cent, or exceeds 1e13.

    >>> parse_amount("Rs. 68,450/-").value
    Decimal('68450.00')
    >>> parse_amount("10.20 LPA")
    Amount(value=Decimal('1020000.00'), side=None, per_year=True)
    >>> parse_amount("1.250,00 EUR").value
    Decimal('1250.00')
    >>> parse_amount("92,234.50 Dr").side
    'debit'
    >>> parse_amount("UPI/1234") is None
    True
    """
    match = _AMOUNT.match(text) if len(text) <= 60 else None
    if match is None or bool(match["open"]) != bool(match["close"]):
        return None
    number = _number(match["digits"].strip(), scaled=bool(match["scale"]))
    if number is None:
        return None
    scale = (match["scale"] or "").lower()
    value = number * _SCALES.get(scale, 1)
    if value > AMOUNT_MAX or value != value.quantize(CENT):
        return None
    if match["open"] or match["minus"] or match["minus2"] or match["minus3"]:
        value = -value
    return Amount(value.quantize(CENT), _side(match["side"]), bool(match["per"]) or scale == "lpa")


def _side(text: str | None) -> Literal["debit", "credit"] | None:
    if not text:
        return None
    return "debit" if text.lower().strip("().").startswith("d") else "credit"


def _number(digits: str, *, scaled: bool) -> Decimal | None:
    digits = digits.rstrip(".,'")
    marks = re.findall(r"[^\d]", digits)
    if not marks:
        return Decimal(digits)
    whole, fraction = digits, ""
    tail = re.split(r"[.,]", digits)[-1]
    decimals = marks[-1] in ".," and (len(tail) <= 2 or (scaled and len(marks) == 1))
    if decimals:
        whole, fraction = digits[: -len(tail) - 1], tail
    groups = re.split(r"[^\d]", whole)
    if len(set(re.findall(r"[^\d]", whole))) > 1:
        return None
    grouped = all(2 <= len(group) <= 3 for group in groups[1:]) and len(groups[-1]) in (3, len(whole))
    if len(groups) > 1 and not (grouped and 1 <= len(groups[0]) <= 3):
        return None
    return Decimal("".join(groups) + ("." + fraction if fraction else ""))
