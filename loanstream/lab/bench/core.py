"""How many decisions a second the scoring core makes on one core: all points, principal reasons, the receipt, and the
bytes; and how many with recourse.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson

from loanstream.worker import calm_collector
from producers.synthetic.applications import Shares, synthesise
from registry.named import load
from schemas.verification import ApplicationVerified, VerifyProcessing
from scoring.checks import verify
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey

EVENTS = 5_000
BATCH = 500
ROUNDS = 15


def events(count: int) -> list[ApplicationVerified]:
    """Verified applications without documents, as the score stage reads them."""
    now = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    processing = VerifyProcessing(lane="fast", started_at=now, finished_at=now, worker="bench", code_version="bench")
    made = []
    for item in synthesise(count, 7, "bank-a", Shares(0, 0.05, 0, 0, 0), now):
        application = item.application.model_copy(update={"documents": ()})
        found = verify(application, ())
        made.append(
            ApplicationVerified(
                application=application,
                accepted_at=now,
                checks=found.checks,
                verification_result=found.result,
                processing=processing,
            )
        )
    return made


def core_decisions_per_s(bundle: str = "default", policy: str = "standard", count: int = EVENTS) -> float:
    """Decisions a second of processor time (one thread), without recourse: the quickest of some rounds over the same
    events.

    Neighbours on a shared machine only ever slow a round down; the same code was seen at half its speed a minute later.
    """
    loaded, rows = load(bundle, policy)
    return _decisions_per_s(Scorer(loaded, replace(rows, recourse="none")), events(count))


def core_with_recourse_decisions_per_s(bundle: str = "default", policy: str = "standard", count: int = EVENTS) -> float:
    """The same with recourse, of applications whose documents support their claims: of others nothing is searched. No
    rule declines by the CIBIL score, so that recourse is searched for every application that the model declines.
    """
    loaded, rows = load(bundle, policy)
    searched = tuple(rule for rule in rows.rules if rule.condition.name != "cibil_score")
    verified = [event.model_copy(update={"verification_result": "verified"}) for event in events(count)]
    return _decisions_per_s(Scorer(loaded, replace(rows, rules=searched)), verified)


def _decisions_per_s(scorer: Scorer, batch_of: Sequence[ApplicationVerified]) -> float:
    key, count = ReceiptKey("bench", b"k" * 32), len(batch_of)
    calm_collector()  # as a worker does once it has loaded everything
    rates = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for first in range(0, count, BATCH):
            for decision in scorer.decide(batch_of[first : first + BATCH], lambda _: key, "bench"):
                orjson.dumps(decision)
        rates.append(count / (time.process_time() - started))
    return max(rates)
