"""Whether a payslip's gross, deductions and net agree, by any formula that honest payslips are made by.

Net is gross less deductions, and then more or less what else the page prints: reimbursements, arrears, an advance, a
loan that is paid back, the employer's contributions, rounding. Only where all of that is understood and nothing gives
the printed net is there a contradiction; what is not understood is none.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, product
from typing import Literal

from processors.readers.text.amounts import parse_amount
from processors.readers.text.labels import plain
from processors.readers.text.pay_columns import Figure
from processors.readers.text.text_layer import Line

TOLERANCE = Decimal("1.00")
"""Payslips round each line: sums may be off by less than a unit."""
ROUNDED = Decimal("0.01")
"""Of the net: pay that is rounded to notes is off by less, and nobody forges a payslip for that."""
MONTHS = 12
TOGETHER_MAX = 3
"""Adjustments that explain a net together; more of them would explain any."""
ADJUSTMENTS_MAX = 12

_ADJUSTS = re.compile(
    r"\b(?:reimburse\w*|claims?|expenses?|advances?|loans?|recover\w*|repay\w*|arrears?|round\w*|adjust\w*|employers?"
    r"|contributions?|non taxable|bonus|incentive|previous|carried|brought|refund|garnish\w*|other payments?"
    r"|other deductions?|perquisites?|perks?|additions?|non cash|leave encashment|gratuity|lta|per diem)\b"
)
"""Words beside an amount that may come on top of gross less deductions, or off it."""

Result = Literal["proven", "open", "unexplained", "contradicted"]
"""They agree; it cannot be said; they do not, and more moves the net than is understood; they do not, and all is."""


@dataclass(frozen=True, slots=True)
class Sums:
    """The month's figures, None where not to be told, and whether they agree."""

    gross: Figure | None
    deductions: Figure | None
    net: Figure | None
    result: Result


@dataclass(frozen=True, slots=True)
class _Other:
    """An amount beside the three, with the words at the beginning of its line or cell."""

    value: Decimal
    adjusts: bool


def reconciled(
    lines: Sequence[Line], gross: Sequence[Figure], deductions: Sequence[Figure], net: Sequence[Figure]
) -> Sums:
    """The figures that agree, of those printed as the month's."""
    if not (gross and deductions and net):
        return Sums(_only(gross), _only(deductions), _only(net), "open")
    agreeing = [
        (one, two, three)
        for one, two, three in product(gross, deductions, net)
        if abs(one.value - abs(two.value) - three.value) <= TOLERANCE
    ]
    told = all(figure.role in ("month", "total") for figure in (*gross, *deductions, *net)) or _alone(
        gross, deductions, net
    )
    if agreeing and told and len({(one.value, three.value) for one, _, three in agreeing}) == 1:
        return Sums(*agreeing[0], "proven")
    if not _alone(gross, deductions, net):
        return Sums(_only(gross), _only(deductions), _only(net), "open")
    return _explained(lines, gross[0], deductions[0], net[0])


def _only(figures: Sequence[Figure]) -> Figure | None:
    return figures[0] if len(figures) == 1 else None


def _alone(*printed: Sequence[Figure]) -> bool:
    return all(len(figures) == 1 for figures in printed)


def _explained(lines: Sequence[Line], gross: Figure, deductions: Figure, net: Figure) -> Sums:
    missing = net.value - (gross.value - abs(deductions.value))
    if abs(gross.value / MONTHS - abs(deductions.value) - net.value) <= MONTHS * TOLERANCE:
        return Sums(None, deductions, net, "open")  # a year's gross beside a month's pay
    others = list(_others(lines, gross, deductions, net))
    adjustments = [other.value for other in others if other.adjusts][:ADJUSTMENTS_MAX]
    if any(abs(total - missing) <= TOLERANCE for total in _totals(adjustments)):
        return Sums(gross, deductions, net, "proven")
    unnamed = [other.value for other in others][:ADJUSTMENTS_MAX]
    printed = any(abs(total - missing) <= TOLERANCE for total in _totals(unnamed))
    if printed or abs(missing) <= ROUNDED * net.value:
        return Sums(gross, deductions, net, "open")
    return Sums(gross, deductions, net, "unexplained" if adjustments else "contradicted")


def _totals(values: Sequence[Decimal]) -> Iterator[Decimal]:
    yield from (sum(values, Decimal(0)), -sum(values, Decimal(0)))
    for count in range(1, TOGETHER_MAX + 1):
        for some in combinations(values, count):
            for signs in product((1, -1), repeat=count):
                yield sum((sign * value for sign, value in zip(signs, some, strict=True)), Decimal(0))


def _others(lines: Sequence[Line], gross: Figure, deductions: Figure, net: Figure) -> Iterator[_Other]:
    """Amounts of the page that are none of the three, nor of the lists that the first two are totals of."""
    figures = (gross, deductions, net)
    for index, line in enumerate(lines):
        if line.page != gross.page:
            continue
        label = ""
        for cell in line.cells:
            amount = parse_amount(cell.text)
            head, _, tail = cell.text.rpartition(":")
            if amount is None and (value := parse_amount(tail)) is not None:
                label, amount = head, value
            if amount is None:
                label = cell.text
                continue
            if any(
                figure.line == index and figure.left < cell.right and figure.right > cell.left for figure in figures
            ):
                continue
            adjusts = _ADJUSTS.search(plain(label)) is not None
            listed = any(index <= total.line and _column(cell.right, total) for total in (gross, deductions))
            if amount.value > 0 and (adjusts or not listed):
                yield _Other(amount.value, adjusts)


def _column(right: float, total: Figure) -> bool:
    return abs(right - total.right) <= COLUMN


COLUMN = 12.0
"""Points between the right edges of a total and of what it is the total of."""
