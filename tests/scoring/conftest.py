"""Verified applications to decide on, and the shipped artefacts."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.decode import decode_own
from schemas.verification import ApplicationVerified
from scoring.bundle import Bundle, load_bundle
from scoring.decision import Scorer
from scoring.features import FEATURES, POSITION, Feature
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import BUNDLES, POLICIES, shipped_bundle_files, shipped_policy_text

AT = "2026-03-02T09:30:00.125Z"

APPLICATION: dict[str, Any] = {
    "tenant": "bank-a",
    "application_id": "A-1",
    "revision": 1,
    "submitted_at": AT,
    "currency": "INR",
    "applicant": {"dependents": 2, "education": "graduate", "self_employed": False},
    "loan": {"amount": 12_200_000, "term_years": 8},
    "annual_income": 4_100_000,
    "cibil_score": 760,
    "assets": {"residential": 2_700_000, "commercial": 2_200_000, "luxury": 8_800_000, "bank": 3_300_000},
}

RELEASED = Path(__file__).with_name("released")
"""What earlier versions shipped and existing states hold, by name and the first digits of the id."""

MakeEvent = Callable[..., ApplicationVerified]


def build_event(
    result: str = "verified", extractions: Any = (), checks: Any = (), **changes: Any
) -> ApplicationVerified:
    """An application with changes (dicts are merged), its verification result, extractions and checks."""
    application = {
        name: {**old, **changes[name]} if isinstance(old, dict) and name in changes else changes.get(name, old)
        for name, old in APPLICATION.items()
    } | {name: new for name, new in changes.items() if name not in APPLICATION}
    return ApplicationVerified.model_validate_json(
        orjson.dumps(
            {
                "application": application,
                "accepted_at": AT,
                "extractions": list(extractions),
                "checks": list(checks),
                "verification_result": result,
                "processing": {
                    "lane": "fast",
                    "started_at": AT,
                    "finished_at": AT,
                    "worker": "verify-0",
                    "code_version": "test",
                },
            }
        )
    )


@pytest.fixture(scope="session")
def make_event() -> MakeEvent:
    return build_event


@pytest.fixture(scope="session")
def events(make_event: MakeEvent) -> dict[str, ApplicationVerified]:
    """One of every sort: with documents, approved, declined by a rule, penalised, thin, foreign, contradicted."""
    # As it was: what is hashed here must not change with what readers find today.
    example = RELEASED / "loan.application.verified.json"
    return {
        "with documents": decode_own(ApplicationVerified, example.read_bytes()),
        "plain": make_event(),
        "large loan": make_event(annual_income=1_000_000),
        "low CIBIL score": make_event(cibil_score=480, loan={"term_years": "3.5", "purpose": "Ökohaus"}),
        "few assets": make_event(assets={"residential": -100_000, "commercial": 0, "luxury": 0, "bank": "1.50"}),
        "thin file": make_event(cibil_score=None, monthly_obligations="12500.25"),
        "foreign": make_event(currency="EUR", extensions={"channel": "web", "rank": 1e21}),
        "contradicted": make_event(
            result="mismatch",
            documents=[{"kind": "payslip", "sha256": "b" * 64, "media_type": "application/pdf", "size": 9}],
            extractions=[
                {
                    "sha256": "b" * 64,
                    "kind": "payslip",
                    "status": "read",
                    "reader": "text/1",
                    "lane": "fast",
                    "pages": 1,
                    "fields": [{"name": "gross_monthly", "value": "100.00", "confidence": 0.97, "page": 1}],
                    "findings": ["arithmetic_break"],
                }
            ],
            checks=[
                {
                    "claim": "annual_income",
                    "result": "mismatch",
                    "document": "b" * 64,
                    "field": "gross_monthly",
                    "difference": 0.9,
                    "similarity": 0.5,
                }
            ],
        ),
    }


@pytest.fixture
def feature_table() -> Iterator[Callable[..., None]]:
    """Puts other rows in the place of the table of features, until the test's end."""
    before = tuple(FEATURES.values())

    def put(*rows: Feature) -> None:
        FEATURES.clear()
        FEATURES.update({row.name: row for row in rows})
        POSITION.clear()
        POSITION.update({name: index for index, name in enumerate(FEATURES)})

    yield put
    put(*before)


def bundle_files_of(name: str) -> dict[str, bytes]:
    if name in BUNDLES:
        return shipped_bundle_files(name)
    return {path.name: path.read_bytes() for path in (RELEASED / name).iterdir()}


def policy_text_of(name: str) -> str:
    return shipped_policy_text(name) if name in POLICIES else (RELEASED / f"{name}.yaml").read_text("utf-8")


@pytest.fixture(scope="session")
def bundle_files() -> Callable[[str], dict[str, bytes]]:
    """The files of a bundle that is shipped, or was."""
    return bundle_files_of


@pytest.fixture(scope="session")
def policy_text() -> Callable[[str], str]:
    """The text of a policy that is shipped, or was."""
    return policy_text_of


@pytest.fixture(scope="session")
def key() -> ReceiptKey:
    return ReceiptKey("bank-a.1", bytes(range(32)))


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    return {name: load_bundle(shipped_bundle_files(name)) for name in BUNDLES}


@pytest.fixture(scope="session")
def scorers(bundles: dict[str, Bundle]) -> dict[tuple[str, str], Scorer]:
    policies = {name: parse_policy(shipped_policy_text(name)) for name in ("standard", "paper")}
    return {(b, p): Scorer(bundles[b], policies[p]) for b in bundles for p in policies}


@pytest.fixture(scope="session")
def standard(scorers: dict[tuple[str, str], Scorer]) -> Scorer:
    return scorers["default", "standard"]


@pytest.fixture(scope="session")
def paper(scorers: dict[tuple[str, str], Scorer]) -> Scorer:
    return scorers["paper", "paper"]


@pytest.fixture(scope="session")
def decide_one(key: ReceiptKey) -> Callable[[Scorer, ApplicationVerified], dict[str, Any]]:
    return lambda scorer, event: scorer.decide([event], lambda _: key, "test")[0]
