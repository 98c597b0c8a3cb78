"""A bank statement's lines in, its fields out. Every balance must follow from the one before it."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median, median_low

from processors.readers.found import LIKELY, SURE, UNSURE, Found, FoundField
from processors.readers.text.amounts import CENT, parse_amount
from processors.readers.text.currency import currency
from processors.readers.text.dates import Day, month_first, months_in, span_in
from processors.readers.text.labels import values_of
from processors.readers.text.statement_table import Row, balance_hits, newest_first, table_of
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
OPENING: tuple[str, ...] = ("opening balance", "beginning balance", "start balance", "starting balance")
OPENING += ("previous balance", "balance forward", "opening bal")
CLOSING: tuple[str, ...] = ("closing balance", "ending balance", "end balance", "closing bal")
BROUGHT: tuple[str, ...] = ("balance brought forward", "brought forward", "balance b f", "b f")
CARRIED: tuple[str, ...] = ("balance carried forward", "carried forward", "balance c f", "c f")
"""Said of every page: one of them may be the statement's."""
_SALARY = re.compile(r"\b(salary|payroll|sal|wages|direct dep(osit)?)\b", re.IGNORECASE)
_NOT_SALARY = re.compile(
    r"\b(self|own|reversal|reversed|refund(ed)?|interest|dividend|loan|emi|disburs\w*|cash ?back|sale|rent|redemption"
    r"|maturity|rtn|returned?|chargeback)\b",
    re.IGNORECASE,
)
_ONCE = re.compile(
    r"\b(bonus|arrears?|incentives?|ex.?gratia|encash\w*|gratuity|settlement|full and final|fnf|f ?& ?f|severance"
    r"|advance|commission|reimburs\w*|joining|retention|back ?pay|lump ?sum|one ?time|ad ?hoc|\d+ months?)\b",
    re.IGNORECASE,
)
"""Words beside a salary's: it was paid, and is no month of an income."""

UNDERSTOOD = 0.5
"""Share of balances that must add up before the others count as the document's fault and not the parser's."""
PROVEN_ROWS = 5
"""Balances that follow from each other: so many prove the rows, where no opening and closing balance is printed."""
UNDERSTOOD_MIN = 2
"""Balances that must follow, however few are printed, before another one counts as the document's fault."""
SALARIES_MAX = 60
ODD_MONTH = Decimal("0.6")
"""A month's salary this far off the median is no regular income."""
LESS = Decimal("0.20")
"""Of the year's month: no month may be paid so much less; what was paid twice or with a bonus is no month's pay."""
MONTHS_MIN = 2
"""One month's pay alone does not show that it comes every month."""
STILL_PAID = timedelta(days=45)
"""Between the last salary and the statement's end."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row with its calendar day, oldest first."""

    on: date
    row: Row


@dataclass(frozen=True, slots=True)
class _Balance:
    """A balance that a label introduces; `rows_say` what the rows give, where they are understood."""

    value: Decimal
    page: int
    rows_say: Decimal | None = None

    @property
    def contradicted(self) -> bool:
        """Whether it is not what the rows give."""
        return self.rows_say not in (None, self.value)

    @property
    def agrees(self) -> bool:
        """Whether it is what the rows give."""
        return self.rows_say == self.value


@dataclass(frozen=True, slots=True)
class _Sums:
    """How the printed balances follow: `breaks` where all is understood and they do not, `doubts` where it is not."""

    breaks: int = 0
    doubts: int = 0
    follow: int = 0


def parse(lines: Sequence[Line]) -> Found:
    """The fields of a statement (names: `found.FIELD_NAMES`).

    Reason `no_known_fields` without any dated row, `layout_not_understood` where most balances do not add up.
    """
    table = table_of(lines)
    rows = table.rows
    if not rows:
        return Found(reason="no_known_fields")
    with_balance = sum(row.balance is not None for row in rows)
    if with_balance > 1 and balance_hits(rows) < UNDERSTOOD * (with_balance - 1) - 1:
        return Found(reason="layout_not_understood")
    period = _printed_period(lines)
    first = _month_first(rows, period)
    entries, swapped = (_dated(rows, period, monthwise=monthwise) for monthwise in (bool(first), not first))
    sums = _followed(entries)
    opening = _stated(table.rest, OPENING, BROUGHT, _before(entries))
    closing = _stated(table.rest, CLOSING, CARRIED, _after(entries, opening))
    if closing and closing.contradicted and table.ends_doubtful:
        closing = replace(closing, rows_say=None)
    if with_balance == 0 and opening:  # it is the rows that the two balances agree about
        opening = replace(opening, rows_say=opening.value)
    ends = [one for one in (opening, closing) if one]
    breaks = sums.breaks + sum(one.contradicted for one in ends)
    follow = sums.follow + sum(one.agrees for one in ends)
    if breaks and follow < max(UNDERSTOOD_MIN, UNDERSTOOD * (follow + breaks + sums.doubts)):
        return Found(reason="layout_not_understood")  # only what is understood can be contradicted
    agree = len(ends) == 2 and all(one.agrees for one in ends)
    proven = not breaks and not sums.doubts and (sums.follow >= PROVEN_ROWS or agree)
    sure = SURE if proven else UNSURE
    fields = [
        *_holder(lines),
        *filter(None, (currency(lines),)),
        *_period(period, entries, first),
        *_balances(opening, closing, entries, sure),
        *_salary(entries, sure, None if first is not None else swapped, _covered(period, first)),
    ]
    return Found(tuple(fields), findings=("arithmetic_break",) if breaks else ())


