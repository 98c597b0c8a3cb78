"""What a payslip was paid for: one month, or it is not shown to be one.

A month is believed where one is named, or the first and the last day are about a month apart, and nothing on the page
says another span.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from processors.readers.text.dates import Day, days_in, month_first, months_in, parse_month, span_in
from processors.readers.text.labels import any_of, plain, values_of
from processors.readers.text.text_layer import Line

PERIOD: tuple[str, ...] = (
    "pay period",
    "period",
    "salary month",
    "pay month",
    "month",
    "for the month of",
    "month year",
)
PAID_ON: tuple[str, ...] = ("pay date",)
"""A day: it says when, and not what for."""
BEGINS: tuple[str, ...] = ("period beginning", "period begin", "period start", "period from", "pay begin date")
BEGINS += ("pay period beginning", "pay period start", "pay period begin", "start date", "from date", "from")
ENDS: tuple[str, ...] = ("period ending", "period end", "period to", "pay end date", "pay period ending")
ENDS += ("pay period end", "end date", "to date", "to")
FREQUENCY: tuple[str, ...] = (
    "pay frequency",
    "frequency",
    "pay cycle",
    "pay schedule",
    "pay basis",
    "payment frequency",
    "pay type",
    "paid",
    "pay group",
)
DAYS: tuple[str, ...] = ("paid days", "days paid", "days payable", "payable days", "days worked", "working days")
DAYS += ("total days", "no of days", "number of days", "days in period", "pay days")
TITLE = re.compile(
    r"\b(pay ?slip|salary slip|salary statement|pay advice|payroll advice|wage slip|pay ?stub"
    r"|statement of earnings|earnings statement)\b"
)

MONTH_DAYS = (28, 31)
"""A span of so many days is a month's, wherever it begins."""

_OTHER_SPAN = any_of(
    r"quarter\w*, q[1-4], half ?year\w*, h[12], (?:bi|tri|semi) ?(?:month|week|annual|year)\w*, weeks?, weekly, "
    r"\d+ ?weekly, fortnight\w*, four ?weekly, years?, yearly, annual\w*, ytd, to date, cumulative, consolidated, "
    "combined, months, since, up ?to, till, until, daily, (?<!month )end(?:ed|ing)"
)
"""Words of a title, a period or a frequency that name anything but one month."""
_SAYS_FIGURES = any_of(
    "amounts?, figures, totals?, earnings, pay, payments?, salary, values, sums?, all, gross, net, paid, earned"
)
_OF_FIGURES = any_of(
    r"quarter\w*, half ?year\w*, fortnight\w*, (?:bi|semi) ?(?:month|week)\w*, cumulat\w+, since, year to date, "
    r"ytd, aggregate, consolidated, \d+ months, months, up ?to, till, until, weekly"
)
_OTHER_DAYS = any_of("financial, fiscal, tax, assessment, leave, contract, policy, holiday, fy, year, joining")
"""Lines whose days say nothing of the pay."""

_NUMBER = re.compile(r"\d{1,3}(?:\.\d+)?(?!\d)")
_ONE_MONTH_S = re.compile(r"\b(this|the|current) months\b")

Span = Literal["month", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Paid:
    """The month (YYYY-MM), None where none is named, with its page; whether its order is told; what was paid for."""

    month: str | None
    page: int
    told: bool
    span: Span


def paid_for(lines: Sequence[Line]) -> Paid:
    """What a payslip says it was paid for.

    `span` is `month` where at least one line shows one and no line shows another span, `unknown` where no line shows
    any.
    """
    said = month_first([day for line in lines for day in days_in(line.text)])
    titled = [(line.text, line.page) for line in lines if TITLE.search(plain(line.text))]
    labelled = [(value.text, value.page) for value in values_of(lines, PERIOD)]
    dated = [(value.text, value.page) for value in values_of(lines, PAID_ON)]
    spans = [_span_of(text, said) for text, _ in (*titled, *labelled)]
    spans += [*_begun_and_ended(lines, said), *_elsewhere(lines, said), *_frequency(lines)]
    span: Span = "other" if "other" in spans else "month" if "month" in spans else "unknown"
    for text, page in (*titled, *labelled, *dated):
        month, other = (parse_month(text, month_first=first) for first in (bool(said), not said))
        if month:
            return Paid(month, page, said is not None or month == other, span)
    return Paid(None, 1, told=False, span=span)


def _span_of(text: str, said: bool | None) -> Span:
    """What a title or a period's value names."""
    if _OTHER_SPAN.search(of_a_month(plain(text))):
        return "other"
    if (days := span_in(text)) is not None:
        return _between(days, said)
    months = months_in(text)
    if not months:
        return "month" if parse_month(text) else "unknown"
    one = len({month for month, _ in months}) == 1 and len({year for _, year in months} - {None}) <= 1
    return "month" if one else "other"


def of_a_month(words: str) -> str:
    """Plain words with 'the month's' as 'the month': months are something else.

    >>> of_a_month(plain("This month's earnings"))
    'this month earnings'
    """
    return _ONE_MONTH_S.sub(r"\1 month", words)


def _between(days: tuple[Day, Day], said: bool | None) -> Span:
    """A month where the days, in every order that may be meant, are that far apart."""
    orders = (False, True) if said is None and any(day.swappable for day in days) else (bool(said),)
    ends = [[day.as_date(0, month_first=order) for day in days] for order in orders]
    return "month" if all(_is_month(first, last) for first, last in ends) else "other"


def _is_month(first: date | None, last: date | None) -> bool:
    if first is None or last is None:
        return False
    count = (last - first + timedelta(days=1)).days
    return MONTH_DAYS[0] <= count <= MONTH_DAYS[1]


def _begun_and_ended(lines: Sequence[Line], said: bool | None) -> Iterator[Span]:
    """Two labels with a day each: 'Period Beginning: 02/16/2025', 'Period Ending: 03/01/2025'."""
    begun, ended = (
        [days[0] for value in values_of(lines, labels) if len(days := days_in(value.text)) == 1]
        for labels in (BEGINS, ENDS)
    )
    yield from (_between((first, last), said) for first, last in zip(begun, ended, strict=False))
    if ended and not begun:
        yield "other"


def _elsewhere(lines: Sequence[Line], said: bool | None) -> Iterator[Span]:
    """Lines without an amount that say another span of the figures; days far apart, wherever they stand."""
    for line in lines:
        words = of_a_month(plain(line.text))
        days = span_in(line.text)
        if days is not None and not _OTHER_DAYS.search(words) and _between(days, said) == "other":
            yield "other"
        alone = len(line.cells) == 1 and not re.search(r"\d[.,]\d", line.text)
        if alone and _SAYS_FIGURES.search(words) and _OF_FIGURES.search(words):
            yield "other"


def _frequency(lines: Sequence[Line]) -> Iterator[Span]:
    """How often is paid, where it is said; more days than a month has are more than a month."""
    for value in values_of(lines, DAYS):
        if (days := _NUMBER.match(value.text)) and Decimal(days[0]) > MONTH_DAYS[1]:
            yield "other"
    for value in values_of(lines, FREQUENCY):
        if _OTHER_SPAN.search(plain(value.text)):
            yield "other"
