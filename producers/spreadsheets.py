"""How a spreadsheet writes what is no application, or no value, in words for whoever saved it."""

import re
from collections.abc import Sequence

TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sub total", "sum", "average", "mean", "count", "summe", "gesamt"}
)
"""What stands in the place of an id in a line below the last application."""

_NUMBER = r"[-+(]?\d[\d,. '\u00a0\u202f]*\)?"
MEANT: Sequence[tuple[str, str]] = (
    (r"#[A-Z/0!?]+", "a spreadsheet's error value; mend its formula, or leave a value blank that is not known"),
    (r"=.*", "a formula; save its value"),
    (r"[-+]?\d+([.,]\d+)?E[-+]?\d+", "written with an exponent; format the column as a number without one"),
    (r"\(\d[\d,.]*\)", "a number in brackets; write a minus sign"),
    (r"[-+]?\d+([.,]\d+)? ?%", "a per cent; write the number itself"),
    (rf"[^\w\s#=(-]+ ?{_NUMBER}|{_NUMBER} ?[^\w\s)%]+|(?i:rs\.?|inr|eur|usd) ?{_NUMBER}", "with a currency's sign"),
    (r"[-+]?\d{1,3}(\.\d{3})+,\d+|[-+]?\d+,\d{1,2}", "a comma as the decimal sign; write a point"),
    (r"[-+]?\d{1,3}([,'. \u00a0\u202f]\d{2,3})+([.,]\d+)?", "with separators of thousands; write digits alone"),
)
"""The whole text of a value that is none (regular expressions, the first counts) -> what it is, and what to do."""


def meant(text: str) -> str:
    """What a spreadsheet meant by a value that cannot be read, in brackets; nothing where that is not known.

    >>> meant("9,600,000"), meant("4500,50"), meant("many")
    (' (with separators of thousands; write digits alone)', ' (a comma as the decimal sign; write a point)', '')
    """
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
