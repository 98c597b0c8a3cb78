"""Synthetic loan applications with the documents behind them. Equal arguments give equal bytes.

The figures are spread as in the public loan approval set (4,269 rows): money in steps of 100,000, a loan of 1.5 to 4
times the yearly income, assets of about 0.75 to 5.7 times the loan, CIBIL scores evenly over 300 to 900, even terms of
2 to 20 years, now and then a negative asset.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from math import ceil
from random import Random
from typing import Literal

from producers.synthetic import people
from producers.synthetic.account import movements
from producers.synthetic.broken import BREAKS, PASSWORD
from producers.synthetic.documents import Earner, bank_statement, payslip
from producers.synthetic.pay import monthly_pay, months_before
from schemas.application import Applicant, Assets, DocumentKind, DocumentRef, Loan, LoanApplication

Truth = Literal["honest", "inflated", "thin_file", "broken_document", "repeated"]

STEP = 100_000
STATEMENT_MONTHS = 3
REPEATED_WITHIN = 50
"""A repeat follows its original by at most so many applications."""
OBLIGATIONS_NAMED = 0.95
"""So many name what they owe each month: whoever does not is approved by no policy that tests what can be afforded."""
PURPOSES = ("home purchase", "home improvement", "education", "vehicle", "working capital")
MEDIA_TYPE = "application/pdf"


@dataclass(frozen=True, slots=True)
class Shares:
    """Of all distinct applications, how many are what (0 to 1; the rest is honest), and how many are sent twice.

    `documents` is the share of honest and thin-file applicants who send a payslip and a bank statement; inflated and
    broken ones always do, since only documents give them away.
    """

    inflated: float = 0.10
    thin_file: float = 0.08
    broken: float = 0.04
    repeated: float = 0.05
    documents: float = 0.5

    def __post_init__(self) -> None:
        """Raise `ValueError` where a share is none, or where they leave less than nothing for the honest."""
        for name in self.__slots__:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"share {name}: expected 0 to 1, found {getattr(self, name)}")
        if self.inflated + self.thin_file + self.broken > 1:
            raise ValueError("shares inflated, thin_file and broken: expected at most 1 together")


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """A PDF, whole or broken."""

    kind: DocumentKind
    data: bytes

    @property
    def ref(self) -> DocumentRef:
        """How an application names it."""
        digest = sha256(self.data).hexdigest()
        return DocumentRef(kind=self.kind, sha256=digest, media_type=MEDIA_TYPE, size=len(self.data))


@dataclass(frozen=True, slots=True)
class SyntheticApplication:
    """An application, the documents it names, and what is the matter with it.

    A `repeated` one equals an earlier one of the same run, whatever that one was.
    """

    application: LoanApplication
    documents: tuple[SyntheticDocument, ...]
    truth: Truth


def synthesise(
    n: int, seed: int, tenant: str, shares: Shares, start: datetime, id_prefix: str = "syn-"
) -> Iterator[SyntheticApplication]:
    """`n` distinct applications, a second apart from `start` (aware) on, and the repeats among them.

    The shares are met exactly, up to rounding: `round(n * shares.repeated)` repeats come on top of the `n`.
    """
    rng = Random(f"{seed}/{tenant}")  # noqa: S311 - synthetic data, the same for the same seed
    truths = _truths(n, shares, rng)
    again = frozenset(rng.sample(range(n), round(n * shares.repeated)))
    due: defaultdict[int, list[SyntheticApplication]] = defaultdict(list)
    for index, truth in enumerate(truths):
        own = Random(f"{seed}/{tenant}/{index}")  # noqa: S311 - so that one applicant does not depend on the others
        made = _applicant(own, truth, shares, tenant, f"{id_prefix}{index + 1:06}", start + timedelta(seconds=index))
        yield made
        if index in again:
            due[min(n - 1, index + rng.randint(1, REPEATED_WITHIN))].append(replace(made, truth="repeated"))
        yield from due.pop(index, ())


def _truths(n: int, shares: Shares, rng: Random) -> list[Truth]:
    truths: list[Truth] = ["inflated"] * round(n * shares.inflated)
    truths += ["thin_file"] * round(n * shares.thin_file)
    truths += ["broken_document"] * round(n * shares.broken)
    truths = (truths + ["honest"] * n)[:n]
    rng.shuffle(truths)
    return truths


def _applicant(
    rng: Random, truth: Truth, shares: Shares, tenant: str, application_id: str, submitted_at: datetime
) -> SyntheticApplication:
    documented = truth in {"inflated", "broken_document"} or rng.random() < shares.documents
    earned, claimed = _incomes(rng, truth)
    initials = f"{rng.choice(people.FIRMS)[:2].upper()}-{rng.randint(10_000, 99_999)}"
    earner = Earner(people.person(rng), people.employer(rng), initials, f"{rng.randint(0, 9999):04}")
    documents = tuple(_documents(rng, earner, earned, submitted_at, truth)) if documented else ()
    application = LoanApplication(
        tenant=tenant,
        application_id=application_id,
        submitted_at=submitted_at,
        currency="INR",
        applicant=Applicant(
            dependents=rng.randint(0, 5),
            education=rng.choice(("graduate", "not_graduate")),
            # Who shows a payslip is employed.
            self_employed=not documented and rng.random() < 0.5,
            name=earner.name,
            employer=earner.employer if documented else None,
        ),
        loan=_loan(rng, claimed),
        annual_income=Decimal(claimed * STEP),
        monthly_obligations=_obligations(rng, claimed) if rng.random() < OBLIGATIONS_NAMED else None,
        cibil_score=None if truth == "thin_file" else rng.randint(300, 900),
        assets=_assets(rng, claimed),
        documents=tuple(document.ref for document in documents),
    )
    return SyntheticApplication(application, documents, truth)


def _incomes(rng: Random, truth: Truth) -> tuple[int, int]:
    """What is earned and what is claimed, in steps."""
    if truth != "inflated":
        earned = rng.randint(2, 99)
        return earned, earned
    earned = rng.randint(2, 33)
    return earned, rng.randint(ceil(earned * 1.3), earned * 3)


def _obligations(rng: Random, income: int) -> Decimal:
    """Up to 20 % of the monthly income, in hundreds."""
    return Decimal(int(income * STEP / 12 * rng.uniform(0, 0.2)) // 100 * 100)


def _loan(rng: Random, income: int) -> Loan:
    return Loan(
        amount=Decimal(rng.randint(ceil(income * 1.5), income * 4) * STEP),
        term_years=Decimal(rng.randrange(2, 21, 2)),
        purpose=rng.choice(PURPOSES),
    )


def _assets(rng: Random, income: int) -> Assets:
    def times_income(least: float, most: float) -> Decimal:
        return Decimal(round(income * rng.uniform(least, most)) * STEP)

    return Assets(
        residential=Decimal(-STEP) if rng.random() < 0.007 else times_income(0, 3),
        commercial=times_income(0, 2),
        luxury=times_income(1.5, 4),
        bank=times_income(0.5, 1.5),
    )


def _documents(
    rng: Random, earner: Earner, earned: int, submitted_at: datetime, truth: Truth
) -> Iterator[SyntheticDocument]:
    pay = monthly_pay(earned * STEP)
    months = tuple(months_before(submitted_at.date(), STATEMENT_MONTHS))
    opening, rows = movements(rng, earner.employer, pay.net, months)
    how = rng.choice(("encrypted", *BREAKS)) if truth == "broken_document" else None
    slip = payslip(earner, pay, months[-1], password=PASSWORD if how == "encrypted" else None)
    yield SyntheticDocument("payslip", BREAKS[how](slip) if how and how in BREAKS else slip)
    yield SyntheticDocument("bank_statement", bank_statement(earner, opening, rows))
