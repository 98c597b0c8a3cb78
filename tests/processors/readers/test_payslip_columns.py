"""Payslips with more columns than the month's: the month is told by its title, wherever it stands, or not at all."""

from collections.abc import Callable, Mapping

import pytest
from pdf_drawing import Drawing, Slip, payslip_of, payslip_page

from processors.readers.text.reading import read_document

LABELS = ("Gross Pay", "Total Deductions", "Net Pay")
MONTH = dict(zip(LABELS, ("1,00,000.00", "7,000.00", "93,000.00"), strict=True))
TO_DATE = dict(zip(LABELS, ("10,00,000.00", "70,000.00", "9,30,000.00"), strict=True))
YEAR = dict(zip(LABELS, ("12,00,000.00", "84,000.00", "11,16,000.00"), strict=True))
BEFORE = dict(zip(LABELS, ("98,000.00", "7,000.00", "91,000.00"), strict=True))
RATE = dict(zip(LABELS, ("1,10,000.00", "", ""), strict=True))
Column = tuple[str, Mapping[str, str]]


def columns(*titled: Column) -> bytes:
    """A payslip of March 2026 with a title over each column."""
    return payslip_of(
        ("", [title for title, _ in titled]), *((label, [amounts[label] for _, amounts in titled]) for label in LABELS)
    )


def drawn(draw: Callable[[Drawing], None]) -> bytes:
    page = payslip_page(Slip(()))
    draw(page)
    return page.finished()


def read(data: bytes) -> tuple[str | None, str | None]:
    """Gross and net, where they are given; no payslip here is suspicious."""
    found = read_document(data, "payslip")
    assert found.findings == ()
    given = {field.name: field.value for field in found.fields}
    return given.get("gross_monthly"), given.get("net_monthly")


TOLD: dict[str, tuple[Column, ...]] = {
    "the year first": (("YTD", TO_DATE), ("Current", MONTH)),
    "the month first": (("Current", MONTH), ("YTD", TO_DATE)),
    "in words": (("Year to date", TO_DATE), ("This period", MONTH)),
    "with dots": (("Y.T.D.", TO_DATE), ("Current", MONTH)),
    "cumulative": (("Cumulative", TO_DATE), ("Month", MONTH)),
    "shortened": (("Earned", MONTH), ("Cum.", TO_DATE)),
    "a total of the year": (("YTD Total", TO_DATE), ("Amount", MONTH)),
    "to date": (("To Date", TO_DATE), ("Current Month", MONTH)),
    "of a tax year": (("Tax year to date", TO_DATE), ("This month", MONTH)),
    "of a fiscal year": (("FY 2025-26", TO_DATE), ("Mar 2026", MONTH)),
    "the month without a title": (("", MONTH), ("YTD", TO_DATE)),
    "a rate": (("Rate", RATE), ("Amount", MONTH), ("YTD", TO_DATE)),
    "a rate between": (("YTD", TO_DATE), ("Rate", RATE), ("Current", MONTH)),
    "a whole year": (("Annual", YEAR), ("Monthly", MONTH)),
    "by the year and by the month": (("Per Annum", YEAR), ("Per Month", MONTH)),
    "two months": (("Feb 2026", BEFORE), ("Mar 2026", MONTH)),
    "three months": (("Jan 2026", BEFORE), ("Feb 2026", BEFORE), ("Mar 2026", MONTH)),
    "two months and the year": (("Feb-26", BEFORE), ("Mar-26", MONTH), ("YTD", TO_DATE)),
    "the last month": (("Last month", BEFORE), ("This month", MONTH)),
    "the previous one": (("Previous", BEFORE), ("Current", MONTH)),
}


@pytest.mark.parametrize("which", TOLD)
def test_the_months_column_is_told_by_its_title(which: str) -> None:
    """A year's earnings are never read as a month's, whatever the columns are called and wherever they stand."""
    assert read(columns(*TOLD[which])) == ("100000.00", "93000.00")


