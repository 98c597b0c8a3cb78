"""Synthetic repayment of approved loans, month by month. Equal arguments give equal outcomes.

A loan is performing, now and then late, and ends as repaid or defaulted. It defaults with a probability that falls with
the decision's score (`probability_of_default`): a score that ranks well is seen to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from math import exp
from random import Random
from typing import Literal

from schemas.decision import LoanDecision
from schemas.operations import LoanOutcome

MONTH = timedelta(days=30)
MONTHS = 12
"""So many months of a loan are told at most, where it does not end before."""
TERM_MONTHS = 120
"""Over so many months a balance falls to nothing."""

BASE, SLOPE = 3.122, 7.306
"""Log-odds of default at score 0, and how much they fall to score 1: 12 % at 0.7, 1.5 % at 1."""
UNSCORED = 0.7
"""What a loan that was approved without a score is worth."""

LATE_DAYS = 30
DEFAULT_DAYS = 90
"""Days past due from which a loan is late, and from which it has defaulted (Basel's 90 days)."""
EARLIEST_DEFAULT = DEFAULT_DAYS // MONTH.days + 1
REPAID_EARLY = 0.01
"""Share of the loans without arrears that are paid back in a month."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a loan stands in a month."""

    repayment: Literal["performing", "late", "defaulted", "repaid"]
    days_past_due: int = 0


def probability_of_default(score: float | None) -> float:
    """Within `MONTHS` months.

    >>> [round(probability_of_default(score), 3) for score in (0.3, 0.7, 0.9, 1.0, None)]
    [0.717, 0.12, 0.031, 0.015, 0.12]
    """
    return 1 / (1 + exp(SLOPE * (UNSCORED if score is None else score) - BASE))


def repayments(
    decisions: Iterable[LoanDecision],
    seed: int,
    until: datetime,
    *,
    amounts: Mapping[str, Decimal] | None = None,
    month: timedelta = MONTH,
) -> Iterator[LoanOutcome]:
    """The outcomes of the approved ones, loan by loan and month by month, none of them after `until` (aware).

    `amounts` are the loans' amounts by application id: an outcome without one tells no balance. A shorter `month` makes
    months pass quickly, for a demo whose decisions are of today.
    """
    for decision in decisions:
        if decision.outcome != "approve":
            continue
        name = f"{seed}/{decision.tenant}/{decision.application_id}/{decision.revision}"
        rng = Random(name)  # noqa: S311 - so that one loan does not depend on the others
        amount = (amounts or {}).get(decision.application_id)
        for number, standing in enumerate(_months(rng, probability_of_default(decision.score_final)), 1):
            at = decision.accepted_at + number * month
            if at > until:
                break
            yield LoanOutcome(
                tenant=decision.tenant,
                application_id=decision.application_id,
                revision=decision.revision,
                at=at,
                kind="repayment",
                repayment=standing.repayment,
                days_past_due=standing.days_past_due,
                balance=None if amount is None else _balance(amount, number, standing),
            )


def _months(rng: Random, default: float) -> Iterator[Standing]:
    """A loan's months, up to its end."""
    defaults_in = rng.randint(EARLIEST_DEFAULT, MONTHS) if rng.random() < default else None
    for number in range(1, MONTHS + 1):
        if number == defaults_in:
            yield Standing("defaulted", DEFAULT_DAYS + rng.randint(0, MONTH.days - 1))
            return
        if defaults_in is not None and number > defaults_in - DEFAULT_DAYS // LATE_DAYS:
            behind = DEFAULT_DAYS // LATE_DAYS - (defaults_in - number)
            yield Standing("late", behind * LATE_DAYS + rng.randint(0, LATE_DAYS - 1))
        elif rng.random() < default / 2:
            yield Standing("late", LATE_DAYS + rng.randint(0, LATE_DAYS - 1))
        elif defaults_in is None and rng.random() < REPAID_EARLY:
            yield Standing("repaid")
            return
        else:
            yield Standing("performing")


def _balance(amount: Decimal, number: int, standing: Standing) -> Decimal:
    """What is still owed: an equal part is paid back each month, and nothing while a loan is behind."""
    if standing.repayment == "repaid":
        return Decimal(0)
    paid = max(0, number - standing.days_past_due // LATE_DAYS)
    return (amount * (TERM_MONTHS - paid) / TERM_MONTHS).quantize(Decimal("0.01"))
