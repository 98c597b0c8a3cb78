"""A bank statement's lines in, its fields out. Every balance must follow from the one before it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from statistics import median

from processors.readers.found import SURE, UNSURE, Found, FoundField
from processors.readers.text.amounts import CENT, parse_amount
from processors.readers.text.dates import Day, days_in
from processors.readers.text.labels import values_of
from processors.readers.text.statement_table import Row, balance_hits, newest_first, rows_of
from processors.readers.text.text_layer import Line

HOLDER: tuple[str, ...] = (
    "account holder",
    "account holder name",
    "account name",
    "customer name",
    "name of account holder",
)
HOLDER += ("account holders name", "name", "customer", "holder", "account title")
PERIOD: tuple[str, ...] = (
    "period",
    "statement period",
    "statement for the period",
    "for the period",
    "account statement period",
)
OPENING: tuple[str, ...] = (
    "opening balance",
    "balance brought forward",
    "brought forward",
    "beginning balance",
    "start balance",
)
OPENING += ("previous balance", "balance forward")
CLOSING: tuple[str, ...] = (
    "closing balance",
    "ending balance",
    "end balance",
    "balance carried forward",
    "carried forward",
)
_SALARY = re.compile(r"\b(salary|payroll|sal|wages|direct dep(osit)?)\b", re.IGNORECASE)
_NOT_SALARY = re.compile(r"\b(self|reversal|reversed|refund|interest|dividend|loan|emi)\b", re.IGNORECASE)

UNDERSTOOD = 0.5
"""Share of balances that must add up before the others count as the document's fault and not the parser's."""
SALARIES_MAX = 60
ODD_MONTH = Decimal("0.6")
"""A month's salary this far off the median is no regular income."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row with its calendar day, oldest first."""

    on: date
    row: Row


def parse(lines: Sequence[Line]) -> Found:
    """The fields of a statement (names: `found.FIELD_NAMES`).

    Reason `no_known_fields` without any dated row, `layout_not_understood` where most balances do not add up.
    """
    rows = rows_of(lines)
    if not rows:
        return Found(reason="no_known_fields")
    with_balance = sum(row.balance is not None for row in rows)
    if with_balance > 1 and balance_hits(rows) < UNDERSTOOD * (with_balance - 1) - 1:
        return Found(reason="layout_not_understood")
    entries = _dated(rows, _printed_period(lines))
    opening, closing = _balance(lines, OPENING), _balance(lines, CLOSING)
    breaks = _breaks(entries, opening, closing)
    proven = not breaks and opening is not None and closing is not None
    sure = SURE if proven else UNSURE
    fields = [*_holder(lines), *_period(lines, entries), *_balances(opening, closing, sure), *_salary(entries, sure)]
    return Found(tuple(fields), findings=("arithmetic_break",) if breaks else ())


def _printed_period(lines: Sequence[Line]) -> list[Day]:
    for found in values_of(lines, PERIOD):
        if len(days := days_in(found.text)) == 2:
            return days
    between = (days_in(line.text) for line in lines if re.search(r"\b(to|through|-)\b", line.text.lower()))
    return next((days for days in between if len(days) == 2), [])


def _dated(rows: Sequence[Row], period: Sequence[Day]) -> list[_Entry]:
    """Rows as printed, newest-first ones turned round; missing years come from the period, or from another row."""
    printed = [day.year for day in [*period[-1:], *(row.day for row in rows)] if day.year]
    year = printed[0] if printed else date.min.year
    first = period[0].as_date(year) if period else None
    monthwise = _month_first(rows)
    entries = []
    for row in rows:
        on = row.day.as_date(year, month_first=monthwise)
        if on is not None and row.day.year is None and period and first is not None and first.year < year:
            on = row.day.as_date(year - 1, month_first=monthwise) if on.month >= first.month else on
        if on is not None:
            entries.append(_Entry(on, row))
    descending = sum(after.on < before.on for before, after in pairwise(entries))
    ascending = sum(after.on > before.on for before, after in pairwise(entries))
    return entries[::-1] if newest_first(rows) or descending > ascending else entries


