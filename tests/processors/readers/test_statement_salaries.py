"""Which credits of a statement are an income: pay that is called so and is seen to come every month."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from placed_words import lines_of, words

from processors.readers.text import bank_statement
from scoring.checks import INCOME_EXCESS
from scoring.readings import SURE

Paid = tuple[str, str, int]
"""Day, narration, rupees."""
PERIOD = "01/01/2026 to 31/03/2026"
PAY = 60_000


def read(credits_in: Sequence[Paid], period: str = PERIOD) -> dict[str, list[tuple[str, float]]]:
    """What is read of a statement of these credits, with a purchase after each; every balance follows."""
    placed = [words("Opening Balance: 10,000.00", 40, 20), words(f"Statement Period: {period}", 40, 40)]
    placed += [words(title, 40 if title == "Date" else 120, 60) for title in ("Date", "Narration")]
    placed += [words(title, x, 60, right=True) for title, x in (("Debit", 460), ("Credit", 560), ("Balance", 680))]
    balance, y = 10_000, 80
    for day, text, amount in credits_in:
        for narration, moved, edge in ((text, amount, 560), ("CARD PURCHASE", -900, 460)):
            balance += moved
            placed += [words(day, 40, y), words(narration, 120, y), words(f"{abs(moved):,}.00", edge, y, right=True)]
            placed.append(words(f"{balance:,}.00", 680, y, right=True))
            y += 15
    placed.append(words(f"Closing Balance: {balance:,}.00", 40, y))
    found = bank_statement.parse(lines_of(placed))
    assert found.findings == ()
    fields: dict[str, list[tuple[str, float]]] = {}
    for field in found.fields:
        fields.setdefault(field.name, []).append((field.value, field.confidence))
    return fields


def sure_year(credits_in: Sequence[Paid], period: str = PERIOD) -> int | None:
    """The year's income where it is believed."""
    years = [value for value, confidence in read(credits_in, period).get("annual_net_income", []) if confidence >= SURE]
    return int(Decimal(years[0])) if years else None


MONTHS: tuple[Paid, ...] = (
    ("31/01/2026", "NEFT SALARY ACME", PAY),
    ("28/02/2026", "NEFT SALARY ACME", PAY),
    ("31/03/2026", "NEFT SALARY ACME", PAY),
)

BELIEVED: dict[str, tuple[Paid, ...]] = {
    "three months": MONTHS,
    "two months": MONTHS[1:],
    "a bonus of its own": (*MONTHS[:2], ("15/03/2026", "ACME SALARY BONUS", 400_000), MONTHS[2]),
    "arrears": (*MONTHS[:2], ("15/03/2026", "SALARY ARREARS 2025", 90_000), MONTHS[2]),
    "an advance": (MONTHS[0], ("05/02/2026", "SALARY ADVANCE", 50_000), *MONTHS[1:]),
    "a loan": (MONTHS[0], ("05/02/2026", "LOAN DISBURSED AGAINST SALARY", 900_000), *MONTHS[1:]),
    "a loan's disbursement": (MONTHS[0], ("05/02/2026", "SALARY OD DISBURSEMENT", 900_000), *MONTHS[1:]),
    "his own account": (MONTHS[0], ("05/02/2026", "OWN ACCOUNT SALARY SAVINGS", 900_000), *MONTHS[1:]),
    "a refund": (MONTHS[0], ("05/02/2026", "REFUND SALARY DEDUCTION", 700_000), *MONTHS[1:]),
    "a sale": (MONTHS[0], ("05/02/2026", "UPI SALE OF CAR", 700_000), *MONTHS[1:]),
    "three months in one credit": (*MONTHS[:2], ("05/03/2026", "SALARY NOV DEC JAN", 180_000), MONTHS[2]),
    "a month with a bonus that is not named": (*MONTHS[:2], ("31/03/2026", "NEFT SALARY ACME", 90_000)),
}


@pytest.mark.parametrize("which", BELIEVED)
def test_a_year_is_of_the_pay_that_recurs(which: str) -> None:
    """Whatever else comes in beside the salary, and whatever it is called, is no month's pay."""
    assert sure_year(BELIEVED[which]) == 12 * PAY


