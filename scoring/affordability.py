"""Affordability: what a loan's instalment, and existing obligations beside it, take of an income.

The loan is repaid in equal instalments at the end of each month (an annuity), at a yearly interest that the policy
states, a twelfth of it a month. What is compared with a policy's bound is exact, as for every other condition: floats
decide where they cannot be wrong, fractions what lies nearer.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from schemas.application import LoanApplication
from schemas.verification import ApplicationVerified
from scoring.bounds import NEAR, typed
from scoring.features import POSITION
from scoring.policy import REPAYMENTS, Condition

Column = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MONTHS = 12
MONTHS_MOST = 50 * MONTHS
"""Of the longest term that an application may ask for."""


def instalments(hundredths: int) -> int:
    """How many instalments a term of so many hundredths of a year has: whole months, rounded down, at least one.

    >>> instalments(800), instalments(350), instalments(1)
    (96, 42, 1)
    """
    return max(1, MONTHS * hundredths // 100)


def share_of_income(condition: Condition, features: Sequence[float]) -> float:
    """What the condition's repayments take of the income, from one row of the whole table of features.

    Where obligations are missing, the instalment alone counts.
    """
    income, amount, term, dti = (
        features[POSITION[name]] for name in ("annual_income", "loan_amount", "loan_term", "dti")
    )
    paid = _paid_a_month(condition.rate or 0.0)[instalments(round(100 * term))]
    owed = 0.0 if condition.name != REPAYMENTS or math.isnan(dti) else dti
    return MONTHS * amount * float(paid) / income + owed


def exceeding(condition: Condition, events: Sequence[ApplicationVerified], features: Matrix) -> Mask:
    """Whose repayments take more of the income than the condition's bound, (n,), to the last digit."""
    shares = _shares(condition, features)
    exceeds = np.asarray(shares > condition.above)
    for row in np.flatnonzero(np.abs(shares - condition.above) <= NEAR * condition.above).tolist():
        exceeds[row] = exact_share(condition, events[row].application) > typed(condition.above)
    return exceeds


def exact_share(condition: Condition, application: LoanApplication) -> Fraction:
    """What the condition's repayments take of an application's income, exactly."""
    number = instalments(int(100 * Fraction(application.loan.term_years)))
    a_month = Fraction(application.loan.amount) * annuity(typed(condition.rate or 0.0) / MONTHS, number)
    if condition.name == REPAYMENTS and application.monthly_obligations is not None:
        a_month += Fraction(application.monthly_obligations)
    return MONTHS * a_month / Fraction(application.annual_income)


def annuity(interest: Fraction, number: int) -> Fraction:
    """The part of a loan that each of its equal instalments is, at `interest` a month.

    >>> annuity(Fraction(0), 4), annuity(Fraction(1, 100), 1)
    (Fraction(1, 4), Fraction(101, 100))
    """
    if not interest:
        return Fraction(1, number)
    grown = (1 + interest) ** number
    return interest * grown / (grown - 1)


def _shares(condition: Condition, features: Matrix) -> Column:
    income, amount, term, dti = (
        features[:, POSITION[name]] for name in ("annual_income", "loan_amount", "loan_term", "dti")
    )
    # A term has two decimals: whole hundredths, so that no month is lost to a float.
    number = np.clip(MONTHS * np.rint(100 * term).astype(np.int64) // 100, 1, MONTHS_MOST)
    shares = MONTHS * amount * _paid_a_month(condition.rate or 0.0)[number] / income
    return np.asarray(shares + np.nan_to_num(dti) if condition.name == REPAYMENTS else shares)


@cache
def _paid_a_month(rate: float) -> Column:
    """By the number of instalments (from 1): the part of a loan that each is."""
    monthly = rate / MONTHS
    paid = [
        monthly / -math.expm1(-number * math.log1p(monthly)) if monthly else 1 / number
        for number in range(1, MONTHS_MOST + 1)
    ]
    return np.array([math.nan, *paid])
