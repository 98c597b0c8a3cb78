"""Columns made of others: a sum, or a sum by a sum, such as a loan by the incomes that repay it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.specification import Column, Derived
from training.typed import Numbers, Typed


def derive(derived: Derived, columns: Mapping[str, Typed]) -> Numbers:
    """The column that is made: missing where a part is missing, or nothing would be divided by.

    >>> columns = {"loan": Numbers(np.array([10.0, 10.0])), "income": Numbers(np.array([4.0, 0.0]))}
    >>> derive(Derived(sum=("loan",), by=("income",)), columns).values.tolist()
    [2.5, nan]
    """
    over = _sum(derived.sum, columns)
    if not derived.by:
        return Numbers(over)
    under = _sum(derived.by, columns)
    return Numbers(np.divide(over, under, out=np.full(len(over), np.nan), where=~np.isnan(under) & (under != 0)))


def _sum(names: Sequence[str], columns: Mapping[str, Typed]) -> npt.NDArray[np.float64]:
    parts = [columns[name] for name in names]
    assert all(isinstance(part, Numbers) for part in parts)
    total: npt.NDArray[np.float64] = np.sum([part.values for part in parts if isinstance(part, Numbers)], axis=0)
    return total


_INCOME = re.compile(r"income|salary|earnings|wage|annual_inc|revenue", re.IGNORECASE)
_LOAN = re.compile(
    r"(loan|credit|mortgage|requested|funded)[_ ]?(amount|amt|amnt)|^(loan|amount|principal)$|^mortdue$", re.IGNORECASE
)
_TERM = re.compile(r"term|duration|months|tenor|tenure$", re.IGNORECASE)
_VALUE = re.compile(
    r"^(property|home|house|collateral)?_?value$|property_?value|appraised|purchase_price", re.IGNORECASE
)
_LIMIT = re.compile(r"(^|_)limit|credit_?line_?amount", re.IGNORECASE)
_BALANCE = re.compile(r"bill_?am|balance|outstanding|revol_?bal", re.IGNORECASE)
_NO_NUMBER_OF_MONEY = re.compile(
    r"number|count|num_|_num|ratio|rate|share|pct|percent|source|type|verif", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio that lenders look at: each column named like `over` by the sum of those named like `by`, or, unless
    `summed`, by the first of them.
    """

    name: str
    over: re.Pattern[str]
    by: re.Pattern[str]
    summed: bool = False


RATIOS: tuple[Ratio, ...] = (
    Ratio("loan to income", _LOAN, _INCOME, summed=True),
    Ratio("loan by term", _LOAN, _TERM),
    Ratio("loan to value", _LOAN, _VALUE),
    Ratio("use of the limit", _BALANCE, _LIMIT),
)
"""Looked for where a specification is inferred, by the columns' names."""

OVER_MOST = 12
"""Of one ratio no more than so many columns are made."""


def inferred_derived(columns: Mapping[str, Column]) -> dict[str, Derived]:
    """The ratios that the names of number columns suggest, and the sum of incomes where there are several.

    >>> number = Column(kind="number")
    >>> list(inferred_derived({"LoanAmount": number, "Income": number, "CoIncome": number}))
    ['LoanAmount, loan to income', 'sum of incomes']
    """
    numbers = [
        name
        for name, column in columns.items()
        if column.is_feature and column.kind == "number" and not _NO_NUMBER_OF_MONEY.search(name)
    ]
    found: dict[str, Derived] = {}
    for ratio in RATIOS:
        under = tuple(name for name in numbers if ratio.by.search(name))
        if not under:
            continue
        for name in [name for name in numbers if ratio.over.search(name) and name not in under][:OVER_MOST]:
            by = under if ratio.summed else under[:1]
            found[f"{name}, {ratio.name}"] = Derived(sum=(name,), by=by)
    incomes = tuple(name for name in numbers if _INCOME.search(name))
    if len(incomes) > 1:
        found["sum of incomes"] = Derived(sum=incomes)
    return found