def _month_first(rows: Sequence[Row]) -> bool:
    """Whether 04/05 is 5 April: only where another row's day cannot be read otherwise, or the order says so."""
    days = [row.day for row in rows]
    if not all(day.swappable or day.day > 12 for day in days) or not any(day.swappable for day in days):
        return False

    def disorder(*, month_first: bool) -> int:
        on = [day.as_date(2000, month_first=month_first) or date.max for day in days]
        falls = sum(after < before for before, after in pairwise(on))
        return min(falls, sum(after > before for before, after in pairwise(on)))

    return disorder(month_first=True) < disorder(month_first=False)


def _balance(lines: Sequence[Line], labels: Sequence[str]) -> tuple[Decimal, int] | None:
    for found in values_of(lines, labels):
        amount = parse_amount(found.text)
        if amount is not None:
            return (-amount.value if amount.side == "debit" else amount.value), found.page
    return None


def _breaks(entries: Sequence[_Entry], opening: tuple[Decimal, int] | None, closing: tuple[Decimal, int] | None) -> int:
    """How many printed balances do not follow from what stands before them."""
    running = opening[0] if opening else None
    count = 0
    for entry in entries:
        row = entry.row
        if running is not None:
            running += row.credit - row.debit
            count += row.balance is not None and row.balance != running
        running = row.balance if row.balance is not None else running
    return count + (closing is not None and running is not None and closing[0] != running)


def _holder(lines: Sequence[Line]) -> Iterator[FoundField]:
    for found in values_of(lines, HOLDER):
        if sum(char.isalpha() for char in found.text) >= 2:
            yield FoundField("holder_name", found.text, SURE, found.page)
            return


def _period(lines: Sequence[Line], entries: Sequence[_Entry]) -> Iterator[FoundField]:
    days = [day.as_date(0) for day in _printed_period(lines)]
    if len(days) == 2 and days[0] and days[1]:
        yield FoundField("period", f"{days[0]}/{days[1]}", SURE, 1)
    elif entries:
        yield FoundField("period", f"{entries[0].on}/{entries[-1].on}", UNSURE, 1)


def _balances(
    opening: tuple[Decimal, int] | None, closing: tuple[Decimal, int] | None, sure: float
) -> Iterator[FoundField]:
    for name, balance in (("opening_balance", opening), ("closing_balance", closing)):
        if balance is not None:
            yield FoundField(name, f"{balance[0]:.2f}", sure, balance[1])


def _salary(entries: Sequence[_Entry], sure: float) -> Iterator[FoundField]:
    months: dict[str, Decimal] = defaultdict(Decimal)
    payments = _salary_credits(entries)
    for entry in payments:
        months[f"{entry.on:%Y-%m}"] += entry.row.credit
    if not months:
        return
    typical = Decimal(median(months.values()))
    regular = all(abs(amount - typical) <= ODD_MONTH * typical for amount in months.values())
    for entry in payments[-SALARIES_MAX:]:
        yield FoundField("salary_credit", f"{entry.row.credit:.2f}", sure, entry.row.page)
    annual = (12 * typical).quantize(CENT)
    yield FoundField("annual_net_income", f"{annual:f}", sure if regular else UNSURE, payments[0].row.page)


def _salary_credits(entries: Sequence[_Entry]) -> list[_Entry]:
    """Credits that say salary; without any, those of the one payer who pays once a month in at least two months."""
    incoming = [entry for entry in entries if entry.row.credit > 0 and not _NOT_SALARY.search(entry.row.narration)]
    named = [entry for entry in incoming if _SALARY.search(entry.row.narration)]
    if named:
        return named
    payers: dict[str, list[_Entry]] = defaultdict(list)
    for entry in incoming:
        payers[_payer(entry.row.narration)].append(entry)
    for payments in sorted(payers.values(), key=lambda some: -sum(entry.row.credit for entry in some)):
        per_month = Counter(f"{entry.on:%Y-%m}" for entry in payments)
        if len(per_month) >= 2 and max(per_month.values()) == 1:
            return payments
    return []


def _payer(narration: str) -> str:
    return " ".join(re.findall(r"[A-Za-z]{3,}", narration)[:4]).lower()
