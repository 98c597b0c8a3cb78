"""Which figure of a payslip is believed to be a month's pay: one that the page shows to be, and no other."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pdf_drawing import Drawing, Slip, bound, payslip_page
from placed_words import lines_of, words

from processors.readers.text import payslip
from processors.readers.text.pay_parts import ALLOWED
from processors.readers.text.reading import read_document
from processors.readers.text.text_layer import Line
from producers.synthetic import documents as synthetic
from producers.synthetic.pay import monthly_pay
from scoring.checks import INCOME_EXCESS
from scoring.readings import SURE

MONTH = "Payslip for March 2026"
PLAIN = (("Gross Pay", ["80,000.00"]), ("Total Deductions", ["5,000.00"]), ("Net Pay", ["75,000.00"]))
Row = tuple[str, Sequence[str]]


def slip(*rows: Row, head: Sequence[str] = (MONTH,), draw: Callable[[Drawing], None] | None = None) -> bytes:
    """A payslip of Asha Rao with lines of a head, then rows."""
    page = payslip_page(Slip(rows), head=False)
    for number, text in enumerate((*head, "Employee Name: Asha Rao")):
        page.text(40, 810 - 15 * number, text)
    if draw:
        draw(page)
    return page.finished()


def sure(data: bytes) -> dict[str, str]:
    """The fields that are believed; no payslip here is suspicious."""
    found = read_document(data, "payslip")
    assert found.findings == ()
    return {field.name: field.value for field in found.fields if field.confidence >= SURE}


def titled(*titles: str, amounts: Sequence[Sequence[int]]) -> bytes:
    """Columns with a title each; `amounts` are each column's gross, deductions and net."""
    rows = [
        (label, [f"{column[number]:,}.00" for column in amounts])
        for number, label in enumerate(("Gross Pay", "Total Deductions", "Net Pay"))
    ]
    return slip(("", titles), *rows)


OWN = (80_000, 5_000, 75_000)
OTHER = (640_000, 40_000, 600_000)


BELIEVED: tuple[str, ...] = (
    "",
    "Amount",
    "Amount (Rs.)",
    "INR",
    "March",
    "Mar 2026",
    "March, 2026",
    "This month's earnings",
    "Monthly",
)
BELIEVED += ("For the month", "Current period", "Actual", "Salary for March", "1 month", "Earned")
NOT_BELIEVED: tuple[str, ...] = (
    "Up to March 2026",
    "Till Mar",
    "Since April",
    "Apr-Mar",
    "Oct 2025 to Mar 2026",
    "Running",
    "8 months",
)
NOT_BELIEVED += (
    "Aggregate",
    "Tally",
    "Ledger B",
    "February",
    "Mar 2025",
    "Quarter",
    "Half-year",
    "Fortnight",
    "Week 12",
)
NOT_BELIEVED += (
    "Projection",
    "Total of eight months",
    "All months",
    "Previous",
    "Full",
    "Consolidated",
    "Year",
    "Book 2",
    "Total paid",
    "Period total",
)


@pytest.mark.parametrize("title", BELIEVED)
def test_one_column_is_the_months_where_its_title_says_nothing_else(title: str) -> None:
    """A payslip of one column is believed where no title, or one that names the month or money, stands over it."""
    assert sure(titled(title, amounts=[OWN]))["gross_monthly"] == "80000.00"


@pytest.mark.parametrize("title", NOT_BELIEVED)
def test_one_column_under_any_other_title_is_not_believed(title: str) -> None:
    """A title that names another span, or a word that the tables do not hold, leaves the payslip to a person."""
    assert "gross_monthly" not in sure(titled(title, amounts=[OTHER]))


@pytest.mark.parametrize("title", ["Running total", "Apr 25 - Mar 26", "8 months", "Aggregate", "Up to March", "YTD"])
@pytest.mark.parametrize("month", ["March", "Mar-26", "Current", "This period"])
def test_of_two_columns_the_months_is_believed_where_the_other_is_known(title: str, month: str) -> None:
    """The month's name is a title, on either side of what is known to be another span's."""
    assert sure(titled(title, month, amounts=[OTHER, OWN]))["gross_monthly"] == "80000.00"
    assert sure(titled(month, title, amounts=[OWN, OTHER]))["gross_monthly"] == "80000.00"


@pytest.mark.parametrize(
    ("titles", "amounts"),
    [
        (("Tally", "Current"), (OTHER, OWN)),
        (("Tally", "Ledger"), (OTHER, OWN)),
        (("Tally", ""), (OTHER, OWN)),
        (("Current", "Monthly"), (OTHER, OWN)),
        (("Total", "March"), (OTHER, OWN)),
        (("Current", "YTD"), (OTHER, OWN)),
        (("", "Annual"), (OTHER, (960_000, 60_000, 900_000))),
        (("Total",), (OTHER,)),
        (("Cumulative", "Book 2"), (OTHER, OTHER)),
    ],
)
def test_of_columns_that_leave_a_doubt_none_is_believed(
    titles: Sequence[str], amounts: Sequence[Sequence[int]]
) -> None:
    """An unknown title beside the month's, two that claim to be it, a month above the year: a person looks."""
    assert "gross_monthly" not in sure(titled(*titles, amounts=amounts))


