"""The score stage: which bundle and policy decide, then one pure call a group; the stage adds only who and when."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from processors.identity import Worker
from processors.stages.envelope import check_addressed
from processors.stages.guard import Guard
from processors.transport.batches import Batch, Output, Processed
from registry.history import InForce
from registry.port import Activations
from registry.scorers import Loaded, Unusable
from schemas.decode import decode_own
from schemas.headers import ORIGIN, child_traceparent, event_headers, header
from schemas.problem import Problem
from schemas.records import Message, Partition, partition_of, place
from schemas.topics import TOPICS
from schemas.values import ms_of_utc, rfc3339, rfc3339_of_ms
from schemas.verification import ApplicationVerified, VerifyProcessing
from scoring.decision import Scorer
from scoring.receipt import ReceiptKey


@dataclass(frozen=True, slots=True)
class _Verified:
    """A verified application with the record it came in."""

    message: Message
    event: ApplicationVerified
    accepted_ms: int


class ScoreStage:
    """Turns verified applications into decisions."""

    def __init__(
        self, activations: Activations, scorers: Loaded, keys: Callable[[str], ReceiptKey], worker: Worker
    ) -> None:
        self._activations = activations
        self._scorers = scorers
        self._keys = keys
        self._worker = worker
        self._guard = Guard(worker)

    async def __call__(self, batch: Batch) -> Processed:
        """Every record of the batch as a decision or a dead letter.

        Deferred are partitions with an application for which nothing is in force, whose bundle or policy is missing or
        does not load, or whose bank's keys are not there. Which version decides follows from the history alone: so they
        wait, and nothing is skipped.
        """
        started_ms = self._worker.now_ms()
        verified, dead = self._guard.each(batch.messages, decode_verified)
        if verified:
            await self._activations.wait_for(max(item.accepted_ms for item in verified))
        groups, deferred = self._chosen(verified)
        made = {id(message): output for message, output in dead}
        for scorer, items in groups:
            decided = [item for item in items if partition_of(item.message) not in deferred] if deferred else items
            decide = partial(self._decide, scorer, started_ms)
            outputs = self._guard.all_or_each(decided, decide, lambda item: item.message)
            made |= {id(item.message): output for item, output in zip(decided, outputs, strict=True)}
        kept = [message for message in batch.messages if partition_of(message) not in deferred]
        # In the order of the input: two revisions of an application must not change places between two groups.
        return Processed([made[id(message)] for message in kept], deferred)

    def _chosen(
        self, verified: Sequence[_Verified]
    ) -> tuple[list[tuple[Scorer, list[_Verified]]], dict[Partition, str]]:
        """The applications by what decides them; and the partitions with some that cannot be decided now, and why."""
        groups: dict[InForce, list[_Verified]] = defaultdict(list)
        deferred: dict[Partition, str] = {}
        for item in verified:
            tenant = item.event.application.tenant
            try:
                self._keys(tenant)
                groups[self._activations.in_force(tenant, item.accepted_ms)].append(item)
            except Problem as why:
                deferred[partition_of(item.message)] = str(why)
        loaded = []
        for chosen, items in groups.items():
            try:
                loaded.append((self._scorers.of(chosen), items))
            except Unusable as why:
                deferred |= dict.fromkeys((partition_of(item.message) for item in items), str(why))
        return loaded, deferred

    def _decide(self, scorer: Scorer, started_ms: int, items: Sequence[_Verified]) -> list[Output]:
        decisions = scorer.decide([item.event for item in items], self._keys, self._worker.code_version)
        finished_ms = self._worker.now_ms()
        started, finished = rfc3339_of_ms(started_ms), rfc3339_of_ms(finished_ms)
        # Step by step over the batch, as the scorer does it: short loops stay in the processor's caches.
        for item, decision in zip(items, decisions, strict=True):
            decision["processing"] = self._processing(item, started, finished)
        values = [orjson.dumps(decision) for decision in decisions]
        return [
            self._output(item.message, decision, value, finished)
            for item, decision, value in zip(items, decisions, values, strict=True)
        ]

    def _processing(self, item: _Verified, started: str, finished: str) -> dict[str, Any]:
        verify: VerifyProcessing = item.event.processing
        return {
            "lane": verify.lane,
            "verify_started_at": rfc3339(verify.started_at),
            "verify_finished_at": rfc3339(verify.finished_at),
            "score_started_at": started,
            "score_finished_at": finished,
            "verify_worker": verify.worker,
            "score_worker": self._worker.name,
            "code_version": self._worker.code_version,
        }

    def _output(self, message: Message, decision: dict[str, Any], value: bytes, finished: str) -> Output:
        headers = event_headers(
            event="loan.decision.made",
            event_id=decision["decision_id"],
            source="loanstream/score",
            subject=decision["application_id"],
            time=finished,
            traceparent=child_traceparent(message.headers(), place(message), "score"),
            origin=header(message.headers(), ORIGIN),
        )
        topic = TOPICS["decisions"].name(decision["tenant"])
        tallied = ("decisions", str(decision["outcome"]))
        return Output(topic, message.key(), value, headers, partition_of(message), tallied)


def decode_verified(message: Message) -> _Verified:
    """The verified application in a record. Raises `Undecodable`."""
    event = decode_own(ApplicationVerified, message.value())
    check_addressed(message, event.application)
    return _Verified(message, event, ms_of_utc(event.accepted_at))
