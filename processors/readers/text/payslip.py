"""A payslip's lines in, its fields out. Gross less deductions must be net: where it is, the figures are sure."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from processors.readers.found import LIKELY, SURE, UNSURE, VALUE_MAX, Found, FoundField
from processors.readers.text.amounts import parse_amount
from processors.readers.text.dates import parse_month
from processors.readers.text.labels import plain, values_of
from processors.readers.text.text_layer import Line

TOLERANCE = Decimal("1.00")
"""Payslips round each line: sums may be off by less than a unit."""

HOLDER: tuple[str, ...] = (
    "employee name",
    "name of employee",
    "name of the employee",
    "employees name",
    "emp name",
    "associate name",
)
HOLDER += ("staff name", "employee", "name")
EMPLOYER: tuple[str, ...] = (
    "employer",
    "employer name",
    "company",
    "company name",
    "name of employer",
    "organisation",
    "organization",
)
PERIOD: tuple[str, ...] = (
    "pay period",
    "period",
    "salary month",
    "pay month",
    "month",
    "for the month of",
    "month year",
    "pay date",
)
GROSS: tuple[str, ...] = (
    "gross earnings",
    "gross salary",
    "gross pay",
    "total earnings",
    "gross monthly",
    "total gross",
)
GROSS += ("gross monthly salary", "total gross earnings", "gross earnings a", "total earnings a", "total payments")
GROSS += ("total gross pay", "gross")
DEDUCTIONS: tuple[str, ...] = (
    "total deductions",
    "gross deductions",
    "total deduction",
    "total deductions b",
    "deductions total",
)
NET: tuple[str, ...] = (
    "net pay",
    "net salary",
    "net salary payable",
    "net pay for the month",
    "net payable",
    "net amount",
    "take home",
)
NET += ("net monthly", "take home pay", "net pay a b", "net amount payable", "amount payable", "net earnings", "net")
ANNUAL: tuple[str, ...] = (
    "annual ctc",
    "annual gross",
    "annual gross salary",
    "gross annual salary",
    "annual salary",
    "annual income",
)
ANNUAL += ("gross annual income", "ctc", "ctc per annum", "annual gross income", "annual compensation")
TITLE = re.compile(r"\b(pay ?slip|salary slip|pay advice|payroll advice|wage slip|statement of earnings)\b")
_COMPANY = re.compile(
    r"\b(ltd|limited|llp|inc|gmbh|plc|corp|corporation|company|pvt|private|industries|technologies|bank|services)\b"
)


@dataclass(frozen=True, slots=True)
class _Figure:
    value: Decimal
    page: int


def parse(lines: Sequence[Line]) -> Found:
    """The fields of a payslip (names: `found.FIELD_NAMES`), or reason `no_known_fields` without gross and net."""
    gross, net = _figure(lines, GROSS), _figure(lines, NET)
    if gross is None and net is None:
        return Found(reason="no_known_fields")
    adds_up = _adds_up(gross, _figure(lines, DEDUCTIONS), net)
    sure = SURE if adds_up else UNSURE
    figures = {"gross_monthly": gross, "net_monthly": net, "gross_annual": _annual(lines, gross)}
    fields = [*_names(lines), *_period(lines)]
    fields += [FoundField(name, f"{figure.value:f}", sure, figure.page) for name, figure in figures.items() if figure]
    return Found(tuple(fields), findings=("arithmetic_break",) if adds_up is False else ())


def _adds_up(gross: _Figure | None, deductions: _Figure | None, net: _Figure | None) -> bool | None:
    """None where the payslip does not print all three."""
    if gross is None or net is None or deductions is None:
        return None
    return abs(gross.value - abs(deductions.value) - net.value) <= TOLERANCE


def _figure(lines: Sequence[Line], labels: Sequence[str]) -> _Figure | None:
    for found in values_of(lines, labels):
        amount = parse_amount(found.text)
        if amount is not None and not amount.per_year and amount.value > 0:
            return _Figure(amount.value, found.page)
    return None


def _annual(lines: Sequence[Line], gross: _Figure | None) -> _Figure | None:
    for found in values_of(lines, ANNUAL):
        amount = parse_amount(found.text)
        # "CTC 85,000" on a monthly slip is the month's: a year's is at least several months' pay.
        if amount is not None and amount.value > 0 and (gross is None or amount.value >= 6 * gross.value):
            return _Figure(amount.value, found.page)
    return None


def _names(lines: Sequence[Line]) -> Iterator[FoundField]:
    holder = next((value for value in values_of(lines, HOLDER) if _is_name(value.text)), None)
    if holder:
        yield FoundField("holder_name", holder.text, SURE, holder.page)
    employer = next((value for value in values_of(lines, EMPLOYER) if _is_name(value.text)), None)
    if employer:
        yield FoundField("employer", employer.text, SURE, employer.page)
        return
    head = next((cell for line in lines[:4] for cell in line.cells if _COMPANY.search(plain(cell.text))), None)
    head = head or next((cell for line in lines[:2] for cell in line.cells if _may_be_employer(cell.text)), None)
    if head:
        yield FoundField("employer", head.text[:VALUE_MAX], LIKELY, lines[0].page)


def _may_be_employer(text: str) -> bool:
    return _is_name(text) and ":" not in text and not TITLE.search(plain(text)) and parse_month(text) is None


def _is_name(text: str) -> bool:
    return sum(char.isalpha() for char in text) >= 2 and not any(char.isdigit() for char in text[:2])


def _period(lines: Sequence[Line]) -> Iterator[FoundField]:
    titled = ((line.text, line.page) for line in lines if TITLE.search(plain(line.text)))
    labelled = ((value.text, value.page) for value in values_of(lines, PERIOD))
    months = ((parse_month(text), page) for text, page in [*titled, *labelled])
    month, page = next(((month, page) for month, page in months if month), (None, 1))
    if month:
        yield FoundField("period", month, SURE, page)
