"""Synthetic repayment: of approved loans alone, the same for the same seed, and worse where the score was worse."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from producers.outcomes import outcome_record
from producers.synthetic.repayments import DEFAULT_DAYS, LATE_DAYS, MONTH, MONTHS, probability_of_default, repayments
from schemas.decision import LoanDecision
from schemas.decode import decode
from schemas.operations import LoanOutcome

EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "loan.decision.made.json"
DECISION = LoanDecision.model_validate_json(EXAMPLE.read_bytes())
ACCEPTED = datetime(2025, 1, 1, tzinfo=UTC)
LATER = ACCEPTED + 2 * MONTHS * MONTH


def decided(number, score=0.9, outcome="approve", accepted_at=ACCEPTED):
    changes = {"application_id": f"a-{number}", "outcome": outcome, "score_final": score, "accepted_at": accepted_at}
    return DECISION.model_copy(update=changes)


def by_loan(outcomes):
    found = defaultdict(list)
    for outcome in outcomes:
        found[outcome.application_id].append(outcome)
    return found


def test_only_what_was_approved_is_repaid():
    """Nobody pays back what was not lent."""
    some = [decided(1), decided(2, outcome="refer"), decided(3, outcome="decline"), decided(4)]
    assert by_loan(repayments(some, 1, LATER)).keys() == {"a-1", "a-4"}


def test_the_same_seed_gives_the_same_outcomes_whatever_stands_beside_a_loan():
    """And another seed others."""
    some = [decided(number) for number in range(200)]
    first = list(repayments(some, 1, LATER))
    assert first == list(repayments(some, 1, LATER))
    assert [one for one in first if one.application_id == "a-150"] == list(repayments([some[150]], 1, LATER))
    assert first != list(repayments(some, 2, LATER))


def test_the_worse_the_score_the_more_loans_default():
    """About as many as the probability says: that is what a dashboard's rank order is to show."""
    rates = []
    for score in (0.5, 0.7, 0.85, 1.0):
        some = [decided(f"{score}-{number}", score) for number in range(4000)]
        ends = Counter(loan[-1].repayment for loan in by_loan(repayments(some, 7, LATER)).values())
        rates.append(ends["defaulted"] / 4000)
        assert rates[-1] == pytest.approx(probability_of_default(score), abs=0.02)
    assert rates == sorted(rates, reverse=True)


def test_a_loan_goes_a_way_that_a_loan_goes():
    """It is late before it has defaulted, tells nothing after its end, and its days fit its words."""
    loans = by_loan(repayments([decided(number, 0.6) for number in range(2000)], 3, LATER))
    words = Counter(one.repayment for loan in loans.values() for one in loan)
    assert words.keys() == {"performing", "late", "defaulted", "repaid"}
    for loan in loans.values():
        assert [one.at for one in loan] == [ACCEPTED + number * MONTH for number in range(1, len(loan) + 1)]
        assert all(one.repayment not in {"defaulted", "repaid"} for one in loan[:-1])
        for before, one in pairwise(loan):
            assert one.repayment != "defaulted" or before.repayment == "late"
        for one in loan:
            least = {"defaulted": DEFAULT_DAYS, "late": LATE_DAYS}.get(one.repayment, 0)
            most = {"late": DEFAULT_DAYS - 1}.get(one.repayment, 0 if least == 0 else DEFAULT_DAYS + MONTH.days)
            assert least <= one.days_past_due <= most


def test_nobody_tells_of_what_is_to_come():
    """A young loan has few outcomes, one of today none; months may pass more quickly."""
    until = ACCEPTED + 3 * MONTH
    assert len(list(repayments([decided(1, 1.0)], 1, until))) == 3
    assert list(repayments([decided(1, accepted_at=until)], 1, until)) == []
    quick = list(repayments([decided(1, 1.0)], 1, ACCEPTED + timedelta(seconds=30), month=timedelta(seconds=10)))
    assert [one.at - ACCEPTED for one in quick] == [timedelta(seconds=10 * number) for number in (1, 2, 3)]


def test_what_is_owed_falls_and_is_nothing_once_repaid():
    """Where the amount is known; else no balance is told."""
    some = [decided(number, 0.7) for number in range(300)]
    amounts = {one.application_id: Decimal(1_200_000) for one in some}
    for loan in by_loan(repayments(some, 1, LATER, amounts=amounts)).values():
        for number, one in enumerate(loan, 1):
            owed = {"performing": Decimal(1_200_000 - 10_000 * number), "repaid": 0}
            assert one.balance == owed.get(one.repayment, one.balance)
            assert 0 <= one.balance <= 1_200_000
    assert {one.balance for one in repayments(some, 1, LATER)} == {None}


def test_every_outcome_is_one_that_the_topic_takes():
    """Sent as it is, it is read by the service."""
    for outcome in repayments([decided(number, 0.6) for number in range(50)], 1, LATER):
        assert decode(LoanOutcome, outcome_record(outcome)[1]) == outcome