def _printed_period(lines: Sequence[Line]) -> tuple[Day, Day] | None:
    labelled = (span_in(found.text) for found in values_of(lines, PERIOD))
    spans = (span_in(line.text) for line in lines)
    return next((span for span in (*labelled, *spans) if span), None)


def _month_first(rows: Sequence[Row], period: tuple[Day, Day] | None) -> bool | None:
    """Whether 04/05 is 5 April; None where nothing says so and it matters."""
    days = [row.day for row in rows]
    said = month_first([*(period or ()), *days])
    said = month_first(days, in_order=True) if said is None else said
    swappable = any(day.swappable and day.day != day.month for day in (*(period or ()), *days))
    return said if swappable else said or False


def _dated(rows: Sequence[Row], period: tuple[Day, Day] | None, *, monthwise: bool) -> list[_Entry]:
    """Rows as printed, newest-first ones turned round; missing years come from the period, or from another row."""
    printed = [day.year for day in [*(period or ())[-1:], *(row.day for row in rows)] if day.year]
    year = printed[0] if printed else date.min.year
    first = period[0].as_date(year, month_first=monthwise) if period else None
    entries = []
    for row in rows:
        on = row.day.as_date(year, month_first=monthwise)
        if on is not None and row.day.year is None and first is not None and first.year < year:
            on = row.day.as_date(year - 1, month_first=monthwise) if on.month >= first.month else on
        if on is not None:
            entries.append(_Entry(on, row))
    descending = sum(after.on < before.on for before, after in pairwise(entries))
    ascending = sum(after.on > before.on for before, after in pairwise(entries))
    return entries[::-1] if newest_first(rows) or descending > ascending else entries


def _followed(entries: Sequence[_Entry]) -> _Sums:
    """How many printed balances follow from the one before, and how many do not."""
    running: Decimal | None = None
    breaks = doubts = follow = 0
    doubtful = False
    for entry in entries:
        row = entry.row
        doubtful = doubtful or row.doubtful
        running = None if running is None else running + row.credit - row.debit
        if row.balance is None:
            continue
        if running is not None and running != row.balance:
            breaks, doubts = breaks + (not doubtful), doubts + doubtful
        elif running is not None:
            follow += 1
        running, doubtful = row.balance, False
    return _Sums(breaks, doubts, follow)


def _before(entries: Sequence[_Entry]) -> Decimal | None:
    """What the account held before the first row, as its balance says."""
    moved = Decimal(0)
    for entry in entries:
        if entry.row.doubtful:
            return None
        moved += entry.row.credit - entry.row.debit
        if entry.row.balance is not None:
            return entry.row.balance - moved
    return None


def _after(entries: Sequence[_Entry], opening: _Balance | None) -> Decimal | None:
    """What the account held after the last row; where no row has a balance, by the opening balance."""
    moved = Decimal(0)
    for entry in reversed(entries):
        if entry.row.balance is not None:
            return entry.row.balance + moved
        if entry.row.doubtful:
            return None
        moved += entry.row.credit - entry.row.debit
    return opening.value + moved if opening else None


def _stated(
    lines: Sequence[Line], labels: Sequence[str], of_pages: Sequence[str], by_rows: Decimal | None
) -> _Balance | None:
    """The labelled balance that the rows give; else the only one.

    Of several that all differ from the rows' none is known to be the statement's. A page's balance is one of several.
    """
    stated = list(_labelled(lines, labels))
    agreeing = (one for one in (*stated, *_labelled(lines, of_pages)) if one.value == by_rows)
    chosen = next(agreeing, stated[0] if len({one.value for one in stated}) == 1 else None)
    return None if chosen is None else replace(chosen, rows_say=by_rows)


def _labelled(lines: Sequence[Line], labels: Sequence[str]) -> Iterator[_Balance]:
    for found in values_of(lines, labels, in_a_grid=True):
        amount = parse_amount(found.text)
        if amount is not None:
            yield _Balance(-amount.value if amount.side == "debit" else amount.value, found.page)


def _holder(lines: Sequence[Line]) -> Iterator[FoundField]:
    for found in values_of(lines, HOLDER):
        if sum(char.isalpha() for char in found.text) >= 2:
            yield FoundField("holder_name", found.text, SURE, found.page)
            return


