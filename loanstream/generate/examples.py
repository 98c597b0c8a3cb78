"""The examples that follow from the one with documents: `python -m loanstream.generate.examples` makes them.

The stages' own code makes them, so that an example never tells of a field or a reason that the service does not have.
Not part of `loanstream.generate.files --check`: a newly trained bundle makes an old example no less valid.
"""

import asyncio
import hashlib
import json
from itertools import count
from pathlib import Path
from typing import Any

from loanstream.generate.files import EXAMPLES, ROOT
from processors.identity import Worker
from processors.readers.text.reading import read_document
from processors.stages.verify.stage import VerifyStage
from processors.transport.batches import Batch
from schemas.application import ApplicationAccepted, DocumentRef, LoanApplication
from schemas.decode import decode
from schemas.records import LOG_APPEND_TIME, MemoryMessage
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms, utc_of_ms
from schemas.verification import ApplicationVerified, ExtractedField, Extraction, Lane
from scoring.bundle import load_bundle
from scoring.decision import Scorer
from scoring.policy_document import parse_policy
from scoring.receipt import ReceiptKey
from scoring.shipped import shipped_bundle_files, shipped_policy_text

SUBMITTED = "loan.application.submitted.with-documents"
ACCEPTED_MS = 1_770_715_800_120
"""When the broker took the example, milliseconds since 1970; everything after it happens at fixed distances."""

CODE_VERSION = "0.1.0"
READER = "text-layer-1"
"""The reader the examples name, so that their evidence and its hashes stay; that of a running service is `text`."""


class _Shelf:
    """The examples' documents, read without a sandbox: they are our own."""

    parallel = 1

    async def extraction(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:  # noqa: ARG002 - the port's signature
        found = read_document((ROOT / EXAMPLES / "documents" / f"{ref.sha256}.pdf").read_bytes(), ref.kind)
        return Extraction(
            sha256=ref.sha256,
            kind=ref.kind,
            status="read",
            reader=READER,
            lane=lane,
            pages=found.pages,
            fields=tuple(
                ExtractedField(name=one.name, value=one.value, confidence=one.confidence, page=one.page)
                for one in found.fields
            ),
            findings=found.findings,
        )


def accepted() -> dict[str, Any]:
    """`loan.application.accepted`, as the fast lane would hand the example over."""
    application = decode(LoanApplication, _submitted()).model_copy(update={"monitoring": None})
    event = ApplicationAccepted(
        application=application,
        accepted_at=utc_of_ms(ACCEPTED_MS),
        fast_lane_started_at=utc_of_ms(ACCEPTED_MS + 9),
    )
    return event.model_dump(mode="json", exclude_none=True)


def verified() -> dict[str, Any]:
    """`loan.application.verified`, as the verify stage makes it of the example."""
    data = _submitted()
    clock = count(ACCEPTED_MS + 9, 17)
    worker = Worker("verify", "verify-0", CODE_VERSION, lambda: next(clock))
    key = json.loads(data)["application_id"].encode()
    topic = TOPICS["applications"].name(json.loads(data)["tenant"])
    message = MemoryMessage(topic, 0, 0, key, data, [], (LOG_APPEND_TIME, ACCEPTED_MS))
    processed = asyncio.run(VerifyStage("fast", _Shelf(), worker)(Batch([message])))
    made: dict[str, Any] = json.loads(processed.outputs[0].value or b"")
    return made


def decided(event: dict[str, Any]) -> dict[str, Any]:
    """`loan.decision.made` on a verified example, by the default bundle and the standard policy."""
    scorer = Scorer(load_bundle(shipped_bundle_files("default")), parse_policy(shipped_policy_text("standard")))
    key = ReceiptKey("bank-a-1", hashlib.sha256(b"a key for examples, which signs nothing else").digest())
    verification = decode(ApplicationVerified, json.dumps(event).encode())
    (decision,) = scorer.decide([verification], lambda _: key, CODE_VERSION)
    processing = {
        "lane": verification.processing.lane,
        "verify_started_at": event["processing"]["started_at"],
        "verify_finished_at": event["processing"]["finished_at"],
        "score_started_at": rfc3339_of_ms(ACCEPTED_MS + 48),
        "score_finished_at": rfc3339_of_ms(ACCEPTED_MS + 52),
        "verify_worker": verification.processing.worker,
        "score_worker": "score-0",
        "code_version": CODE_VERSION,
    }
    return {**decision, "processing": processing}


def _submitted() -> bytes:
    return (ROOT / EXAMPLES / f"{SUBMITTED}.json").read_bytes()


def _write(name: str, value: dict[str, Any]) -> None:
    path: Path = ROOT / EXAMPLES / f"{name}.json"
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """Write the three examples anew."""
    verification = verified()
    made = {
        "loan.application.accepted": accepted(),
        "loan.application.verified": verification,
        "loan.decision.made": decided(verification),
    }
    for name, value in made.items():
        _write(name, value)


if __name__ == "__main__":
    main()
