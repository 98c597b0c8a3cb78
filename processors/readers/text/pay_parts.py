"""Whether a payslip's gross is pay that recurs: what was paid once is no twelfth of an income.

Where the rows that a gross is the total of are printed, they have to be known as pay that comes every month, to the
share that the check of an income allows.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from processors.readers.text.dates import months_in
from processors.readers.text.labels import any_of, plain
from processors.readers.text.pay_columns import Figure, Token, role_above, tokens_of
from processors.readers.text.pay_sums import COLUMN, TOLERANCE
from processors.readers.text.text_layer import Line

ALLOWED = Decimal("0.20")
"""Of the gross: so much of it may be paid once. The share by which a claim may exceed a payslip's gross."""

ONCE = any_of(
    r"bonus\w*, arrears?, incentives?, ex ?gratia, encash\w*, gratuity, settlement, full and final, fnf, "
    r"severance, redundancy, reimburs\w*, joining, join, sign(?:ing)? ?on, signing, retention, advance, "
    "commissions?, overtime, ot, variable, performance, awards?, rewards?, gifts?, prizes?, profit, notice, "
    "back, backpay, backdated, extra, relocation, referral, one ?time, one ?off, lump ?sum, ad ?hoc, festival, "
    "diwali, puja, pongal, onam, eid, christmas, thirteenth, 13th, dividends?, stocks?, shares?, rsus?, esops?, "
    r"refunds?, retro\w*, previous, prior, last, past, adjust\w*, claims?, expenses?, buy ?out, tips?, "
    "special pay, quarterly, leave (?:pay|salary|wages|in lieu), in lieu, loyalty, long service, milestone, "
    "project completion, deferred, non recurring"
)
"""Pay that is paid once, or not every month."""

RECURS = any_of(
    r"basic, base, hra, house rent, allowances?, allow, allce, da, dearness, conveyance, transport, flexi\w*, "
    "flexible, lta, regular, salary, wages?, stipend, grade pay, personal pay, fixed pay, consolidated pay, "
    "retainer, education, medical, internet, telephone, uniform, cca, city compensatory, meal, food, fuel, "
    "vehicle, washing, employers?, vda, fda, hourly"
)
"""Pay that comes every month."""

_FIRST = any_of("basic, base, hra, house rent, regular, wages")
"""Rows that begin a list of earnings."""

_GIVEN_BACK = any_of(r"recover\w*, repay\w*, repaid, emi, deduct\w*, balance, outstanding, tax, leave balance")
"""Beside the words above: no pay."""
_TOTALS = any_of("gross, net, total, totals, sub ?total, deductions?, ctc, take home, payable")

_YEARS = range(1950, 2100)
"""Bare numbers that are no money."""


@dataclass(frozen=True, slots=True)
class _Part:
    """An amount with the words before it; `in_column` where it stands in the column of the gross."""

    text: str
    label: str
    token: Token
    value: Decimal
    line: int
    in_column: bool


def recurs(
    lines: Sequence[Line], gross: Figure, deductions: Figure | None, net: Figure | None, month: str | None
) -> bool:
    """Whether the page shows no more than `ALLOWED` of `gross` that was paid once, and what it is the total of recurs.

    What is paid on top of gross less deductions is no part of the gross.
    """
    parts = list(_parts(lines, gross, deductions))
    once = (part for part in parts if _is_once(part, month) and not _of_another_column(lines, part, month))
    if _sum(once) - _on_top(gross, deductions, net) > ALLOWED * gross.value:
        return False
    rows = [part for part in parts if part.in_column and not _TOTALS.search(part.label)]
    above = [part for part in rows if part.line < gross.line]
    below = [part for part in rows if part.line > gross.line]
    for listed in (above, below if any(_FIRST.search(part.label) for part in below) else []):
        if monthly := _sum(part for part in listed if _is_monthly(part, month)):
            return monthly >= (1 - ALLOWED) * gross.value
    return not _adds_up(above, gross)


def _sum(parts: Iterable[_Part]) -> Decimal:
    return sum((part.value for part in parts), Decimal(0))


def _adds_up(parts: Sequence[_Part], gross: Figure) -> bool:
    """Whether rows of unknown names straight above are what the gross is the total of."""
    total = Decimal(0)
    for part in reversed(parts):
        total += part.value
        if abs(total - gross.value) <= TOLERANCE * len(parts):
            return True
    return False


def _is_once(part: _Part, month: str | None) -> bool:
    named = ONCE.search(part.label) is not None or _of_another_month(part, month)
    return named and _GIVEN_BACK.search(part.label) is None


def _is_monthly(part: _Part, month: str | None) -> bool:
    named = RECURS.search(part.label) is not None and not _is_once(part, month)
    return named and _GIVEN_BACK.search(part.label) is None


def _of_another_month(part: _Part, month: str | None) -> bool:
    """'Basic (November 2025)' on a payslip for January."""
    named = [] if _TOTALS.search(part.label) else months_in(part.text)
    return month is not None and any(number != int(month[5:]) for number, _ in named)


def _on_top(gross: Figure, deductions: Figure | None, net: Figure | None) -> Decimal:
    if deductions is None or net is None:
        return Decimal(0)
    more = net.value - (gross.value - abs(deductions.value))
    return more if more > TOLERANCE else Decimal(0)


def _of_another_column(lines: Sequence[Line], part: _Part, month: str | None) -> bool:
    return not part.in_column and role_above(lines, part.line, part.token, month) in ("to_date", "year", "other")


def _aligned(token: Token, total: Figure) -> bool:
    return min(abs(token.right - total.right), abs(token.left - total.left)) <= COLUMN


def _parts(lines: Sequence[Line], gross: Figure, deductions: Figure | None) -> Iterator[_Part]:
    """Amounts with the words before them, but those of the deductions' column."""
    for index, line in enumerate(lines):
        text = ""
        for token in tokens_of(line):
            if token.amount is None:
                text = token.text
                continue
            in_column = line.page == gross.page and _aligned(token, gross)
            deducted = deductions is not None and not in_column and _aligned(token, deductions)
            if text and token.amount > 0 and not (deducted or token.per_year or token.amount in _YEARS):
                yield _Part(text, plain(text), token, token.amount, index, in_column)
