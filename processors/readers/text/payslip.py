"""A payslip's lines in, its fields out. Where gross, deductions and net are seen to agree, the figures are sure."""

import re
from collections.abc import Iterator, Sequence

from processors.readers.found import LIKELY, SURE, UNSURE, VALUE_MAX, Found, FoundField
from processors.readers.text.amounts import parse_amount
from processors.readers.text.currency import currency
from processors.readers.text.dates import parse_month
from processors.readers.text.labels import plain, values_of
from processors.readers.text.pay_columns import Figure, figures_of
from processors.readers.text.pay_parts import recurs
from processors.readers.text.pay_period import PAID_ON, PERIOD, TITLE, Paid, paid_for
from processors.readers.text.pay_sums import Sums, reconciled
from processors.readers.text.text_layer import Line

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
FIGURES = {"gross": GROSS, "deductions": DEDUCTIONS, "net": NET}
_LABELS = frozenset((*HOLDER, *EMPLOYER, *PERIOD, *PAID_ON, *GROSS, *DEDUCTIONS, *NET, *ANNUAL)) - {
    "company",
    "employee",
    "name",
}
"""What stands below a label without a value is the next one, and nobody's name."""
_COMPANY = re.compile(
    r"\b(ltd|limited|llp|inc|gmbh|plc|corp|corporation|company|pvt|private|industries|technologies|bank|services)\b"
)


def parse(lines: Sequence[Line]) -> Found:
    """The fields of a payslip (names: `found.FIELD_NAMES`).

    Reason `no_known_fields` without gross and net, `layout_not_understood` where the month's cannot be told from
    others, or something is printed that moves the net in a way that is not understood.
    """
    paid = paid_for(lines)
    printed = {name: figures_of(lines, labels, paid.month) for name, labels in FIGURES.items()}
    if not printed["gross"] and not printed["net"]:
        return Found(reason="no_known_fields")
    sums = reconciled(lines, printed["gross"], printed["deductions"], printed["net"])
    if sums.result == "unexplained" or (sums.gross is None and sums.net is None):
        return Found(reason="layout_not_understood")
    figures = {"gross_monthly": sums.gross, "net_monthly": sums.net, "gross_annual": _annual(lines, sums.gross)}
    believed = _believed(lines, sums, paid)
    fields = [*_names(lines), *filter(None, (currency(lines), _period(paid)))]
    fields += [
        FoundField(name, f"{figure.value:f}", SURE if name in believed else UNSURE, figure.page)
        for name, figure in figures.items()
        if figure
    ]
    return Found(tuple(fields), findings=("arithmetic_break",) if sums.result == "contradicted" else ())


def _believed(lines: Sequence[Line], sums: Sums, paid: Paid) -> frozenset[str]:
    """The fields that are shown to be a month's: sums agree, columns are told, one month was paid, and it recurs.

    A net pay was paid out whether it recurs or not. A year's gross adds nothing to a month's that is not believed.
    """
    if sums.result != "proven" or paid.span != "month":
        return frozenset()
    told = {figure.role for figure in (sums.gross, sums.net) if figure and figure.told}
    believed = {"net_monthly"} if sums.net and (sums.net.told or sums.net.role in told & {"total"}) else set()
    if sums.gross and sums.gross.told and recurs(lines, sums.gross, sums.deductions, sums.net, paid.month):
        believed |= {"gross_monthly", "gross_annual"}
    return frozenset(believed)


def _period(paid: Paid) -> FoundField | None:
    if paid.month is None:
        return None
    return FoundField("period", paid.month, SURE if paid.told and paid.span != "other" else UNSURE, paid.page)


def _annual(lines: Sequence[Line], gross: Figure | None) -> Figure | None:
    for found in values_of(lines, ANNUAL):
        amount = parse_amount(found.text)
        # "CTC 85,000" on a monthly slip is the month's: a year's is at least several months' pay.
        if amount is not None and amount.value > 0 and (gross is None or amount.value >= 6 * gross.value):
            return Figure(amount.value, found.page, found.line, 0, 0, "year")
    return None


def _names(lines: Sequence[Line]) -> Iterator[FoundField]:
    holder = next((value for value in values_of(lines, HOLDER) if is_name(value.text)), None)
    if holder:
        yield FoundField("holder_name", holder.text, SURE, holder.page)
    employer = next((value for value in values_of(lines, EMPLOYER) if is_name(value.text)), None)
    if employer:
        yield FoundField("employer", employer.text, SURE, employer.page)
        return
    head = next((cell for line in lines[:4] for cell in line.cells if _COMPANY.search(plain(cell.text))), None)
    head = head or next((cell for line in lines[:2] for cell in line.cells if _may_be_employer(cell.text)), None)
    if head:
        yield FoundField("employer", head.text[:VALUE_MAX], LIKELY, lines[0].page)


def _may_be_employer(text: str) -> bool:
    return is_name(text) and ":" not in text and not TITLE.search(plain(text)) and parse_month(text) is None


def is_name(text: str) -> bool:
    """Whether a value may be somebody's name."""
    named = plain(text.partition(":")[0]) in _LABELS
    return sum(char.isalpha() for char in text) >= 2 and not any(char.isdigit() for char in text[:2]) and not named