@pytest.mark.parametrize(
    "head",
    [
        ["Payslip for March 2026"],
        ["Payslip for the month ended March 2026"],
        ["Salary Slip", "Pay Period: 01/03/2026 - 31/03/2026"],
        ["Salary Slip", "Pay Period: 26 Feb 2026 to 25 Mar 2026"],
        ["Pay Advice", "Month: 03/2026", "Pay Frequency: Monthly"],
        ["Payslip for March 2026", "Date of Joining: 04/05/2019", "Paid Days: 31"],
        ["Payslip for March 2026", "Financial Year 01/04/2025 to 31/03/2026"],
        ["Earnings Statement", "Period Beginning: 02/13/2026", "Period Ending: 03/14/2026", "Month: March 2026"],
    ],
)
def test_a_payslip_of_one_month_is_believed(head: Sequence[str]) -> None:
    """One month is named, or the days are one month apart."""
    assert sure(slip(*PLAIN, head=head))["gross_monthly"] == "80000.00"


@pytest.mark.parametrize(
    "head",
    [
        ["Payslip"],
        ["Pay Date: 31/03/2026"],
        ["Payslip for the period 01/01/2026 to 31/03/2026"],
        ["Payslip for January 2026 to March 2026"],
        ["Payslip Jan - Mar 2026"],
        ["Payslip for the quarter ended March 2026"],
        ["Payslip for Q1 2026", "Month: March 2026"],
        ["Half-yearly payslip, March 2026"],
        ["Payslip for March 2026", "Pay Period: 01/10/2025 - 31/03/2026"],
        ["Payslip for March 2026", "Period: 16/03/2026 to 31/03/2026"],
        ["Payslip for March 2026", "From 01/10/2025 to 31/03/2026"],
        ["Payslip for March 2026", "Pay Frequency: Weekly"],
        ["Payslip for March 2026", "Pay Frequency: Bi-Weekly"],
        ["Payslip for March 2026", "Pay cycle: Fortnightly"],
        ["Payslip for March 2026", "Pay schedule: Semi-monthly"],
        ["Earnings Statement", "Period Beginning: 02/16/2026", "Period Ending: 03/01/2026", "Month: March 2026"],
        ["Payslip for March 2026", "Period Ending: 31/03/2026"],
        ["Payslip for March 2026", "All amounts are cumulative"],
        ["Payslip for March 2026", "Earnings since 1 October"],
        ["Payslip for 6 months to March 2026"],
        ["Payslip for March 2026", "Paid Days: 92"],
    ],
)
def test_a_payslip_that_is_not_shown_to_be_of_one_month_is_not_believed(head: Sequence[str]) -> None:
    """A week's, a fortnight's, a quarter's or nobody knows what's pay is not multiplied by twelve."""
    believed = sure(slip(*PLAIN, head=head))
    assert not {"gross_monthly", "net_monthly", "gross_annual"} & set(believed)


def earned(*rows: tuple[str, int], gross: int, first: bool = False) -> bytes:
    """Rows of earnings and their total, which may be printed `first`."""
    printed: list[Row] = [(label, [f"{amount:,}.00"]) for label, amount in rows]
    total: Row = ("Gross Pay", [f"{gross:,}.00"])
    rest: list[Row] = [("Total Deductions", ["5,000.00"]), ("Net Pay", [f"{gross - 5_000:,}.00"])]
    return slip(*([total, *printed] if first else [*printed, total]), *rest)


ONCE: tuple[str, ...] = (
    "Annual Bonus",
    "Arrears",
    "Sales Incentive",
    "Ex-gratia",
    "Leave Encashment",
    "Gratuity",
    "Joining Allowance",
)
ONCE += ("Full and Final Settlement", "Reimbursement", "Retention Pay", "Salary Advance", "Commission", "Notice Pay")
ONCE += ("Basic for February 2026", "Diwali Gift", "Zorbel", "Thirteenth Salary", "Basic Salary Arrears", "Performance")


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("name", ONCE)
def test_what_is_paid_once_is_no_twelfth_of_an_income(name: str, *, first: bool) -> None:
    """A bonus, arrears or a row that nobody knows may be a fifth of a gross that is believed, no more."""
    rows = (("Basic", 50_000), ("HRA", 30_000))
    assert "gross_monthly" not in sure(earned(*rows, (name, 400_000), gross=480_000, first=first))
    assert "gross_monthly" not in sure(earned(*rows, (name, 21_000), gross=101_000, first=first))
    assert sure(earned(*rows, (name, 20_000), gross=100_000, first=first))["gross_monthly"] == "100000.00"


