"""What somebody earns in a month, and what is taken off it: the one source of a payslip and of a bank statement.

All amounts are whole rupees.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

TAX_SLABS = ((0, 0), (400_000, 5), (800_000, 10), (1_200_000, 15), (1_600_000, 20), (2_000_000, 25), (2_400_000, 30))
"""(yearly income from which, per cent): India's new regime, near enough for a synthetic payslip."""

BASIC_PERCENT, RENT_PERCENT = 50, 20
FUND_PERCENT, FUND_MAX = 12, 1_800
CONVEYANCE, PROFESSIONAL_TAX = 1_600, 200


@dataclass(frozen=True, slots=True)
class Pay:
    """One month's earnings and deductions, as (label, rupees) in the order a payslip prints them."""

    earnings: tuple[tuple[str, int], ...]
    deductions: tuple[tuple[str, int], ...]

    @property
    def gross(self) -> int:
        """Earnings before deductions."""
        return sum(amount for _, amount in self.earnings)

    @property
    def deducted(self) -> int:
        """All deductions together."""
        return sum(amount for _, amount in self.deductions)

    @property
    def net(self) -> int:
        """What reaches the bank account."""
        return self.gross - self.deducted


def monthly_pay(annual_income: int) -> Pay:
    """A month of `annual_income` (gross, at least 60,000); twelve times its gross is the income within 6 rupees.

    >>> pay = monthly_pay(1_200_000)
    >>> pay.gross, pay.deducted, pay.net
    (100000, 7000, 93000)
    """
    gross = round(annual_income / 12)
    basic, rent = gross * BASIC_PERCENT // 100, gross * RENT_PERCENT // 100
    return Pay(
        earnings=(
            ("Basic Salary", basic),
            ("House Rent Allowance", rent),
            ("Conveyance Allowance", CONVEYANCE),
            ("Special Allowance", gross - basic - rent - CONVEYANCE),
        ),
        deductions=(
            ("Provident Fund", min(basic * FUND_PERCENT // 100, FUND_MAX)),
            ("Professional Tax", PROFESSIONAL_TAX),
            ("Income Tax (TDS)", round(yearly_tax(annual_income) / 12)),
        ),
    )


def yearly_tax(annual_income: int) -> int:
    """Income tax by slabs.

    >>> yearly_tax(1_200_000)
    60000
    """
    slabs = pairwise((*TAX_SLABS, (annual_income, 0)))
    return sum(max(0, min(annual_income, end) - start) * percent // 100 for (start, percent), (end, _) in slabs)


def months_before(day: date, count: int) -> Iterator[date]:
    """The first days of the `count` full months before `day`, oldest first.

    >>> [f"{month:%Y-%m}" for month in months_before(date(2026, 2, 10), 3)]
    ['2025-11', '2025-12', '2026-01']
    """
    for back in range(count, 0, -1):
        years, month = divmod(day.year * 12 + day.month - 1 - back, 12)
        yield date(years, month + 1, 1)
