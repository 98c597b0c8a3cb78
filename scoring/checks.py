"""Claims against documents: what an application says held beside what was read from its documents.

Money is compared by relative difference and direction; names, employers and identifiers by similarity. The thresholds
stand in one table. Whose a document is has to be shown (`scoring.holders`). The worst result wins.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from schemas.application import LoanApplication
from schemas.verification import CHECKS_MAX, WORST_FIRST, Check, ExtractedField, Extraction, VerificationResult
from scoring.canonical import two_decimals
from scoring.holders import HOLDER, tied_by, whose
from scoring.readings import SURE, amounts_of, fields_of, pays_of
from scoring.similarity import (
    NAME_MATCH,
    NEAR_MATCH,
    identifier_similarity,
    is_near,
    organisation_similarity,
    person_similarity,
    text_similarity,
)

MISREAD = "looks_like_misread_digit"
FROM_NET = "from_net_credits"
"""An income of which the document shows what was left of it: that it was the income claimed is inferred."""

INCOME_EXCESS = Decimal("0.20")
"""A claim may exceed a payslip's gross by this share of the claim; the paper's threshold."""

NET_EXCESS = Decimal("0.35")
"""A claim of gross income may exceed a year's net credits by this share of the claim: 100 net stand for 153 gross, no
more, where no payslip shows what was taken off. Tax and contributions take up to 0.33 in honest pairs.
"""

MISREAD_SIMILARITY = 0.8
"""Digits this alike (the paper's S), but too far apart as amounts, may be one digit that was read wrongly."""

IDENTIFIER_MATCH = 100.0
"""Identifiers have to be equal; one that is merely close is a mismatch with the label `near_match`."""


@dataclass(frozen=True, slots=True)
class MoneyCheck:
    """One row: the field `field` of documents of kind `kind`, times `periods`, against the annual income.

    Of several rows for one kind only the first whose field was read is used. `gross`: whether the field speaks of the
    same income as the application does; a statement's credits are what is left of it.
    """

    kind: str
    field: str
    periods: int
    excess: Decimal
    gross: bool = True

    @property
    def label(self) -> str | None:
        """The hint that goes with the check."""
        return None if self.gross else FROM_NET


INCOME_CHECKS: tuple[MoneyCheck, ...] = (
    MoneyCheck("payslip", "gross_monthly", 12, INCOME_EXCESS),
    MoneyCheck("payslip", "gross_annual", 1, INCOME_EXCESS),
    MoneyCheck("bank_statement", "annual_net_income", 1, NET_EXCESS, gross=False),
)

GROSS = frozenset(row.field for row in INCOME_CHECKS if row.gross)


@dataclass(frozen=True, slots=True)
class TextCheck:
    """One row: a claim in words, the field that answers it, and how alike the two must be."""

    claim: str
    reason: str
    field: str
    claimed: Callable[[LoanApplication], str | None]
    similarity: Callable[[str, str], float]


TEXT_CHECKS: tuple[TextCheck, ...] = (
    TextCheck("name", "name_mismatch", "holder_name", lambda a: a.applicant.name, person_similarity),
    TextCheck("currency", "currency_mismatch", "currency", lambda a: a.currency, lambda a, b: 100.0 * (a == b)),
    TextCheck("employer", "employer_mismatch", "employer", lambda a: a.applicant.employer, organisation_similarity),
)

REASON_OF: dict[tuple[str, VerificationResult], str] = {
    ("annual_income", "mismatch"): "income_mismatch",
    ("net_pay", "mismatch"): "net_pay_mismatch",
    ("identifier", "mismatch"): "identifier_mismatch",
    **{(row.claim, "mismatch"): row.reason for row in TEXT_CHECKS},
    (HOLDER, "not_provided"): "holder_not_checked",
    (HOLDER, "unreadable"): "holder_not_read",
    (HOLDER, "mismatch"): "holders_differ",
    ("name", "unreadable"): "holder_not_read",
}
"""Claim and result of a check -> the reason code that says it. What has none is said by the overall result."""


def inferred_incomes(checks: Sequence[Check]) -> list[Check]:
    """The checks of an income that show what was left of it; none where a document that a name or an identifier ties
    shows a gross income. One that the same pay links is believed for what the other bears out, and shows no more.
    """
    incomes = [check for check in checks if check.claim == "annual_income"]
    tied = tied_by(check for check in checks if check.claim != HOLDER)
    if any(check.field in GROSS and check.document in tied for check in incomes):
        return []
    return [check for check in incomes if check.label == FROM_NET]


class Verification(NamedTuple):
    """What documents say about an application: at most CHECKS_MAX checks, and the worst of all results."""

    checks: tuple[Check, ...]
    result: VerificationResult


def verify(application: LoanApplication, extractions: Sequence[Extraction]) -> Verification:
    """Every claim that a document speaks to, held beside it; no checks for an application without documents.

    If no document speaks to the income, one check of it says `not_provided`. The result is the worst of all that was
    found; only then are checks left out where an event has no room for them, the worst kept first.
    """
    checks = _checks(application, extractions) if extractions else []
    result = _worst(application, extractions, checks)
    if len(checks) > CHECKS_MAX:
        # A stable sort: among equal results the order of documents and claims stays.
        checks = sorted(checks, key=lambda check: WORST_FIRST.index(check.result))[:CHECKS_MAX]
    return Verification(tuple(checks), result)


def result_of_extraction(extraction: Extraction) -> VerificationResult:
    """What one document contributes by itself: a finding is suspicion, an unread document what its reader says."""
    if extraction.findings:
        return "suspicious"
    return "verified" if extraction.status == "read" else extraction.status


def _checks(application: LoanApplication, extractions: Sequence[Extraction]) -> list[Check]:
    read = [extraction for extraction in extractions if extraction.status == "read"]
    texts = [check for extraction in read for check in _texts(application, extraction)]
    tied = tied_by(texts)
    # A payslip explains a statement where it is the applicant's whatever the statement says.
    slips = [extraction for extraction in read if extraction.kind == "payslip" and extraction.sha256 in tied]
    income = [check for extraction in read for check in _income(application, extraction, slips)]
    if not income:
        claimed = two_decimals(application.annual_income)
        income = [Check(claim="annual_income", result="not_provided", claimed=claimed)]
    checks = [*income, *_net_pay(read), *texts]
    return [*checks, *whose(application, read, checks)]


def _worst(
    application: LoanApplication, extractions: Sequence[Extraction], checks: Sequence[Check]
) -> VerificationResult:
    """The worst of all results. A document without an extraction counts as unreadable; no documents: not_provided."""
    results = {result_of_extraction(extraction) for extraction in extractions} | {check.result for check in checks}
    if {document.sha256 for document in application.documents} - {extraction.sha256 for extraction in extractions}:
        results.add("unreadable")
    return next((result for result in WORST_FIRST if result in results), "not_provided")


def _income(application: LoanApplication, extraction: Extraction, slips: Sequence[Extraction]) -> Iterator[Check]:
    for row in INCOME_CHECKS:
        if row.kind == extraction.kind and (amounts := amounts_of(extraction, row.field)):
            field, amount = amounts[0]
            claimed, found = application.annual_income, amount * row.periods
            explained = not row.gross and any(
                _gross_of(slip, found, extraction) >= claimed - INCOME_EXCESS * claimed for slip in slips
            )
            yield _money_check(claimed, row, extraction, field, found, explained=explained)
            return


def _gross_of(slip: Extraction, net: Decimal, statement: Extraction) -> Decimal:
    """The gross income of which a statement's `net` income was left, by a payslip whose pay stands on it to the cent.

    0 for any other payslip: it says nothing of what was taken off.
    """
    pays = pays_of(slip) & pays_of(statement)
    gross = [amount for field, amount in amounts_of(slip, "gross_monthly") if field.confidence >= SURE]
    return net * gross[0] / max(pays) if pays and gross else Decimal(0)


def _money_check(
    claimed: Decimal,
    row: MoneyCheck,
    extraction: Extraction,
    field: ExtractedField,
    found: Decimal,
    *,
    explained: bool,
) -> Check:
    similarity = text_similarity(_digits(claimed), _digits(found))
    # Amounts against amounts: a quotient would be rounded before it is compared.
    excess, allowed = claimed - found, row.excess * claimed
    contradicts = excess > allowed and not explained
    # Of net credits above the claim nothing was misread: it is the gross income that was higher.
    misread = similarity >= MISREAD_SIMILARITY and (contradicts or (row.gross and abs(excess) > allowed))
    return Check(
        claim="annual_income",
        # A year that the statement alone does not show, by one month's pay, is shown by the payslip of that pay, which
        # has a check of its own.
        result=_result(contradicts=contradicts, sure=explained or field.confidence >= SURE),
        document=extraction.sha256,
        field=field.name,
        claimed=two_decimals(claimed),
        found=two_decimals(found),
        difference=float(excess / claimed),
        similarity=similarity,
        label=MISREAD if misread else row.label,
    )


def _result(*, contradicts: bool, sure: bool) -> VerificationResult:
    if not sure:
        return "unreadable"
    return "mismatch" if contradicts else "verified"


def _net_pay(read: Sequence[Extraction]) -> Iterator[Check]:
    """A payslip's net pay must stand on the bank statement, to the cent, in some month."""
    credits_seen = [
        (extraction, field, amount)
        for extraction in read
        if extraction.kind == "bank_statement"
        for field, amount in amounts_of(extraction, "salary_credit")
    ]
    for slip in read:
        if slip.kind != "payslip" or not credits_seen or not (net := amounts_of(slip, "net_monthly")):
            continue
        paid, amount = net[0]
        statement, credited, nearest = min(credits_seen, key=lambda item: (abs(item[2] - amount), item[0].sha256))
        sure = min(paid.confidence, credited.confidence) >= SURE
        yield Check(
            claim="net_pay",
            result=_result(contradicts=nearest != amount, sure=sure),
            document=statement.sha256,
            field="salary_credit",
            claimed=two_decimals(amount),
            found=two_decimals(nearest),
            difference=float((amount - nearest) / amount) if amount else None,
            similarity=text_similarity(_digits(amount), _digits(nearest)),
        )


def _texts(application: LoanApplication, extraction: Extraction) -> Iterator[Check]:
    for row in TEXT_CHECKS:
        claimed = row.claimed(application)
        for field in fields_of(extraction, row.field) if claimed else ():
            yield _text_check(row.claim, claimed or "", extraction, field, row.similarity(claimed or "", field.value))
    for identifier in application.applicant.identifiers:
        for field in fields_of(extraction, identifier.kind):
            alike = identifier_similarity(identifier.value, field.value)
            yield _text_check("identifier", identifier.value, extraction, field, alike, IDENTIFIER_MATCH)


def _text_check(
    claim: str, claimed: str, extraction: Extraction, field: ExtractedField, alike: float, match: float = NAME_MATCH
) -> Check:
    return Check(
        claim=claim,
        result=_result(contradicts=alike < match, sure=field.confidence >= SURE),
        document=extraction.sha256,
        field=field.name,
        claimed=claimed,
        found=field.value,
        similarity=text_similarity(claimed.casefold(), field.value.casefold()),
        label=NEAR_MATCH if is_near(alike, match) else None,
    )


def _digits(amount: Decimal) -> str:
    """Whole units, as the paper compares them."""
    return str(int(amount))
