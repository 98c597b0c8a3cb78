"""Days and months as payslips and statements print them."""

import re
from calendar import month_abbr
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

_MONTHS = {month_abbr[number].lower(): number for number in range(1, 13)}
_MONTH = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_NUMERIC = re.compile(r"^(\d{1,2})[/.\-](\d{1,2})(?:[/.\-](\d{4}|\d{2}))?$")
_ISO = re.compile(r"^(\d{4})-(\d{2})-(\d{2})$")
_DAY_FIRST = re.compile(rf"^(?P<day>\d{{1,2}})[ \-/]?{_MONTH},?(?:[ \-/,']*(?P<year>\d{{4}}|\d{{2}}))?$", re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"^{_MONTH}[ \-]?(?P<day>\d{{1,2}})(?:,?\s+(?P<year>\d{{4}}))?$", re.IGNORECASE)
_MONTH_YEAR = re.compile(rf"\b{_MONTH}[ \-/,']*(?P<year>\d{{4}}|\d{{2}})\b", re.IGNORECASE)
_NUMERIC_MONTH = re.compile(
    r"(?:^|[^\d/.\-])"
    r"(?:(?P<month>0?[1-9]|1[0-2])[/\-](?P<year>20\d{2})|(?P<year2>20\d{2})-(?P<month2>0[1-9]|1[0-2]))"
    r"(?![\d/\-])"
)
_MONTH_WORD = re.compile(
    r"(?<![a-z])(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?(?:[ \-/,']{0,3}(?P<year>\d{4}|\d{2})(?!\d))?(?![a-z])",
    re.IGNORECASE,
)
_DAYS_IN_TEXT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.\-]\d{{1,2}}[/.\-]\d{{2,4}}|\d{{1,2}}[ \-/]{_MONTH},?[ \-/]\d{{2,4}}"
    rf"|{_MONTH.replace('month', 'month_b')} \d{{1,2}},? \d{{4}}",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\W*\b(?:to|through|thru|till|until|upto|and)\b\W*|\s*[-\u2013\u2014]\s*")


@dataclass(frozen=True, slots=True)
class Day:
    """A printed day; `year` is None where it is not printed.

    `swappable` where 04/05 could be either order, `leads` where a number above 12 says which part was printed first.
    """

    day: int
    month: int
    year: int | None
    swappable: bool = False
    leads: Literal["day", "month"] | None = None

    def as_date(self, year: int, *, month_first: bool = False) -> date | None:
        """The calendar day, in `year` where none is printed; None where there is no such day."""
        day, month = (self.month, self.day) if self.swappable and month_first else (self.day, self.month)
        try:
            return date(self.year or year, month, day)
        except ValueError:
            return None


def parse_day(text: str) -> Day | None:
    """The day that `text` is, None for anything else.

    >>> parse_day("07-Mar-2026")
    Day(day=7, month=3, year=2026, swappable=False, leads=None)
    >>> parse_day("03/15")
    Day(day=15, month=3, year=None, swappable=False, leads='month')
    """
    text = text.strip()
    if match := _ISO.match(text):
        return _day(int(match[3]), int(match[2]), int(match[1]))
    if match := _NUMERIC.match(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3])
        if second > 12:
            return _day(second, first, year, leads="month")
        return _day(first, second, year, swappable=first <= 12, leads="day" if first > 12 else None)
    if match := _DAY_FIRST.match(text) or _MONTH_FIRST.match(text):
        return _day(int(match["day"]), _MONTHS[match["month"].lower()], _year(match["year"]))
    return None


def parse_month(text: str, *, month_first: bool = False) -> str | None:
    """The month named anywhere in `text` as YYYY-MM: 'for the month of March 2026', '03/2026', "Mar-26".

    Of days the last one's; `month_first` says how 04/05/2026 is read.

    >>> parse_month("Payslip for the month of March 2026")
    '2026-03'
    """
    if match := _MONTH_YEAR.search(text):
        return f"{_year(match['year'])}-{_MONTHS[match['month'].lower()]:02}"
    if match := _NUMERIC_MONTH.search(text):
        return f"{match['year'] or match['year2']}-{int(match['month'] or match['month2']):02}"
    days = days_in(text)
    on = days[-1].as_date(0, month_first=month_first) if days else None
    return f"{on:%Y-%m}" if on else None


def months_in(text: str) -> list[tuple[int, int | None]]:
    """Every month named by its word, or as a number with a year, in order; the year None where none is printed.

    >>> months_in("Payslip for November 2025 to Jan 2026"), months_in("Apr-Jan"), months_in("01/2026")
    ([(11, 2025), (1, 2026)], [(4, None), (1, None)], [(1, 2026)])
    """
    words: list[tuple[int, int, int | None]] = [
        (match.start(), _MONTHS[match["name"][:3].lower()], _year(match["year"]))
        for match in _MONTH_WORD.finditer(text)
    ]
    numbers: list[tuple[int, int, int | None]] = [
        (match.start(), int(match["month"] or match["month2"]), int(match["year"] or match["year2"]))
        for match in _NUMERIC_MONTH.finditer(text)
    ]
    return [(month, year) for _, month, year in sorted(words + numbers)]


def without_months(text: str) -> str:
    """`text` without the months that `months_in` finds.

    >>> without_months("Amount for Jan 2026 (Rs.)")
    'Amount for   (Rs.)'
    """
    return _NUMERIC_MONTH.sub(" ", _MONTH_WORD.sub(" ", text))


def days_in(text: str) -> list[Day]:
    """Every full day (with its year) printed in `text`, in order."""
    days = (parse_day(match[0]) for match in _DAYS_IN_TEXT.finditer(text))
    return [day for day in days if day is not None and day.year is not None]


def span_in(text: str) -> tuple[Day, Day] | None:
    """The first two full days in `text` with nothing but 'to', a dash or the like between them.

    >>> first, last = span_in("From : 01/04/2025 To : 30/09/2025")
    >>> (first.month, last.month)
    (4, 9)
    >>> span_in("02/04/2025 03/04/2025 TRANSFER TO SAVINGS") is None
    True
    """
    found = list(_DAYS_IN_TEXT.finditer(text))
    for one, other in pairwise(found):
        if _BETWEEN.fullmatch(text[one.end() : other.start()].lower()):
            first, last = parse_day(one[0]), parse_day(other[0])
            if first and last and first.year and last.year:
                return first, last
    return None


def month_first(days: Sequence[Day], *, in_order: bool = False) -> bool | None:
    """Whether 04/05 is 5 April, as the days that can be read in one way alone say; None where they do not say.

    `in_order` days are those of a table's rows: then the order in which they rise (or fall) says it as well.
    """
    leads = {day.leads for day in days if day.leads}
    if len(leads) == 1:
        return leads == {"month"}
    if leads or not in_order or not any(day.swappable and day.day != day.month for day in days):
        return None
    months, firsts = (_disorder(days, month_first=first) for first in (True, False))
    return None if months == firsts else months < firsts


def _disorder(days: Sequence[Day], *, month_first: bool) -> int:
    on = [day.as_date(2000, month_first=month_first) or date.max for day in days]
    falls = sum(after < before for before, after in pairwise(on))
    return min(falls, sum(after > before for before, after in pairwise(on)))


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _day(
    day: int,
    month: int,
    year: int | None,
    *,
    swappable: bool = False,
    leads: Literal["day", "month"] | None = None,
) -> Day | None:
    plausible = 1 <= day <= 31 and 1 <= month <= 12 and (year is None or 1950 <= year <= 2100)
    return Day(day, month, year, swappable, leads) if plausible else None