@pytest.mark.parametrize(
    "line", ["Bonus included in gross: 4,00,000.00", "of which Arrears 4,00,000.00", "Incentive 400000"]
)
def test_what_is_paid_once_is_found_where_no_rows_are_printed(line: str) -> None:
    """A line anywhere on the payslip, on another page too, that names pay of once with its amount."""
    gross: tuple[Row, ...] = (("Gross Pay", ["4,80,000.00"]), ("Total Deductions", ["5,000.00"]))
    rows = (*gross, ("Net Pay", ["4,75,000.00"]))
    assert sure(slip(*rows))["gross_monthly"] == "480000.00"
    assert "gross_monthly" not in sure(slip(*rows, draw=lambda page: page.text(300, 500, line)))
    first = payslip_page(Slip(rows))
    second = Drawing(pdf=first.pdf)
    second.text(40, 700, line)
    assert "gross_monthly" not in sure(bound([first, second]))


def test_rows_that_hide_most_of_their_total_are_not_believed() -> None:
    """Where the rows of a gross are printed, they have to be what it is paid for."""
    assert "gross_monthly" not in sure(earned(("Basic", 50_000), ("HRA", 30_000), gross=480_000))
    assert "gross_monthly" not in sure(earned(("Zorbel", 400_000), ("Quux", 80_000), gross=480_000))


def test_amounts_that_begin_at_one_place_are_a_column_too() -> None:
    """A row that nobody knows is found in a column whose amounts are set to the left."""

    def left(page: Drawing) -> None:
        rows = {"Basic": "8,000.00", "Zorbel": "4,72,000.00", "Gross Pay": "4,80,000.00"}
        for number, (label, amount) in enumerate(
            {**rows, "Total Deductions": "500.00", "Net Pay": "4,79,500.00"}.items()
        ):
            page.text(40, 700 - 15 * number, label)
            page.text(230, 700 - 15 * number, amount)

    assert "gross_monthly" not in sure(slip(draw=left))


def test_what_comes_on_top_of_the_gross_is_no_part_of_it() -> None:
    """Expenses that are paid out with the salary do not make it unsure; the net says that they are not in the gross."""
    data = slip(*PLAIN[:2], ("Expense Reimbursement", ["60,000.00"]), ("Net Pay", ["1,35,000.00"]))
    assert sure(data)["gross_monthly"] == "80000.00"


def test_a_bonus_of_the_year_so_far_is_none_of_the_month() -> None:
    """A row's amount counts by the title of its column."""
    rows = (("", ["Current", "YTD"]), ("Basic", ["80,000.00", "6,40,000.00"]), ("Bonus", ["", "1,00,000.00"]))
    rest = (("Gross Pay", ["80,000.00", "7,40,000.00"]), ("Total Deductions", ["5,000.00", "40,000.00"]))
    assert sure(slip(*rows, *rest, ("Net Pay", ["75,000.00", "7,00,000.00"])))["gross_monthly"] == "80000.00"


@pytest.mark.parametrize("words", ["cumulative", "(April to March)", "YTD", "per annum", "for 8 months", "to date"])
def test_words_behind_an_amount_are_said_of_it(words: str) -> None:
    """'Gross Pay 6,40,000 (April to November)' is no month's."""
    rows = [(label, [f"{amount} {words}"]) for label, (amount,) in PLAIN]
    assert "gross_monthly" not in sure(slip(*rows))


def test_a_heading_over_rows_is_said_of_them() -> None:
    """'Summary since 1 April 2025' over the rows: no month's, however plain the rows are."""
    assert "gross_monthly" not in sure(slip(("Summary since 1 April 2025", []), *PLAIN))
    assert sure(slip(("Summary", []), *PLAIN))["gross_monthly"] == "80000.00"


def test_a_name_of_a_company_over_the_amounts_is_no_title() -> None:
    """What stands above the payslip's own title heads no column."""
    data = slip(*PLAIN, draw=lambda page: page.text(200, 830, "Malabar Looms and Spinning Mills"))
    assert sure(data)["gross_monthly"] == "80000.00"


def test_honest_payslips_of_other_makers_are_believed(grid_payslip: bytes) -> None:
    """Cells with borders, and the documents that the demo draws, are no less sure than they were."""
    assert sure(grid_payslip)["gross_monthly"] == "120000.00"
    for rupees_a_year in (60_000, 900_000, 40_000_000):
        pay = monthly_pay(rupees_a_year)
        drawn = synthetic.payslip(synthetic.Earner("Asha Rao", "Malabar Looms", "E1", "4321"), pay, date(2026, 3, 1))
        assert sure(drawn)["gross_monthly"] == f"{pay.gross}.00"


