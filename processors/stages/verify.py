"""The verify stage: documents are read (bounded, sandboxed, remembered), then a pure check compares claims with them.

The fast lane spends at most `FAST_BUDGET_S` a batch on documents and hands what is left to the slow lane, whose worker
is this same stage with another budget.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from processors.deadletters import Worker, partition_of, place
from processors.stages.envelope import Accepted, accept, check_addressed
from processors.stages.guard import Guard
from processors.transport.messages import Batch, Message, Output, Processed
from schemas.application import ApplicationAccepted, DocumentRef
from schemas.decode import decode_own
from schemas.headers import child_traceparent, event_headers
from schemas.topics import TOPICS
from schemas.values import Event, ms_of_utc, rfc3339_of_ms, utc_of_ms
from schemas.verification import ApplicationVerified, Extraction, Lane, VerifyProcessing
from scoring.checks import check_claims, verification_result

FAST_BUDGET_S = 0.300
"""What the fast lane spends on the documents of one batch, in seconds."""

SLOW_DOCUMENT_S = 6.0
"""What the slow lane spends on one document, in seconds."""


class StoreUnavailable(Exception):
    """The document store cannot be asked now; nothing may be concluded from that."""


class Documents(Protocol):
    """Where extractions come from."""

    async def extraction(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:
        """What a tenant's document says; None where `deadline` (monotonic seconds) passed first in the fast lane.

        Raises `StoreUnavailable`.
        """


@dataclass(frozen=True, slots=True)
class _Read:
    """An application whose documents have all been read."""

    accepted: Accepted
    extractions: tuple[Extraction, ...]


class VerifyStage:
    """Turns applications into verified applications. One instance a worker; `lane` says which."""

    def __init__(self, lane: Lane, documents: Documents, worker: Worker) -> None:
        self._lane: Lane = lane
        self._documents = documents
        self._worker = worker
        self._guard = Guard(worker)

    async def __call__(self, batch: Batch) -> Processed:
        """Every record of the batch as a verification, a hand-over to the slow lane, or a dead letter.

        Partitions of a tenant whose document store is away are deferred: their records come again.
        """
        accepted, dead = self._guard.each(batch.messages, self._decode)
        read, late, away = await self._read_all(accepted)
        deferred = frozenset(partition_of(item.message) for item in away)

        def now(message: Message) -> bool:
            return partition_of(message) not in deferred

        outputs = [output for message, output in dead if now(message)]
        outputs += self._guard.all_or_each(
            [item for item in read if now(item.accepted.message)], self._verify, lambda item: item.accepted.message
        )
        outputs += [self._hand_over(item) for item in late if now(item.message)]
        return Processed(outputs, deferred)

    def _decode(self, message: Message) -> Accepted:
        now_ms = self._worker.now_ms()
        if self._lane == "fast":
            return accept(message, now_ms)
        waited = decode_own(ApplicationAccepted, message.value())
        check_addressed(message, waited.application)
        return Accepted(
            message, waited.application, ms_of_utc(waited.accepted_at), ms_of_utc(waited.fast_lane_started_at)
        )

    async def _read_all(self, accepted: Sequence[Accepted]) -> tuple[list[_Read], list[Accepted], list[Accepted]]:
        """The applications whose documents were read in time, those whose were not, those whose store is away."""
        budget_ends = time.monotonic() + FAST_BUDGET_S
        results = await asyncio.gather(
            *(self._read(item, budget_ends) for item in accepted if item.application.documents), return_exceptions=True
        )
        outcome = iter(results)
        read: list[_Read] = []
        late: list[Accepted] = []
        away: list[Accepted] = []
        for item in accepted:
            match next(outcome) if item.application.documents else ():
                case StoreUnavailable():
                    away.append(item)
                case BaseException() as error:
                    raise error
                case None:
                    late.append(item)
                case extractions:
                    read.append(_Read(item, extractions))
        return read, late, away

    async def _read(self, item: Accepted, budget_ends: float) -> tuple[Extraction, ...] | None:
        """All extractions of an application; None where the fast lane's budget ended first."""
        extractions = []
        for ref in item.application.documents:
            deadline = budget_ends if self._lane == "fast" else time.monotonic() + SLOW_DOCUMENT_S
            extraction = await self._documents.extraction(item.application.tenant, ref, self._lane, deadline)
            if extraction is None:
                return None
            extractions.append(extraction)
        return tuple(extractions)

    def _verify(self, items: Sequence[_Read]) -> list[Output]:
        return [self._verified(item) for item in items]

    def _verified(self, item: _Read) -> Output:
        application, message = item.accepted.application, item.accepted.message
        checks = check_claims(application, item.extractions)
        finished_ms = self._worker.now_ms()
        event = ApplicationVerified(
            application=application,
            accepted_at=utc_of_ms(item.accepted.accepted_ms),
            extractions=item.extractions,
            checks=checks,
            verification_result=verification_result(application, item.extractions, checks),
            processing=VerifyProcessing(
                lane=self._lane,
                started_at=utc_of_ms(item.accepted.fast_started_ms),
                finished_at=utc_of_ms(finished_ms),
                worker=self._worker.name,
                code_version=self._worker.code_version,
            ),
        )
        return self._output("verifications", message, application.tenant, event, finished_ms)

    def _hand_over(self, item: Accepted) -> Output:
        event = ApplicationAccepted(
            application=item.application,
            accepted_at=utc_of_ms(item.accepted_ms),
            fast_lane_started_at=utc_of_ms(item.fast_started_ms),
        )
        now_ms, tenant = self._worker.now_ms(), item.application.tenant
        return self._output("applications_slow", item.message, tenant, event, now_ms)

    def _output(self, topic: str, message: Message, tenant: str, event: Event, now_ms: int) -> Output:
        headers = event_headers(
            event=TOPICS[topic].event,
            event_id=f"{self._worker.stage}:{place(message)}",
            source=f"loanstream/{self._worker.stage}",
            subject=(message.key() or b"").decode(),
            time=rfc3339_of_ms(now_ms),
            traceparent=child_traceparent(message.headers(), place(message), self._worker.stage),
        )
        value = event.model_dump_json(exclude_none=True).encode()
        return Output(TOPICS[topic].name(tenant), message.key(), value, headers, partition_of(message))
