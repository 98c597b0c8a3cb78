"""What a document's amounts are in: told by a label, or by the one sign that stands beside them."""

import pytest

from processors.readers.text.currency import currency
from processors.readers.text.text_layer import Line, Word

WIDTH, GAP = 6.0, 40.0


def line(text):
    """One line; two blanks part its cells."""
    words, at = [], 40.0
    for cell in text.split("  "):
        for word in cell.split():
            words.append(Word(word, at, at + WIDTH * len(word), 100.0, 109.0))
            at += WIDTH * len(word) + 3.0
        at += GAP
    return Line(1, tuple(words))


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["Currency: INR"], "INR"),
        (["Account Currency  IDR"], "IDR"),
        (["Currency Code : GBP (Pound Sterling)"], "GBP"),
        (["Ccy  EUR", "Net pay  ₹ 93,000.00"], "EUR"),
        (["Gross pay  ₹ 1,00,000.00", "Net pay  ₹ 93,000.00"], "INR"),
        (["Balance  £1,204.50"], "GBP"),
        (["Balance  €1.204,50"], "EUR"),
        (["Balance  $1,204.50"], None),
        (["Paid  €10.00", "Balance  £1,204.50"], None),
        (["Currency: Indian Rupees"], None),
        (["Net pay  93,000.00"], None),
    ],
)
def test_a_document_s_currency_is_told_or_left_open(lines, code):
    """Only what is written decides; a dollar sign, two signs, or nothing leave it open."""
    found = currency([line(text) for text in lines])
    assert (found.value if found else None) == code