def test_the_share_that_may_be_paid_once_is_that_of_the_check() -> None:
    """The reader, which imports no scoring, allows what the check of an income allows."""
    assert ALLOWED == INCOME_EXCESS


# --- generated payslips ---

THE_MONTHS = ("Current", "This month", "March", "Mar 2026", "Monthly", "Amount", "")
OTHERS = (
    "YTD",
    "Cumulative",
    "Up to Mar 2026",
    "Apr - Mar",
    "Running total",
    "Annual",
    "Total",
    "10 months",
    "Feb 2026",
)
MADE_UP = st.text("bcdfghklmnprstvwz", min_size=2, max_size=9).map(str.title)
RECURRING = ("Basic", "House Rent Allowance", "Conveyance")
SPANS = {
    "Payslip for March 2026": 1,
    "Pay Period: 01/03/2026 - 31/03/2026": 1,
    "Payslip for the period 01/01/2026 to 31/03/2026": 3,
    "Payslip Oct 2025 to Mar 2026": 6,
    "Payslip for the quarter ended March 2026": 3,
    "Payslip": 4,
}


def generated(head: str, titles: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]]) -> list[Line]:
    """The lines of such a payslip."""
    placed = [words(head, 40, 20), words("Employee Name: Asha Rao", 40, 40)]
    placed += [words(title, 340 + 130 * number, 80, right=True) for number, title in enumerate(titles)]
    for number, (label, amounts) in enumerate(rows):
        placed.append(words(label, 40, 100 + 15 * number))
        placed += [
            words(f"{amount:,}.00", 340 + 130 * column, 100 + 15 * number, right=True)
            for column, amount in enumerate(amounts)
            if amount
        ]
    return lines_of(placed)


@st.composite
def payslips(draw: st.DrawFn) -> tuple[list[Line], int]:
    """A payslip with any columns, one-off rows and span; with it what recurs every month."""
    recurring = [draw(st.integers(5, 90)) * 1_000 for _ in RECURRING]
    head = draw(st.sampled_from(sorted(SPANS)))
    other = st.sampled_from(OTHERS) | MADE_UP
    columns = [(draw(st.sampled_from(THE_MONTHS) | MADE_UP), 1)] if draw(st.booleans()) else []
    columns += [(draw(other), draw(st.integers(2, 12))) for _ in range(draw(st.integers(not columns, 2)))]
    columns = draw(st.permutations(columns))
    once = draw(st.lists(st.tuples(st.sampled_from(ONCE) | MADE_UP, st.integers(1, 900)), max_size=2))
    rows = list(zip(RECURRING, recurring, strict=True)) + [(name, thousands * 1_000) for name, thousands in once]
    rows = draw(st.permutations(rows)) if draw(st.booleans()) or once else []
    gross = sum(recurring) + sum(1_000 * thousands for _, thousands in once)
    taken = gross // 10
    rows = [*rows, ("Gross Pay", gross), ("Total Deductions", taken), ("Net Pay", gross - taken)]
    scaled = [(label, [amount * times * SPANS[head] for _, times in columns]) for label, amount in rows]
    return generated(head, [title for title, _ in columns], scaled), sum(recurring)


@given(payslips())
@example((generated("Payslip for March 2026", ("Running total", "March"), [("Gross Pay", (900_000, 90_000))]), 90_000))
@settings(max_examples=600, deadline=None)
def test_no_payslip_is_believed_above_what_recurs(made: tuple[list[Line], int]) -> None:
    """Whatever columns, titles, one-off payments and spans a payslip has, a sure gross is a month's recurring pay, or
    above it by no more than the check of an income allows.
    """
    lines, recurring = made
    for field in payslip.parse(lines).fields:
        if field.name == "gross_monthly" and field.confidence >= SURE:
            assert Decimal(field.value) * (1 - INCOME_EXCESS) <= recurring


@given(st.integers(20_000, 900_000), st.sampled_from(THE_MONTHS), st.sampled_from(OTHERS[:5]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_payslip_that_shows_its_month_is_believed(gross: int, title: str, other: str, alone: bool) -> None:
    """The property above is no refusal of everything: known titles of one month give its gross."""
    figures = (("Basic", gross), ("Gross Pay", gross), ("Total Deductions", 1_000), ("Net Pay", gross - 1_000))
    named = title not in ("Amount", "")
    titles, times = ((title,), (1,)) if alone or not named else ((other, title), (5, 1))
    rows = [(label, [amount * some for some in times]) for label, amount in figures]
    fields = payslip.parse(generated(MONTH, titles, rows)).fields
    assert [(one.value, one.confidence) for one in fields if one.name == "gross_monthly"] == [(f"{gross}.00", 0.99)]
