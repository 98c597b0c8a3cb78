"""Every feature, one row each: the one place where trainer, worker, backtest and replay compute features.

Models see floats. A policy's bounds are held against exact numbers where floats could be wrong (`exact_value`); both
come from the one formula of the row.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from schemas.application import LoanApplication
from scoring.feature_values import ACR, ALL_ASSETS, AMOUNT, ASSET, CIBIL, DEPENDENTS, DTI, FLAG, LTI, YEARS, Values

Column = npt.NDArray[np.float64]
Columns = Mapping[str, Column]
Direction = Literal[-1, 0, 1]

RAW: tuple[str, ...] = (
    "dependents",
    "graduate",
    "self_employed",
    "annual_income",
    "amount",
    "term_years",
    "cibil_score",
    "residential",
    "commercial",
    "luxury",
    "bank",
    "monthly_obligations",
)
"""The numbers of an application that features are computed from."""


def raw_row(application: LoanApplication) -> tuple[float, ...]:
    """The raw numbers of an application, in the order of RAW; missing is NaN, never zero."""
    return tuple(map(float, _numbers(application)))


def _numbers(application: LoanApplication) -> tuple[Any, ...]:
    a, person, loan, assets = application, application.applicant, application.loan, application.assets
    return (
        person.dependents,
        person.education == "graduate",
        person.self_employed,
        a.annual_income,
        loan.amount,
        loan.term_years,
        math.nan if a.cibil_score is None else a.cibil_score,
        assets.residential,
        assets.commercial,
        assets.luxury,
        assets.bank,
        math.nan if a.monthly_obligations is None else a.monthly_obligations,
    )


def _money(value: float) -> str:
    return f"{value:.2f}"


def _whole(value: float) -> str:
    return str(int(value))


def _ratio(value: float) -> str:
    return f"{value:.4g}"


def _education(value: float) -> str:
    return "graduate" if value else "not graduate"


def _yes_no(value: float) -> str:
    return "yes" if value else "no"


def _assets(raw: Mapping[str, Any]) -> Any:
    return raw["residential"] + raw["commercial"] + raw["luxury"] + raw["bank"]


@dataclass(frozen=True, slots=True)
class Feature:
    """One factor of a decision.

    `formula` maps columns of raw numbers (missing: NaN) to a column in `unit`, and exact numbers to an exact one;
    `direction` is the way in which a model that is held to it may move with the feature (+1: more never lowers the
    score, -1: more never raises it); `show` writes the applicant's value for a person; `values` are those it can have.

    What an instalment takes of the income has no row, as its interest is a policy's: it rises with the amount and falls
    with income and term, so that the directions of these three are its own.
    """

    name: str
    formula: Callable[[Mapping[str, Any]], Any]
    unit: str
    reason: str
    direction: Direction
    show: Callable[[float], str]
    values: Values


FEATURES: dict[str, Feature] = {
    row.name: row
    for row in (
        Feature("dependents", lambda c: c["dependents"], "persons", "dependents", 0, _whole, DEPENDENTS),
        Feature("education", lambda c: c["graduate"], "1: graduate, 0: not", "education", 0, _education, FLAG),
        Feature("self_employed", lambda c: c["self_employed"], "1: yes, 0: no", "self_employed", 0, _yes_no, FLAG),
        Feature("annual_income", lambda c: c["annual_income"], "currency a year", "annual_income", 1, _money, AMOUNT),
        Feature("loan_amount", lambda c: c["amount"], "currency", "loan_amount", -1, _money, AMOUNT),
        Feature("loan_term", lambda c: c["term_years"], "years", "loan_term", 1, _ratio, YEARS),
        Feature("cibil_score", lambda c: c["cibil_score"], "CIBIL points", "cibil_score", 1, _whole, CIBIL),
        Feature("residential_assets", lambda c: c["residential"], "currency", "residential_assets", 1, _money, ASSET),
        Feature("commercial_assets", lambda c: c["commercial"], "currency", "commercial_assets", 1, _money, ASSET),
        Feature("luxury_assets", lambda c: c["luxury"], "currency", "luxury_assets", 1, _money, ASSET),
        Feature("bank_assets", lambda c: c["bank"], "currency", "bank_assets", 1, _money, ASSET),
        Feature("total_assets", _assets, "currency", "total_assets", 1, _money, ALL_ASSETS),
        Feature(
            "lti", lambda c: c["amount"] / c["annual_income"], "years of income", "loan_to_income", -1, _ratio, LTI
        ),
        Feature("acr", lambda c: _assets(c) / c["amount"], "times the loan", "asset_coverage", 1, _ratio, ACR),
        Feature(
            "dti",
            lambda c: 12 * c["monthly_obligations"] / c["annual_income"],
            "share of income",
            "debt_to_income",
            -1,
            _ratio,
            DTI,
        ),
    )
}

UNUSUAL_EITHER_WAY = frozenset({"loan_term"})
"""With a direction, and yet a reason to ask a person on either side of the training data: a term of fifty years makes
an instalment small, and nobody has seen what becomes of it.
"""


def harmful_side(name: str, held_to: Direction) -> Direction:
    """The direction of a feature as a range states it (`scoring.trained_range`), of a model that was held to `held_to`.
    0: either side of the range does harm.

    >>> harmful_side("lti", -1), harmful_side("loan_term", 1)
    (-1, 0)
    """
    return 0 if name in UNUSUAL_EITHER_WAY else held_to


FEATURE_NAMES: tuple[str, ...] = tuple(FEATURES)
POSITION: dict[str, int] = {name: index for index, name in enumerate(FEATURE_NAMES)}


def raw_columns(applications: Sequence[LoanApplication]) -> dict[str, Column]:
    """The raw numbers of applications as float64 columns."""
    # One flat list: numpy takes twice as long over a list of rows.
    table = np.array([number for application in applications for number in raw_row(application)]).reshape(-1, len(RAW))
    return dict(zip(RAW, np.ascontiguousarray(table.T), strict=True))


_EXACT = Context(prec=60)
"""Sums of amounts are exact in it, and no quotient of two is on the wrong side of a bound: one that is not equal to a
decimal of 17 digits differs from it by 1e-32 of itself or more.
"""


def exact_value(application: LoanApplication, name: str) -> Decimal:
    """The feature `name` of an application, to 60 digits; no number that it is made of may be missing.

    In floats, 7,174,908.78 is more than six times 1,195,818.13.
    """
    with localcontext(_EXACT):
        value = FEATURES[name].formula(dict(zip(RAW, _numbers(application), strict=True)))
    return Decimal(value)


def compute(raw: Columns) -> npt.NDArray[np.float64]:
    """All features of the table from raw columns: float64, (n, len(FEATURES)), in the table's order."""
    return np.column_stack([feature.formula(raw) for feature in FEATURES.values()])


def feature_matrix(applications: Sequence[LoanApplication]) -> npt.NDArray[np.float64]:
    """All features of applications: float64, (n, len(FEATURES)), in the table's order; missing is NaN."""
    return compute(raw_columns(applications))
