"""How a spreadsheet writes what is no application, or no value, in words for whoever saved it."""

import re
from collections.abc import Sequence

TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sub total", "sum", "average", "mean", "count", "summe", "gesamt"}
)
"""What stands in the place of an id in a line below the last application."""

_NUMBER = r"[-+(]?\d[\d,. '\u00a0\u202f]*\)?"
_SIGN = r"(?:[$\u00a2-\u00a5\u20a0-\u20c0]|(?i:rs|inr|eur|usd|gbp)\.?)"
CURRENCY = rf"[-+]? ?{_SIGN} ?{_NUMBER}|{_NUMBER} ?{_SIGN}"
"""An amount with its currency beside it."""
MEANT: Sequence[tuple[str, str]] = (
    (r"#[A-Z/0!?]+", "a spreadsheet's error value; mend its formula, or leave a value blank that is not known"),
    (r"=.*", "a formula; save its value"),
    (r"[-+]?\d+([.,]\d+)?E[-+]?\d+", "written with an exponent; format the column as a number without one"),
    (r"\(\d[\d,.]*\)", "a number in brackets; write a minus sign"),
    (r"[-+]?\d+([.,]\d+)? ?%", "a per cent; write the number itself"),
    (r"'.*", "an apostrophe in front, as spreadsheets mark text; leave it out"),
    (r"[\u2010-\u2015\u2212] ?\d[\d,.]*", "a dash, or a minus sign of print; write -"),
    (r"[<>~\u2248\u2264\u2265]=? ?\d[\d,.]*|\d[\d,.]* ?[+?*]", "more than a number; write the number alone"),
    (r"[-+]?\d{1,3}(\.\d{3})+,\d+|[-+]?\d+,\d{1,2}", "a comma as the decimal sign; write a point"),
    (r"[-+]?\d{1,3}([,'. \u00a0\u202f]\d{2,3})+([.,]\d+)?", "with separators of thousands; write digits alone"),
)
"""The whole text of a value that is none (regular expressions, the first counts) -> what it is, and what to do."""


def meant(text: str, *, is_money: bool = False) -> str:
    """What a spreadsheet meant by a value that cannot be read, in brackets; nothing where that is not known.

    >>> meant("9,600,000"), meant("4500,50"), meant("many")
    (' (with separators of thousands; write digits alone)', ' (a comma as the decimal sign; write a point)', '')
    """
    if is_money and re.fullmatch(CURRENCY, text.strip()):
        return " (with a currency's sign)"
    said = next((what for pattern, what in MEANT if re.fullmatch(pattern, text.strip())), None)
    return f" ({said})" if said else ""


def no_application(first: str, needed: Sequence[str]) -> str | None:
    """What a refused row is, of which `needed` are the values in columns that need one; None where it is a row as any.

    >>> no_application("Total", ["Total", "19200000", "", ""])
    "'Total' in place of an id: a line of totals; leave it out"
    """
    if " ".join(first.lower().replace("-", " ").strip(" :").split()) in TOTALS:
        return f"{first.strip()!r} in place of an id: a line of totals; leave it out"
    blank = sum(not value.strip() for value in needed)
    if 2 * blank >= len(needed):
        return f"{blank} of {len(needed)} values blank, as in a line of totals or notes; leave it out"
    return None
