"""`loan.application.verified`: an application with what its documents say about its claims."""

from typing import Annotated, Literal

from pydantic import Field

from schemas.application import DOCUMENTS_MAX, DocumentKind, LoanApplication
from schemas.values import Code, OwnEvent, Probability, Sha256, Text, Timestamp

VerificationResult = Literal["suspicious", "mismatch", "unavailable", "unreadable", "not_provided", "verified"]
"""Worst first: the result of an application is the worst of its checks and documents."""

WORST_FIRST: tuple[VerificationResult, ...] = (
    "suspicious",
    "mismatch",
    "unavailable",
    "unreadable",
    "not_provided",
    "verified",
)

Lane = Literal["fast", "slow"]

CHECKS_MAX = 200
"""Checks in one event."""

PAGES_MAX = 1000
"""Pages of one document."""


class ExtractedField(OwnEvent):
    """One value read from a document: a decimal string for money, text otherwise; `page` counts from 1."""

    name: Code
    value: Text
    confidence: Probability
    page: Annotated[int, Field(ge=1, le=PAGES_MAX)]


class Extraction(OwnEvent):
    """What one document gave. `reason` says why where `status` is not `read`; `findings` are signs of tampering."""

    sha256: Sha256
    kind: DocumentKind
    status: Literal["read", "unreadable", "unavailable"]
    reason: Code | None = None
    reader: Text
    lane: Lane
    pages: Annotated[int, Field(ge=0, le=PAGES_MAX)] = 0
    fields: Annotated[tuple[ExtractedField, ...], Field(max_length=200)] = ()
    findings: Annotated[tuple[Code, ...], Field(max_length=20)] = ()


class Check(OwnEvent):
    """One claim held against one document.

    `difference` is (claimed - found) / claimed for money: positive where the claim is higher. `similarity` is the
    paper's S, 1 - Levenshtein / longest, on the digits or letters. `label` is a hint for the reviewer.
    """

    claim: Code
    result: VerificationResult
    document: Sha256 | None = None
    field: Code | None = None
    claimed: Text | None = None
    found: Text | None = None
    difference: float | None = None
    similarity: Probability | None = None
    label: Code | None = None


class VerifyProcessing(OwnEvent):
    """Who verified, when; not part of the decision's inputs."""

    lane: Lane
    started_at: Timestamp
    finished_at: Timestamp
    worker: Text
    code_version: Text


class ApplicationVerified(OwnEvent):
    """The application (without `monitoring`), its extractions, its checks and the worst of their results."""

    application: LoanApplication
    accepted_at: Timestamp
    extractions: Annotated[tuple[Extraction, ...], Field(max_length=DOCUMENTS_MAX)] = ()
    checks: Annotated[tuple[Check, ...], Field(max_length=CHECKS_MAX)] = ()
    verification_result: VerificationResult
    processing: VerifyProcessing
