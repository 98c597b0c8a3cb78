"""Recourse: the smallest change of the amount or of the term with which an application is approved that was not.

Nobody can change a CIBIL score, an income or what documents show by asking for another loan: where one of these
decided, nothing is offered. Levers are searched on a grid of features alone, which is quick; what is found is then
decided as a whole application, by the same scorer, and offered only where that one approves.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from schemas.verification import ApplicationVerified
from scoring.explanation import Row
from scoring.factor_words import MONEY, YEARS
from scoring.features import FEATURES, RAW, compute, raw_columns

Matrix = npt.NDArray[np.float64]
Approves = Callable[[Sequence[ApplicationVerified], Matrix], Sequence[bool]]
"""Whether applications with other features would be approved, as far as floats tell."""

LEAST = Decimal("0.1")
"""A loan of less than this share of what was asked for is no answer to the application."""

DIGITS = 3
"""Amounts are offered in steps of their third digit: 12,200,000 in steps of 100,000."""

WIDTH = 8
"""Amounts that are tried at once: four rounds find one of some thousand."""

TERMS = tuple(range(1, 31))
"""Terms that are offered, in years."""


class Change(NamedTuple):
    """Another amount or term: `size` is how far it is from what was asked for, as a share of that."""

    size: float
    lever: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class Lever:
    """One thing that an applicant can change: its code, the raw number and the field of the loan that it moves, and the
    sentence about an approval with `{}`; `person` writes the value for it, given the currency.
    """

    code: str
    raw: str
    field: str
    text: str
    plain: Callable[[Decimal], str]
    person: Callable[[str, str], str]


LEVERS = (
    Lever(
        "lower_amount",
        "amount",
        "amount",
        "A loan of {} over the same term would have been approved.",
        lambda value: f"{value:.2f}",
        MONEY.person,
    ),
    Lever(
        "other_term",
        "term_years",
        "term_years",
        "The same amount over {} years would have been approved.",
        lambda value: f"{value:.2f}",
        YEARS.person,
    ),
)
"""What may be offered; of two changes of one size the first is."""

AMOUNT, TERM = range(len(LEVERS))


def moved_by(raw: str) -> frozenset[str]:
    """The features that change with a raw number of the application.

    >>> sorted(moved_by("amount"))
    ['acr', 'loan_amount', 'lti']
    """
    numbers = {name: np.array([float(at + 2)]) for at, name in enumerate(RAW)}
    other = {**numbers, raw: numbers[raw] + 1}
    return frozenset(name for name, row in FEATURES.items() if row.formula(numbers)[0] != row.formula(other)[0])


MOVED = frozenset[str]().union(*(moved_by(lever.raw) for lever in LEVERS))
"""Features that an applicant can move by asking for another loan."""


def changes(events: Sequence[ApplicationVerified], approves: Approves) -> list[list[Change]]:
    """For each application the changes that are likely to be approved, the smallest first."""
    raw = raw_columns([event.application for event in events])
    found: list[list[Change]] = [[] for _ in events]
    for row, value in _amounts(events, raw, approves).items():
        asked, step = float(events[row].application.loan.amount), _step(events[row])
        # The next amount below stands in where the exact decision is that of the other side of a bound.
        for amount in (value, value - 1):
            if amount > 0:
                found[row].append(Change(1 - float(amount * step) / asked, AMOUNT, amount * step))
    for row, term in _terms(events, raw, approves).items():
        asked = float(events[row].application.loan.term_years)
        found[row].append(Change(abs(term - asked) / asked, TERM, Decimal(term)))
    return [sorted(of_one) for of_one in found]


def changed(event: ApplicationVerified, change: Change) -> ApplicationVerified:
    """The application with that change, its documents and checks as they are."""
    loan = event.application.loan.model_copy(update={LEVERS[change.lever].field: change.value})
    return event.model_copy(update={"application": event.application.model_copy(update={"loan": loan})})


def offer(change: Change, currency: str) -> Row:
    """The change as a decision tells it (a `schemas.decision.Recourse`)."""
    lever = LEVERS[change.lever]
    value = lever.plain(change.value)
    return {
        "code": lever.code,
        "text": lever.text.format(lever.person(value, currency)),
        "value": value,
        "outcome": "approve",
    }


def _step(event: ApplicationVerified) -> Decimal:
    """The grid of an application's amounts: one in its third digit, a cent at least.

    An amount of the grid is exact: the same decimal in a new application is the same loan.
    """
    return Decimal(1).scaleb(max(event.application.loan.amount.adjusted() - DIGITS + 1, -2))


def _amounts(events: Sequence[ApplicationVerified], raw: Mapping[str, Matrix], approves: Approves) -> dict[int, int]:
    """By application the largest amount below the one asked for that is likely to be approved, in steps of its grid.

    Nothing where the least that is worth offering is not approved. From there on the span between an amount that is
    approved and the next above it that is not is divided, round by round. With a model that is held to the directions
    of features that ends at the largest of all.
    """
    steps = [_step(event) for event in events]

    def ask(tried: Sequence[tuple[int, int]]) -> Sequence[bool]:
        amounts = np.array([float(at * steps[row]) for row, at in tried])
        return _approved(events, raw, "amount", [row for row, _ in tried], amounts, approves)

    asked = [event.application.loan.amount for event in events]
    least = [(row, math.ceil(max(amount * LEAST, step) / step)) for row, amount, step in zip(count(), asked, steps)]
    least = [(row, at) for row, at in least if at * steps[row] < asked[row]]
    best = {row: at for (row, at), fine in zip(least, ask(least), strict=True) if fine}
    refused = {row: math.ceil(asked[row] / steps[row]) for row in best}
    while tried := [(row, at) for row in best for at in _between(best[row], refused[row])]:
        for (row, at), fine in zip(tried, ask(tried), strict=True):
            if at < refused[row]:  # below the lowest that was refused in this round
                (best if fine else refused)[row] = at
    return best


def _between(approved: int, refused: int) -> list[int]:
    """Steps to try between two, rising."""
    return sorted({approved + (refused - approved) * part // WIDTH for part in range(1, WIDTH)} - {approved})


def _terms(events: Sequence[ApplicationVerified], raw: Mapping[str, Matrix], approves: Approves) -> dict[int, int]:
    """By application the term nearest to the one asked for that is likely to be approved; of two the shorter."""
    tried = [
        (row, term) for row, event in enumerate(events) for term in TERMS if term != event.application.loan.term_years
    ]
    if not tried:
        return {}
    terms = np.array([float(term) for _, term in tried])
    good = _approved(events, raw, "term_years", [row for row, _ in tried], terms, approves)
    best = dict[int, int]()
    for (row, term), fine in zip(tried, good, strict=True):
        asked = events[row].application.loan.term_years
        if fine and (row not in best or abs(term - asked) < abs(best[row] - asked)):
            best[row] = term
    return best


def _approved(
    events: Sequence[ApplicationVerified],
    raw: Mapping[str, Any],
    name: str,
    rows: Sequence[int],
    values: Matrix,
    approves: Approves,
) -> Sequence[bool]:
    """Whether the applications `rows` are likely to be approved with the raw number `name` as in `values`."""
    columns = {number: column[rows] for number, column in raw.items()} | {name: values}
    return approves([events[row] for row in rows], compute(columns))
