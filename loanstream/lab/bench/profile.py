"""Where a decision's time goes, from the bytes of an application to those of its decision: both stages, no broker."""

import time
from collections.abc import Callable
from typing import Any

import orjson

from loanstream.lab.bench.core import events
from loanstream.lab.bench.stages import KEY, default_scorer, outputs_of, score_stage, verify_stage
from loanstream.terminal import console, table
from loanstream.worker import calm_collector
from processors.stages.envelope import accept
from schemas.decode import check_json, decode_own
from schemas.records import LOG_APPEND_TIME, MemoryMessage, Message
from schemas.topics import TOPICS
from schemas.verification import ApplicationVerified
from scoring.canonical import application_bytes
from scoring.checks import verify as verify_claims
from scoring.features import feature_matrix

RECORDS = 50
ROUNDS = 400


def profile() -> dict[str, dict[str, float]]:
    """Microseconds of processor time a record for each step of each stage, in batches of 50: the best of some rounds.

    `rest` is what a stage takes beside its named steps: making events, headers and traces, grouping, freeing it all.
    """
    scorer = default_scorer()
    verify, score = verify_stage(), score_stage(scorer)
    applications = _messages()
    verified = [_delivered(output, at) for at, output in enumerate(outputs_of(verify, applications))]
    facts = [decode_own(ApplicationVerified, message.value()) for message in verified]
    made = scorer.decide(facts, lambda _: KEY, "bench")
    accepted = [accept(message, 0) for message in applications]
    matrix = feature_matrix([event.application for event in facts])
    calm_collector()  # as a worker does once it has loaded everything
    return {
        "verify": _steps(
            lambda: outputs_of(verify, applications),
            {
                "strict JSON (keys once, finite numbers)": lambda: [check_json(m.value() or b"") for m in applications],
                "decode and check the application": lambda: [accept(m, 0) for m in applications],
                "claims against documents (none here)": lambda: [verify_claims(a.application, ()) for a in accepted],
                "write the event": lambda: [event.model_dump_json(exclude_none=True) for event in facts],
            },
            within={"strict JSON (keys once, finite numbers)": "decode and check the application"},
        ),
        "score": _steps(
            lambda: outputs_of(score, verified),
            {
                "decode our own event": lambda: [decode_own(ApplicationVerified, m.value()) for m in verified],
                "features": lambda: feature_matrix([event.application for event in facts]),
                "model, calibration, contributions": lambda: scorer.bundle.raw(matrix[:, scorer.bundle.columns]),
                "receipt: canonical bytes and hashes": lambda: [
                    KEY.hash(application_bytes(event.application)) for event in facts
                ],
                "decide (all of it)": lambda: scorer.decide(facts, lambda _: KEY, "bench"),
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
    times = _best({**steps, "total": whole})
    rest = times["total"] - sum(times[name] for name in steps if name not in within)
    ordered = {**{name: times[name] for name in steps}, "rest": rest, "total": times["total"]}
    return {name: round(taken, 1) for name, taken in ordered.items()}


def _best(steps: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The quickest of some rounds of each, all in turn: on a machine whose speed changes they would not add up else."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, step in steps.items():
            started = time.process_time()
            step()
            taken[name].append(time.process_time() - started)
    return {name: min(times) / RECORDS * 1e6 for name, times in taken.items()}


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