NOT_TOLD: dict[str, tuple[Column, ...]] = {
    "no titles": (("", TO_DATE), ("", MONTH)),
    "no titles, the month first": (("", MONTH), ("", TO_DATE)),
    "one title for both": (("Amount", TO_DATE), ("Amount", MONTH)),
    "the year alone": (("YTD", TO_DATE),),
    "two unnamed months": (("A", BEFORE), ("B", MONTH)),
}


@pytest.mark.parametrize("which", NOT_TOLD)
def test_columns_that_cannot_be_told_apart_give_no_income(which: str) -> None:
    """Without a title that says which amount is the month's, a person reads the payslip: it is not guessed."""
    assert read(columns(*NOT_TOLD[which])) == (None, None)


def wrapped_titles(page: Drawing) -> None:
    for edge, words in ((275, ("Year to", "Date")), (360, ("This", "Period"))):
        for row, word in enumerate(words):
            page.right(edge, 720 - 11 * row, word)
    for row, label in enumerate(LABELS):
        page.text(40, 690 - 15 * row, label)
        page.right(275, 690 - 15 * row, TO_DATE[label])
        page.right(360, 690 - 15 * row, MONTH[label])


def beside_the_label(page: Drawing) -> None:
    for row, label in enumerate(LABELS):
        page.text(40, 690 - 15 * row, f"{label} YTD: {TO_DATE[label]}")
        page.text(250, 690 - 15 * row, f"{label}: {MONTH[label]}")


def before_the_amount(page: Drawing) -> None:
    for row, label in enumerate(LABELS):
        page.text(40, 690 - 15 * row, label)
        page.text(130, 690 - 15 * row, f"YTD {TO_DATE[label]}")
        page.text(250, 690 - 15 * row, f"Current {MONTH[label]}")


def in_sections(page: Drawing, titles: tuple[str, str] = ("Year to date", "This month")) -> None:
    y = 700.0
    for title, amounts in zip(titles, (TO_DATE, MONTH), strict=True):
        page.text(40, y, title, bold=True)
        for label in LABELS:
            y -= 15
            page.text(40, y, label)
            page.right(275, y, amounts[label])
        y -= 25


def in_rows(page: Drawing, titles: tuple[str, str] = ("YTD", "Current")) -> None:
    for left, label in zip((150, 250, 350), LABELS, strict=True):
        page.text(left, 700, label)
    for y, title, amounts in zip((685, 670), titles, (TO_DATE, MONTH), strict=True):
        page.text(40, y, title)
        for left, label in zip((150, 250, 350), LABELS, strict=True):
            page.text(left, y, amounts[label])


def two_tables(page: Drawing) -> None:
    for edge, title in ((170, "YTD"), (240, "Current"), (430, "YTD"), (500, "Current")):
        page.right(edge, 700, title)
    rows = (
        ("Basic", "6,00,000.00", "60,000.00", "Tax", "70,000.00", "7,000.00"),
        ("HRA", "4,00,000.00", "40,000.00", "", "", ""),
        (LABELS[0], TO_DATE[LABELS[0]], MONTH[LABELS[0]], LABELS[1], TO_DATE[LABELS[1]], MONTH[LABELS[1]]),
        (LABELS[2], TO_DATE[LABELS[2]], MONTH[LABELS[2]], "", "", ""),
    )
    for row, (left, *first, right, third, fourth) in enumerate(rows):
        page.text(40, 685 - 15 * row, left)
        page.text(290, 685 - 15 * row, right or " ")
        for edge, amount in zip((170, 240, 430, 500), (*first, third, fourth), strict=True):
            page.right(edge, 685 - 15 * row, amount or " ")


def lines_of_the_year_between(page: Drawing) -> None:
    for row, label in enumerate(LABELS):
        page.text(40, 690 - 30 * row, label)
        page.right(275, 690 - 30 * row, MONTH[label])
        page.text(40, 675 - 30 * row, f"YTD {label}")
        page.right(275, 675 - 30 * row, TO_DATE[label])


