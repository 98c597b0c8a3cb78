"""Verified applications to decide on, and the shipped artefacts."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from schemas.verification import ApplicationVerified
from scoring.bundle import Bundle, load_bundle
from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text

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
def key() -> ReceiptKey:
    return ReceiptKey("bank-a.1", bytes(range(32)))


@pytest.fixture(scope="session")
def bundles() -> dict[str, Bundle]:
    return {name: load_bundle(shipped_bundle_files(name)) for name in ("default", "paper")}


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
