"""Amounts, days and months as they are printed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.readers.text.amounts import Amount, parse_amount
from processors.readers.text.dates import days_in, parse_day, parse_month

PRINTED = {
    "1,25,000.00": "125000",
    "Rs. 68,450/-": "68450",
    "Rs.68,450/-": "68450",
    "₹1,25,000": "125000",
    "₹ 22,80,000.00": "2280000",
    "INR 68450": "68450",
    "68450 INR": "68450",
    "12.5 lakh": "1250000",
    "3 lacs": "300000",
    "1.2 crore": "12000000",
    "1.250,00": "1250",
    "1.234.567,89 €": "1234567.89",
    "1.25.000.00": "125000",
    "1 234,56": "1234.56",
    "1'234.50": "1234.50",
    "£1,234.56": "1234.56",
    "(1,234.00)": "-1234",
    "$ (12.00)": "-12",
    "-1,234.00": "-1234",
    "\N{MINUS SIGN}1,234.00": "-1234",
    "1,234.00-": "-1234",
    "68.450": "68450",
    "1234567.5": "1234567.5",
    "5": "5",
}


@pytest.mark.parametrize(("text", "value"), PRINTED.items())
def test_an_amount_is_read_as_printed(text: str, value: str) -> None:
    """Indian, western and continental amounts come out as the same money."""
    assert parse_amount(text) == Amount(Decimal(value).quantize(Decimal("0.01")))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("Rs. 10.20 LPA", Amount(Decimal("1020000.00"), per_year=True)),
        ("10,20,000 p.a.", Amount(Decimal("1020000.00"), per_year=True)),
        ("10,20,000 per annum", Amount(Decimal("1020000.00"), per_year=True)),
        ("1,234.00 Dr", Amount(Decimal("1234.00"), "debit")),
        ("1,234.00CR", Amount(Decimal("1234.00"), "credit")),
        ("1,234.00 (Cr)", Amount(Decimal("1234.00"), "credit")),
    ],
)
def test_an_amount_says_its_side_and_its_period(text: str, amount: Amount) -> None:
    """Dr and Cr, and amounts a year, are told from plain ones."""
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Basic",
        "01/03/2026",
        "UPI/123",
        "1,2,3",
        "12,345,6.00",
        "1,234.567",
        "12345678901234",
        "(12.00",
        "12 Mar",
        "1e5",
    ],
)
def test_what_is_no_amount_is_none(text: str) -> None:
    """Dates, references, wrong grouping, fractions of a cent and absurd sums are not money."""
    assert parse_amount(text) is None


def indian(amount: int) -> str:
    head, tail = str(amount)[:-3], str(amount)[-3:]
    groups = [head[max(0, end - 2) : end] for end in range(len(head), 0, -2)][::-1]
    return ",".join([*groups, tail])


@given(st.integers(0, 10**13 - 1), st.integers(0, 99))
def test_every_amount_survives_printing(whole: int, cents: int) -> None:
    """Any amount printed in Indian, western or continental grouping is read back to the cent."""
    value = Decimal(whole) + Decimal(cents) / 100
    western = f"{value:,.2f}"
    continental = western.translate(str.maketrans(",.", ".,"))
    for text in (western, continental, f"{indian(whole)}.{cents:02}", f"{value:.2f}"):
        amount = parse_amount(text)
        assert amount is not None
        assert amount.value == value


@given(st.text(max_size=80))
def test_no_text_breaks_the_parsers(text: str) -> None:
    """Whatever a document says, parsing it raises nothing."""
    parse_amount(text)
    parse_day(text)
    parse_month(text)
    days_in(text)


@given(
    st.dates(date(1950, 1, 1), date(2100, 12, 31)),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y"]),
)
def test_every_day_survives_printing(day: date, form: str) -> None:
    """Any day printed day first, or with its month's name, is read back."""
    parsed = parse_day(day.strftime(form))
    assert parsed is not None
    assert parsed.as_date(1) == day
    assert [found.as_date(1) for found in days_in(f"from {day.strftime(form)} on")] == [day]


@pytest.mark.parametrize(
    "text",
    ["Payslip for March 2026", "Mar-26", "MAR 2026", "Pay period: 03/2026", "2026-03", "01/03/2026 - 31/03/2026"],
)
def test_a_month_is_found(text: str) -> None:
    """However a payslip names its month, it is the same month."""
    assert parse_month(text) == "2026-03"


def test_no_such_day_is_no_day() -> None:
    """The 31st of February is printed but is no date; the 99th of anything is not even printed."""
    assert parse_day("31/02/2026").as_date(1) is None
    assert parse_day("99/99/2026") is None