def arrears(page: Drawing) -> None:
    for edge, title, amount in (
        (200, "Rate", "1,00,000.00"),
        (270, "Monthly", "95,000.00"),
        (340, "Arrear", "5,000.00"),
        (410, "Total", "1,00,000.00"),
    ):
        page.right(edge, 700, title)
        page.right(edge, 685, amount)
    for row, label in enumerate(LABELS):
        page.text(40, 685 - 15 * row, label)
        if row:
            page.right(410, 685 - 15 * row, MONTH[label])


def plain_rows(page: Drawing) -> None:
    for row, label in enumerate(LABELS):
        page.text(40, 690 - 15 * row, label)
        page.right(275, 690 - 15 * row, MONTH[label])


def under_a_financial_year(page: Drawing) -> None:
    page.text(40, 735, "Financial Year: 2025-26")
    page.text(230, 735, "Financial Year 2025-26")
    plain_rows(page)


def under_paid_days(page: Drawing) -> None:
    page.text(40, 735, "Paid Days")
    page.text(250, 735, "31")
    page.text(230, 720, "Days Payable 30")
    plain_rows(page)


def by_the_year_and_the_month(page: Drawing) -> None:
    page.text(40, 735, "CTC: 14,40,000.00")
    for row, (label, amount) in enumerate(
        {"Gross Salary (Annual)": "12,00,000.00", "Gross Salary (Monthly)": "1,00,000.00"}.items()
    ):
        page.text(40, 720 - 15 * row, label)
        page.right(275, 720 - 15 * row, amount)
    for row, label in enumerate(LABELS[1:]):
        page.text(40, 690 - 15 * row, label)
        page.right(275, 690 - 15 * row, MONTH[label])


@pytest.mark.parametrize(
    "draw",
    [
        wrapped_titles,
        beside_the_label,
        before_the_amount,
        in_sections,
        in_rows,
        two_tables,
        lines_of_the_year_between,
        arrears,
        under_a_financial_year,
        under_paid_days,
        by_the_year_and_the_month,
    ],
)
def test_the_month_is_told_in_other_layouts(draw: Callable[[Drawing], None]) -> None:
    """Titles over two lines, beside amounts, over sections or before rows say whose an amount is; other words do not."""
    assert read(drawn(draw)) == ("100000.00", "93000.00")


@pytest.mark.parametrize(
    "draw", [lambda page: in_sections(page, ("Summary", "Details")), lambda page: in_rows(page, ("A", "B"))]
)
def test_sections_and_rows_that_say_nothing_give_no_income(draw: Callable[[Drawing], None]) -> None:
    """Two amounts for one label, and nothing that says which is the month's: neither is taken."""
    assert read(drawn(draw)) == (None, None)


def test_a_years_gross_beside_a_months_net_is_no_months_gross() -> None:
    """Where a twelfth of the gross is what the net is paid from, the gross is a year's."""
    assert read(
        payslip_of(("Gross Salary", ["12,00,000.00"]), ("Total Deductions", ["7,000.00"]), ("Net Pay", ["93,000.00"]))
    ) == (None, "93000.00")


@pytest.mark.parametrize(
    ("days", "month", "confidence"),
    [
        (("Pay Date: 03/07/2026", "Period Beginning: 02/16/2026"), "2026-03", 0.99),
        (("Pay Date: 03/07/2026", "Joined: 16/02/2020"), "2026-07", 0.99),
        (("Pay Date: 03/07/2026",), "2026-07", 0.6),
        (("Pay Period: 01/03/2026 - 31/03/2026",), "2026-03", 0.99),
    ],
)
def test_a_payslips_month_is_in_the_order_of_its_other_days(
    days: tuple[str, ...], month: str, confidence: float
) -> None:
    """03/07 is in March where another day of the payslip shows that months come first, and unsure where none does."""
    page = Drawing()
    for row, day in enumerate(days):
        page.text(40, 780 - 20 * row, day)
    plain_rows(page)
    found = read_document(page.finished(), "payslip")
    assert [(one.value, one.confidence) for one in found.fields if one.name == "period"] == [(month, confidence)]
