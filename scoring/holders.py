"""Whose a document is: nothing bears a claim of money out before it is shown to be the applicant's.

A document is tied to the applicant by the name on it, by an identifier on it, or by a pay that links it to a document
that is tied by one of these and bears the same claim out. Documents that name different persons do not both tie. One
check of claim `holder` speaks of each document that bears a claim of money out and is tied by neither name nor
identifier, and of each that is, and names another person than one before it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from schemas.application import LoanApplication
from schemas.verification import WORST_FIRST, Check, Extraction
from scoring.canonical import two_decimals
from scoring.holder_names import FIELD, Names, differing, fits
from scoring.identifiers import IDENTIFYING, is_one_persons
from scoring.readings import PAY, SURE, fields_of, pays_of
from scoring.similarity import NEAR_MATCH, is_near, text_similarity

HOLDER = "holder"
SAME_PAY = "same_pay"


@dataclass(frozen=True, slots=True)
class Tie:
    """One row: what ties a document to the applicant, for people, and which verified check shows it."""

    by: str
    says: str
    shown_by: Callable[[Check], bool]


TIES: tuple[Tie, ...] = (
    Tie("name", "the name on it is `applicant.name`", lambda check: check.claim == "name"),
    Tie(
        "identifier",
        "an identifier on it, of a kind that one person has and not masked, equals that of `applicant.identifiers`",
        lambda check: check.claim == "identifier" and check.field in IDENTIFYING and is_one_persons(check.found or ""),
    ),
    Tie(
        "same pay",
        "a payslip's net pay stands on a statement to the cent, and the other one of the two is tied and bears the "
        "income out; where the application names nobody, whoever is named on it is named on the tied ones",
        lambda check: check.claim == HOLDER,
    ),
)
"""What shows that a document is the applicant's: any one of these."""


def tied_by(checks: Iterable[Check]) -> set[str]:
    """The documents (SHA-256) that checks show to be the applicant's."""
    return {
        check.document
        for check in checks
        if check.document and check.result == "verified" and any(tie.shown_by(check) for tie in TIES)
    }


def whose(application: LoanApplication, read: Sequence[Extraction], checks: Sequence[Check]) -> Iterator[Check]:
    """One check of each document that names another person than one before it, of those that are tied: neither of them
    ties then. And one of each that speaks of the income, by `checks`, and that no name and no identifier ties.

    `verified`, with the label `same_pay`, where a pay links it to one that is tied and, if it names somebody, names
    whom the tied ones name. That one bears the income out by itself, and the worst result wins: what is linked to it
    can add nothing to the claim. `not_provided` where the application names nobody, `unreadable` where no name was
    found on the document. A name that was found and is another one needs no check beside its own.
    """
    speaks, borne = (
        {check.document for check in checks if check.claim == "annual_income" and check.result in results}
        for results in (WORST_FIRST, ("verified",))
    )
    by_checks = tied_by(checks)
    disputed = list(differing([document for document in read if document.sha256 in by_checks]))
    yield from (_differs(document, names) for _, document, names in disputed)
    tied = by_checks - {document.sha256 for one, other, _ in disputed for document in (one, other)}
    named = {check.document for check in checks if check.claim == "name"}
    known = [document for document in read if document.sha256 in tied]
    waiting = [document for document in read if document.sha256 in speaks - by_checks - named]
    linked = [document for document in known if document.sha256 in borne]
    while found := next(_links(linked, [one for one in waiting if fits(one, known)]), None):
        document, check = found
        yield check
        linked.append(document)
        known.append(document)
        waiting.remove(document)
    claimed = application.applicant.name
    for document in waiting:
        yield Check(
            claim=HOLDER,
            result="unreadable" if claimed else "not_provided",
            document=document.sha256,
            field=FIELD,
            claimed=claimed,
            found=next((field.value for field in fields_of(document, FIELD)), None),
        )


def _differs(document: Extraction, names: Names) -> Check:
    """What is read by a guess accuses nobody."""
    sure = min(names.one.confidence, names.other.confidence) >= SURE
    return Check(
        claim=HOLDER,
        result="mismatch" if sure else "unreadable",
        document=document.sha256,
        field=FIELD,
        claimed=names.one.value,
        found=names.other.value,
        similarity=text_similarity(names.one.value.casefold(), names.other.value.casefold()),
        label=NEAR_MATCH if is_near(names.alike) else None,
    )


def _links(linked: Sequence[Extraction], others: Sequence[Extraction]) -> Iterator[tuple[Extraction, Check]]:
    for other in others:
        for document in linked:
            if document.kind != other.kind and (same := pays_of(document) & pays_of(other)):
                pay = two_decimals(max(same))
                yield (
                    other,
                    Check(
                        claim=HOLDER,
                        result="verified",
                        document=other.sha256,
                        field=PAY[other.kind],
                        claimed=pay,
                        found=pay,
                        label=SAME_PAY,
                    ),
                )