def _period(printed: tuple[Day, Day] | None, entries: Sequence[_Entry], monthwise: bool | None) -> Iterator[FoundField]:
    if (covered := _covered(printed, monthwise)) is not None:
        told = monthwise is not None or not any(day.swappable and day.day != day.month for day in printed or ())
        yield FoundField("period", f"{covered[0]}/{covered[1]}", SURE if told else UNSURE, 1)
    elif entries:
        yield FoundField("period", f"{entries[0].on}/{entries[-1].on}", UNSURE, 1)


def _covered(printed: tuple[Day, Day] | None, monthwise: bool | None) -> tuple[date, date] | None:
    days = [day.as_date(0, month_first=bool(monthwise)) for day in printed or ()]
    return (days[0], days[1]) if len(days) == 2 and days[0] and days[1] else None


def _balances(
    opening: _Balance | None, closing: _Balance | None, entries: Sequence[_Entry], sure: float
) -> Iterator[FoundField]:
    for name, balance in (("opening_balance", opening), ("closing_balance", closing)):
        if balance is not None:
            confidence = sure if balance.agrees else UNSURE
            yield FoundField(name, f"{balance.value:.2f}", confidence, balance.page)
    if closing is None and entries and (last := entries[-1].row).balance is not None:
        yield FoundField("closing_balance", f"{last.balance:.2f}", min(sure, LIKELY), last.page)


@dataclass(frozen=True, slots=True)
class _Salaries:
    """What was paid as salary; those of them that recur; whether the bank's words say that they are salary."""

    paid: Sequence[_Entry]
    recurring: Sequence[_Entry]
    named: bool


def _salary(
    entries: Sequence[_Entry], sure: float, swapped: Sequence[_Entry] | None, covered: tuple[date, date] | None
) -> Iterator[FoundField]:
    """Every salary, and a year of them; `swapped` are the rows with days and months the other way round.

    The year is sure where every salary says that it is one, and the months show that it comes every month.
    """
    salaries = _salaries(entries)
    if not salaries.paid:
        return
    for entry in salaries.paid[-SALARIES_MAX:]:
        yield FoundField("salary_credit", f"{entry.row.credit:.2f}", sure, entry.row.page)
    counted = salaries.recurring or salaries.paid
    typical, regular = _typical_month(counted, covered)
    told = swapped is None or _typical_month(_salaries(swapped).recurring, covered) == (typical, regular)
    still = covered is None or covered[1] - counted[-1].on <= STILL_PAID
    annual = (12 * typical).quantize(CENT)
    shown = regular and told and still and salaries.named and bool(salaries.recurring)
    yield FoundField("annual_net_income", f"{annual:f}", sure if shown else UNSURE, counted[0].row.page)


def _typical_month(payments: Sequence[_Entry], covered: tuple[date, date] | None) -> tuple[Decimal, bool]:
    """The median month's salary, and whether it is shown to come every month: in two months at least, one after the
    other, none far off it. Of a month that the statement does not cover a part may have been paid before, or after.
    """
    months: dict[int, Decimal] = defaultdict(Decimal)
    for entry in payments:
        months[_month(entry.on)] += entry.row.credit
    if not months:
        return Decimal(0), False
    typical, lower = Decimal(median(months.values())), median_low(months.values())
    follow = len(months) >= MONTHS_MIN and len(months) == max(months) - min(months) + 1
    near = all(abs(amount - typical) <= ODD_MONTH * typical for amount in months.values())
    whole = [amount for month, amount in months.items() if covered is None or _covers(covered, month)]
    return typical, follow and near and typical - min([lower, *whole]) <= LESS * typical


def _month(day: date) -> int:
    return 12 * day.year + day.month - 1


def _covers(covered: tuple[date, date], month: int) -> bool:
    first, last = date(month // 12, month % 12 + 1, 1), date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return covered[0] <= first and covered[1] >= last - timedelta(days=1)


def _salaries(entries: Sequence[_Entry]) -> _Salaries:
    """Credits that say salary; without any, those of the one payer who pays once a month in at least two months."""
    incoming = [entry for entry in entries if entry.row.credit > 0 and not _NOT_SALARY.search(entry.row.narration)]
    named = [entry for entry in incoming if _SALARY.search(entry.row.narration)]
    if named:
        return _Salaries(named, [entry for entry in named if not _paid_once(entry.row.narration)], named=True)
    payers: dict[str, list[_Entry]] = defaultdict(list)
    for entry in incoming:
        payers[_payer(entry.row.narration)].append(entry)
    for payments in sorted(payers.values(), key=lambda some: -sum(entry.row.credit for entry in some)):
        per_month = Counter(f"{entry.on:%Y-%m}" for entry in payments)
        if len(per_month) >= 2 and max(per_month.values()) == 1:
            return _Salaries(payments, payments, named=False)
    return _Salaries((), (), named=False)


def _paid_once(narration: str) -> bool:
    """A bonus, or several months in one credit: 'SALARY NOV DEC JAN'."""
    return _ONCE.search(narration) is not None or len({month for month, _ in months_in(narration)}) > 1


def _payer(narration: str) -> str:
    return " ".join(re.findall(r"[A-Za-z]{3,}", narration)[:4]).lower()