NOT_BELIEVED: dict[str, tuple[Paid, ...]] = {
    "one month": MONTHS[:1],
    "one month with a bonus": (("31/01/2026", "NEFT SALARY ACME", 500_000),),
    "two months' pay in one": (
        ("02/01/2026", "SALARY", PAY),
        ("31/01/2026", "SALARY", PAY),
        ("28/02/2026", "SALARY", PAY),
    ),
    "two months' pay in one month alone": (("02/01/2026", "SALARY", PAY), ("31/01/2026", "SALARY", PAY)),
    "a bonus in one of two": (MONTHS[0], ("28/02/2026", "NEFT SALARY ACME", 2 * PAY)),
    "bonuses in two of three": (MONTHS[0], *((day, text, 3 * PAY // 2) for day, text, _ in MONTHS[1:])),
    "a quarter's pay at once": (("31/01/2026", "SALARY", 3 * PAY), ("31/03/2026", "SALARY", 3 * PAY)),
    "nothing for two months": (("05/01/2026", "SALARY", PAY), ("03/02/2026", "SALARY", PAY)),
    "bonuses alone": tuple((day, "SALARY BONUS", amount) for day, _, amount in MONTHS),
    "a payer that is not said to pay a salary": tuple((day, "NEFT RAO TRADERS", amount) for day, _, amount in MONTHS),
}


@pytest.mark.parametrize("which", NOT_BELIEVED)
def test_a_year_that_is_not_shown_is_not_believed(which: str) -> None:
    """Pay that was seen once, with gaps, twice in a month, or that nobody calls pay is for a person to judge."""
    assert sure_year(NOT_BELIEVED[which]) is None


@pytest.mark.parametrize("amount", [PAY, 500_000])
def test_a_statement_of_one_month_shows_no_year(amount: int) -> None:
    """One pay may have a bonus in it, or be several months': that it comes every month is not seen."""
    assert sure_year([("31/01/2026", "NEFT SALARY ACME", amount)], "01/01/2026 to 31/01/2026") is None


def test_a_bonus_is_a_pay_all_the_same() -> None:
    """A payslip's net pay with a bonus in it stands on the statement: the credit is given, the year leaves it out."""
    fields = read((*MONTHS[:2], ("31/03/2026", "SALARY AND BONUS", 400_000)))
    assert ("400000.00", 0.99) in fields["salary_credit"]
    assert fields["annual_net_income"] == [("720000.00", 0.99)]


def test_pay_by_the_fortnight_is_believed_where_a_month_is_covered_in_part() -> None:
    """A statement that begins in the middle of a month shows one of its two pays."""
    days = ("27/12/2025", "13/01/2026", "27/01/2026", "13/02/2026", "27/02/2026")
    assert sure_year([(day, "ACME PAYROLL", 3_000) for day in days], "12/12/2025 to 11/03/2026") == 72_000


KINDS = ("NEFT SALARY ACME", "SALARY BONUS", "SALARY ARREARS", "SALARY SEP OCT NOV", "OWN TRANSFER", "LOAN DISBURSED")
KINDS += ("RENT RECEIVED", "UPI SALE", "REFUND SALARY")


@given(
    pay=st.integers(10_000, 300_000),
    plain=st.integers(0, 5),
    count=st.integers(1, 6),
    factors=st.lists(st.sampled_from((1, 1, 1, 2, 3)), min_size=6, max_size=6),
    skipped=st.sets(st.integers(0, 5), max_size=2),
    more=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(KINDS), st.integers(10_000, 900_000)), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_no_year_is_believed_above_what_recurs(
    pay: int,
    plain: int,
    count: int,
    factors: list[int],
    skipped: set[int],
    more: list[tuple[int, str, int]],
) -> None:
    """Salaries missed, doubled or with anything beside them: a sure year is at most twelve plain months' and what the
    check of an income allows, where the statement shows one plain month.
    """
    plain %= count
    rows = [
        (date(2025, 7 + month, 28), KINDS[0], pay * (1 if month == plain else factors[month]))
        for month in range(count)
        if month == plain or month not in skipped
    ]
    rows += [
        (date(2025, 7 + month % count, 12), kind, amount) for month, kind, amount in more if month % count != plain
    ]
    shown = [(f"{day:%d/%m/%Y}", text, amount) for day, text, amount in sorted(rows)]
    year = sure_year(shown, f"01/07/2025 to {30 + (count not in (3, 5))}/{6 + count:02}/2025")
    assert year is None or year * (1 - INCOME_EXCESS) <= 12 * pay
