"""Drawn by the producers, read by the workers' reader, judged by the scoring core: the three rooms have to agree."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from processors.readers.text.reading import read_document
from producers.synthetic.applications import Shares, SyntheticApplication, SyntheticDocument, synthesise
from registry.named import load
from schemas.verification import ApplicationVerified, ExtractedField, Extraction
from scoring.checks import verify
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey

COUNT = 12
EXAMPLE = Path(__file__).parents[2] / "schemas" / "examples" / "loan.application.verified.json"


def made(**shares: float) -> list[SyntheticApplication]:
    wanted = Shares(**{"inflated": 0, "thin_file": 0, "broken": 0, "repeated": 0, "documents": 1, **shares})
    return list(synthesise(COUNT, 11, "bank-a", wanted, datetime(2026, 11, 2, tzinfo=UTC)))


def extraction(document: SyntheticDocument) -> Extraction:
    found = read_document(document.data, document.kind)
    return Extraction(
        sha256=document.ref.sha256,
        kind=document.kind,
        status="unreadable" if found.reason else "read",
        reason=found.reason,
        reader="test",
        lane="fast",
        pages=found.pages,
        fields=tuple(
            ExtractedField(name=field.name, value=field.value, confidence=field.confidence, page=field.page)
            for field in found.fields
        ),
        findings=found.findings,
    )


@pytest.mark.parametrize(
    ("shares", "result"),
    [
        ({}, "verified"),
        ({"thin_file": 1}, "verified"),
        ({"inflated": 1}, "mismatch"),
        ({"broken": 1}, "unreadable"),
        ({"documents": 0}, "not_provided"),
    ],
)
def test_the_truth_about_an_applicant_is_found_out(shares, result):
    """Every honest claim is verified, every inflated one is a mismatch, every broken document unreadable."""
    for item in made(**shares):
        extractions = [extraction(document) for document in item.documents]
        assert verify(item.application, extractions).result == result, item.application.application_id


@pytest.mark.parametrize(
    ("name", "kinds", "result"),
    [
        (None, {"payslip", "bank_statement"}, "not_provided"),
        ("Somebody Else", {"payslip", "bank_statement"}, "mismatch"),
        ("the same", {"bank_statement"}, "verified"),
        ("the same", {"payslip"}, "verified"),
    ],
)
def test_honest_documents_count_for_whom_they_name(name, kinds, result):
    """Every honest income is borne out by either document, and by none of them for one who is not named on it."""
    for item in made():
        changes = {} if name == "the same" else {"name": name}
        applicant = item.application.applicant.model_copy(update=changes)
        application = item.application.model_copy(
            update={
                "applicant": applicant,
                "documents": tuple(ref for ref in item.application.documents if ref.kind in kinds),
            }
        )
        extractions = [extraction(document) for document in item.documents if document.kind in kinds]
        assert verify(application, extractions).result == result, item.application.application_id


def test_enough_of_the_honest_are_approved_to_be_looked_at():
    """Where documents bear out every claim, the shipped policy approves a quarter of the honest at least, and not all."""
    alike = Shares(inflated=0, thin_file=0, broken=0, repeated=0, documents=0)
    applications = [one.application for one in synthesise(400, 11, "bank-a", alike, datetime(2026, 11, 2, tzinfo=UTC))]
    verified = ApplicationVerified.model_validate_json(EXAMPLE.read_bytes())
    events = [
        verified.model_copy(
            update={"application": one, "verification_result": "verified", "checks": (), "extractions": ()}
        )
        for one in applications
    ]
    decisions = Scorer(*load("default", "standard")).decide(events, lambda _: ReceiptKey("test.1", bytes(32)), "test")
    outcomes = Counter(decision["outcome"] for decision in decisions)
    assert outcomes["approve"] >= 100
    assert min(outcomes["refer"], outcomes["decline"]) >= 30
