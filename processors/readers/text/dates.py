"""Days and months as payslips and statements print them."""

import re
from calendar import month_abbr
from dataclasses import dataclass
from datetime import date

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
_DAYS_IN_TEXT = re.compile(
    rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/.\-]\d{{1,2}}[/.\-]\d{{2,4}}|\d{{1,2}}[ \-/]{_MONTH},?[ \-/]\d{{2,4}}"
    rf"|{_MONTH.replace('month', 'month_b')} \d{{1,2}},? \d{{4}}",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Day:
    """A printed day. `swappable` where 04/05 could be either order; `year` is None where it is not printed."""

    day: int
    month: int
    year: int | None
    swappable: bool = False

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
    Day(day=7, month=3, year=2026, swappable=False)
    >>> parse_day("03/15")
    Day(day=15, month=3, year=None, swappable=False)
    """
    text = text.strip()
    if match := _ISO.match(text):
        return _day(int(match[3]), int(match[2]), int(match[1]))
    if match := _NUMERIC.match(text):
        first, second, year = int(match[1]), int(match[2]), _year(match[3])
        if second > 12:
            return _day(second, first, year)
        return _day(first, second, year, swappable=first <= 12)
    if match := _DAY_FIRST.match(text) or _MONTH_FIRST.match(text):
        return _day(int(match["day"]), _MONTHS[match["month"].lower()], _year(match["year"]))
    return None


def parse_month(text: str) -> str | None:
    """The month named anywhere in `text` as YYYY-MM: 'for the month of March 2026', '03/2026', "Mar-26".

    >>> parse_month("Payslip for the month of March 2026")
    '2026-03'
    """
    if match := _MONTH_YEAR.search(text):
        return f"{_year(match['year'])}-{_MONTHS[match['month'].lower()]:02}"
    if match := _NUMERIC_MONTH.search(text):
        return f"{match['year'] or match['year2']}-{int(match['month'] or match['month2']):02}"
    days = days_in(text)
    return f"{days[-1].year}-{days[-1].month:02}" if days else None


def days_in(text: str) -> list[Day]:
    """Every full day (with its year) printed in `text`, in order."""
    days = (parse_day(match[0]) for match in _DAYS_IN_TEXT.finditer(text))
    return [day for day in days if day is not None and day.year is not None]


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    return int(text) if len(text) == 4 else 2000 + int(text)


def _day(day: int, month: int, year: int | None, *, swappable: bool = False) -> Day | None:
    plausible = 1 <= day <= 31 and 1 <= month <= 12 and (year is None or 1950 <= year <= 2100)
    return Day(day, month, year, swappable) if plausible else None
