"""Perverse changes: of a set of applicants, how many a lender would decide worse although they became safer.

The whole decision is looked at: model, calibrator, penalties, rules and bands. Each applicant of the data is decided as
he is and once more after each change for the better, with documents that bear out both, and with obligations of a tenth
of the income that he has: where none are named nobody is approved, and nothing could get worse.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from schemas.application import Applicant, Assets, Loan, LoanApplication
from schemas.decision import Outcome
from schemas.verification import ApplicationVerified, VerifyProcessing
from scoring.decision import Scorer
from scoring.features import Columns
from scoring.receipt import ReceiptKey

BEST_LAST: tuple[Outcome, ...] = ("decline", "refer", "approve")
NOBODYS_KEY = ReceiptKey("nobody", bytes(32))
AT = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 5_000
OWED = Decimal("0.1")
CENT = Decimal("0.01")
BEST_CIBIL = 900


@dataclass(frozen=True, slots=True)
class Safer:
    """One way of becoming safer: the number `field` of an application times `times`, and `plus` more."""

    name: str
    field: str
    times: Decimal = Decimal(1)
    plus: int = 0


SAFER: tuple[Safer, ...] = (
    Safer("25 % more income", "annual_income", Decimal("1.25")),
    Safer("a loan 25 % smaller", "loan.amount", Decimal("0.75")),
    Safer("50 points more of CIBIL score", "cibil_score", plus=50),
    *(
        Safer(f"25 % more {kind} assets", f"assets.{kind}", Decimal("1.25"))
        for kind in ("residential", "commercial", "luxury", "bank")
    ),
    Safer("half the obligations", "monthly_obligations", Decimal("0.5")),
)


def perverse_changes(raw: Columns, scorer: Scorer) -> dict[str, dict[str, int]]:
    """For each change: of how many applicants it was a change (`changed`), for how many of these the score fell
    (`score`), and for how many the outcome became worse (`outcome`).
    """
    people = list(applicants(raw))
    before = decided(people, scorer)
    found = {}
    for change in SAFER:
        after = decided([_changed(person, change) for person in people], scorer)
        pairs = list(zip(before, after, strict=True))
        found[change.name] = {
            "changed": sum(_changed(person, change) != person for person in people),
            "score": sum(_score(now) < _score(was) for was, now in pairs),
            "outcome": sum(_rank(now) < _rank(was) for was, now in pairs),
        }
    return found


def applicants(raw: Columns) -> Iterator[LoanApplication]:
    """Applications with the raw numbers of training data, each with obligations of a tenth of its income."""
    names = list(raw)
    for number, values in enumerate(zip(*(column.tolist() for column in raw.values()), strict=True), 1):
        row = dict(zip(names, values, strict=True))
        money = {name: Decimal(repr(row[name])).quantize(CENT) for name in _MONEY}
        cibil = row["cibil_score"]
        yield LoanApplication(
            tenant="nobody",
            application_id=str(number),
            submitted_at=AT,
            currency="INR",
            applicant=Applicant(
                dependents=int(row["dependents"]),
                education="graduate" if row["graduate"] else "not_graduate",
                self_employed=bool(row["self_employed"]),
            ),
            loan=Loan(amount=money["amount"], term_years=Decimal(repr(row["term_years"]))),
            annual_income=money["annual_income"],
            monthly_obligations=(OWED * money["annual_income"] / 12).quantize(CENT),
            cibil_score=None if cibil != cibil else int(cibil),  # noqa: PLR0124 - NaN
            assets=Assets(**{kind: money[kind] for kind in _MONEY[2:]}),
        )


_MONEY = ("amount", "annual_income", "residential", "commercial", "luxury", "bank")


def _changed(person: LoanApplication, change: Safer) -> LoanApplication:
    part, _, name = change.field.rpartition(".")
    holder: Any = getattr(person, part) if part else person
    value = getattr(holder, name)
    if value is None:
        return person
    # A debt on an asset is never made larger.
    times = change.times if value > 0 else 1
    more: Any = min(value + change.plus, BEST_CIBIL) if change.plus else (times * value).quantize(CENT)
    changed = holder.model_copy(update={name: more})
    return person.model_copy(update={part: changed}) if part else changed


def decided(people: Sequence[LoanApplication], scorer: Scorer) -> list[Mapping[str, Any]]:
    """The decision on each, as if documents bore out what it says."""
    return [
        decision
        for first in range(0, len(people), BATCH)
        for decision in scorer.decide(
            list(map(_verified, people[first : first + BATCH])), lambda _: NOBODYS_KEY, "perverse"
        )
    ]


def _verified(person: LoanApplication) -> ApplicationVerified:
    return ApplicationVerified(
        application=person, accepted_at=AT, verification_result="verified", processing=_NOBODY_VERIFIED
    )


_NOBODY_VERIFIED = VerifyProcessing(lane="fast", started_at=AT, finished_at=AT, worker="nobody", code_version="none")


def _score(decision: Mapping[str, Any]) -> float:
    score: float | None = decision["score_final"]
    return -1.0 if score is None else score


def _rank(decision: Mapping[str, Any]) -> int:
    return BEST_LAST.index(decision["outcome"])
