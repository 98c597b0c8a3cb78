"""Where a decision's time goes, from the bytes of an application to those of its decision: both stages, no broker."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, cast

import orjson

from loanstream.artefacts import load
from loanstream.bench.core import events
from loanstream.show import console, table
from loanstream.worker import calm_collector
from processors.activations import InForce
from processors.control import ControlReader
from processors.identity import Worker
from processors.stages.envelope import LOG_APPEND_TIME, accept
from processors.stages.lanes import Documents
from processors.stages.score import Scorers, ScoreStage
from processors.stages.verify import VerifyStage
from processors.transport.messages import Batch, MemoryMessage, Message, Processed
from schemas.decode import check_json, decode_own
from schemas.topics import TOPICS
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes
from scoring.checks import check_claims
from scoring.decision import Scorer
from scoring.features import feature_matrix
from scoring.receipt import ReceiptKey

RECORDS = 50
ROUNDS = 400


class _OnePolicy:
    """What the score stage asks of control topic and artefacts, where one bundle and policy decide for ever."""

    def __init__(self, scorer: Scorer) -> None:
        self.of: Callable[[InForce], Scorer] = lambda _: scorer

    async def wait_for(self, _: int) -> None:
        """Nothing to wait for."""

    def in_force(self, *_: object) -> InForce:
        """Always the same."""
        return InForce("bench", "bench")


def profile() -> dict[str, dict[str, float]]:
    """Microseconds of processor time a record for each step of each stage, in batches of 50: the best of some rounds.

    `rest` is what a stage takes beside its named steps: making events, headers and traces, grouping, freeing it all.
    """
    scorer, key = Scorer(*load("default", "standard")), ReceiptKey("bench", b"k" * 32)
    policy = _OnePolicy(scorer)
    verify = VerifyStage("fast", cast(Documents, None), Worker("verify", "verify-0", "bench"))
    score = ScoreStage(
        cast(ControlReader, policy), cast(Scorers, policy), lambda _: key, Worker("score", "score-0", "bench")
    )
    applications = _messages()
    verified = [_delivered(output, at) for at, output in enumerate(_run(verify, applications).outputs)]
    facts = [decode_own(ApplicationVerified, message.value()) for message in verified]
    made = scorer.decide(facts, lambda _: key, "bench")
    accepted = [accept(message, 0) for message in applications]
    matrix = feature_matrix([event.application for event in facts])
    calm_collector()  # as a worker does once it has loaded everything
    return {
        "verify": _steps(
            lambda: _run(verify, applications),
            {
                "strict JSON (keys once, finite numbers)": lambda: [check_json(m.value() or b"") for m in applications],
                "decode and check the application": lambda: [accept(m, 0) for m in applications],
                "claims against documents (none here)": lambda: [check_claims(a.application, ()) for a in accepted],
                "write the event": lambda: [event.model_dump_json(exclude_none=True) for event in facts],
            },
            within={"strict JSON (keys once, finite numbers)": "decode and check the application"},
        ),
        "score": _steps(
            lambda: _run(score, verified),
            {
                "decode our own event": lambda: [decode_own(ApplicationVerified, m.value()) for m in verified],
                "features": lambda: feature_matrix([event.application for event in facts]),
                "model, calibration, contributions": lambda: scorer.bundle.raw(matrix[:, scorer.bundle.columns]),
                "receipt: canonical bytes and hashes": lambda: [
                    key.hash(application_bytes(event.application)) for event in facts
                ],
                "decide (all of it)": lambda: scorer.decide(facts, lambda _: key, "bench"),
                "write the decision": lambda: [orjson.dumps(decision) for decision in made],
            },
            within=dict.fromkeys(
                ("features", "model, calibration, contributions", "receipt: canonical bytes and hashes"),
                "decide (all of it)",
            ),
        ),
    }


def _steps(
    whole: Callable[[], object], steps: dict[str, Callable[[], object]], within: dict[str, str]
) -> dict[str, float]:
    """Each step's time, that of the whole, and what no step accounts for; `within` names steps that are part of one."""
    times = {name: _best(step) for name, step in steps.items()}
    total = _best(whole)
    rest = total - sum(taken for name, taken in times.items() if name not in within)
    return {name: round(taken, 1) for name, taken in {**times, "rest": rest, "total": total}.items()}


def _best(step: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        step()
        taken.append(time.process_time() - started)
    return min(taken) / RECORDS * 1e6


_LOOP = asyncio.Runner()


def _run(stage: Callable[[Batch], Coroutine[Any, Any, Processed]], messages: list[Message]) -> Processed:
    return _LOOP.run(stage(Batch(messages, 0)))


def _messages() -> list[Message]:
    """Applications as their records come from the broker."""
    now_ms = time.time_ns() // 1_000_000
    topic = TOPICS["applications"].name("bank-a")
    return [
        MemoryMessage(
            topic,
            0,
            offset,
            event.application.application_id.encode(),
            event.application.model_dump_json(exclude_none=True).encode(),
            None,
            (LOG_APPEND_TIME, now_ms),
        )
        for offset, event in enumerate(events(RECORDS))
    ]


def _delivered(output: Any, offset: int) -> Message:
    return MemoryMessage(output.topic, 0, offset, output.key, output.value, output.headers, (LOG_APPEND_TIME, 0))


if __name__ == "__main__":
    for stage, steps in profile().items():
        console().print(table(stage, "step", "µs a record", rows=list(steps.items())))
