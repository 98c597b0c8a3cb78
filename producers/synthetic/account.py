"""A salary account's movements: spending that never exceeds the pay, and the pay at the end of each month."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

SPENDING = (
    # narration, least and most per cent of the net pay
    ("UPI-GREEN BASKET GROCERIES", 2, 6),
    ("ATM CASH WITHDRAWAL", 2, 8),
    ("NEFT-HOUSE RENT", 12, 20),
    ("BILL PAY-CITY ELECTRICITY BOARD", 1, 3),
    ("UPI-METRO FUEL STATION", 1, 4),
    ("POS-SUNRISE DEPARTMENT STORE", 2, 7),
    ("ACH-MUTUAL FUND SIP", 4, 9),
    ("UPI-ANNAPURNA RESTAURANT", 1, 3),
)


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of a bank statement: rupees in (positive) or out, and the balance after it."""

    day: date
    narration: str
    amount: int
    balance: int


def movements(rng: Random, employer: str, net: int, months: Sequence[date]) -> tuple[int, list[Movement]]:
    """The opening balance and the rows of an account that `net` is paid into at the end of each month.

    The account never runs dry: a month's spending stays below the net pay, which the opening balance exceeds.
    """
    opening = net + rng.randrange(net * 2)
    balance, rows = opening, []
    for month in months:
        for day, narration, amount in _month(rng, employer, net, month):
            balance += amount
            rows.append(Movement(day, narration, amount, balance))
    return opening, rows


def _month(rng: Random, employer: str, net: int, month: date) -> Iterator[tuple[date, str, int]]:
    spending = rng.sample(SPENDING, rng.randint(5, len(SPENDING)))
    days = sorted(rng.randint(1, 25) for _ in spending)
    for day, (narration, least, most) in zip(days, spending, strict=True):
        yield month.replace(day=day), narration, -max(1, net * rng.randint(least * 10, most * 10) // 1000)
    yield month.replace(day=rng.randint(26, 28)), f"NEFT SALARY {employer.upper()}", net
