"""The verify stage: documents are read (bounded, sandboxed, remembered), then a pure check compares claims with them.

What the fast lane has no time for it hands to the slow lane, whose worker is this same stage (`lanes` says how each
reads).
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from processors.identity import Worker
from processors.rejections import withdrawal
from processors.stages.envelope import Accepted, accept, accept_later
from processors.stages.guard import Guard
from processors.stages.verify.lanes import Documents, Read, read_documents
from processors.topics_there import Exists, everywhere
from processors.transport.batches import Batch, Output, Processed
from schemas.application import ApplicationAccepted
from schemas.headers import ORIGIN, child_traceparent, event_headers, header
from schemas.records import Message, Partition, partition_of, place
from schemas.topics import TOPICS
from schemas.values import Event, rfc3339_of_ms, utc_of_ms
from schemas.verification import ApplicationVerified, Lane, VerifyProcessing
from scoring.checks import Verification, verify

T = TypeVar("T")


class VerifyStage:
    """Turns applications into verified applications. One instance a worker; `lane` says which, `exists` whether a topic
    is there.
    """

    def __init__(self, lane: Lane, documents: Documents, worker: Worker, exists: Exists = everywhere) -> None:
        self._lane: Lane = lane
        self._documents = documents
        self._worker = worker
        self._exists = exists
        self._guard = Guard(worker, exists=exists)

    async def __call__(self, batch: Batch) -> Processed:
        """Every record of the batch as a verification, a hand-over to the slow lane, or a dead letter.

        Deferred are partitions of a tenant whose document store is away, and those with an application whose turn is
        yet to come: their records come again.
        """
        accepted, dead = self._guard.each(batch.messages, partial(self._decode, self._worker.now_ms()))
        found = await read_documents(self._lane, self._documents, accepted)
        deferred: dict[Partition, str | None] = {}
        for item, why in found.deferred:
            partition = partition_of(item.message)
            deferred[partition] = deferred.get(partition) or why

        def kept(items: list[T], of: Callable[[T], Message]) -> list[T]:
            return [item for item in items if partition_of(of(item)) not in deferred] if deferred else items

        outputs = [output for _, output in kept(dead, lambda item: item[0])]
        outputs += self._guard.all_or_each(
            kept(found.read, lambda item: item.accepted.message), self._verify, lambda item: item.accepted.message
        )
        outputs += self._hand_over(kept(found.late, lambda item: item.message))
        return Processed(outputs, deferred)

    def _decode(self, now_ms: int, message: Message) -> Accepted:
        return accept(message, now_ms) if self._lane == "fast" else accept_later(message)

    def _verify(self, items: Sequence[Read]) -> list[Output]:
        # Step by step over the batch, not record by record: short loops stay in the processor's caches.
        verified = [verify(item.accepted.application, item.extractions) for item in items]
        finished_ms = self._worker.now_ms()
        events = [self._event(item, found, finished_ms) for item, found in zip(items, verified, strict=True)]
        return self._outputs("verifications", [item.accepted for item in items], events, finished_ms)

    def _event(self, item: Read, found: Verification, finished_ms: int) -> ApplicationVerified:
        return ApplicationVerified(
            application=item.accepted.application,
            accepted_at=utc_of_ms(item.accepted.accepted_ms),
            extractions=item.extractions,
            checks=found.checks,
            verification_result=found.result,
            processing=VerifyProcessing(
                lane=self._lane,
                started_at=utc_of_ms(item.accepted.fast_started_ms),
                finished_at=utc_of_ms(finished_ms),
                worker=self._worker.name,
                code_version=self._worker.code_version,
            ),
        )

    def _hand_over(self, items: Sequence[Accepted]) -> list[Output]:
        events = [
            ApplicationAccepted(
                application=item.application,
                accepted_at=utc_of_ms(item.accepted_ms),
                fast_lane_started_at=utc_of_ms(item.fast_started_ms),
            )
            for item in items
        ]
        return self._outputs("applications_slow", items, events, self._worker.now_ms())

    def _outputs(self, topic: str, of: Sequence[Accepted], events: Sequence[Event], now_ms: int) -> list[Output]:
        values = [event.model_dump_json(exclude_none=True).encode() for event in events]
        kind, now = TOPICS[topic], rfc3339_of_ms(now_ms)
        outputs = [
            Output(
                kind.name(item.application.tenant),
                item.message.key(),
                value,
                self._headers(kind.event, item.message, now),
                partition_of(item.message),
            )
            for item, value in zip(of, values, strict=True)
        ]
        return outputs + self._withdrawals(of)

    def _withdrawals(self, taken: Sequence[Accepted]) -> list[Output]:
        """What banks are told of records that were rejected before and are taken now."""
        made = [withdrawal(item.message, item.application.application_id, self._worker) for item in taken]
        return [told for told in made if told is not None and self._exists(told.topic)]

    def _headers(self, event: str, message: Message, now: str) -> list[tuple[str, bytes]]:
        at = place(message)
        return event_headers(
            event=event,
            event_id=f"{self._worker.stage}:{at}",
            source=f"loanstream/{self._worker.stage}",
            subject=(message.key() or b"").decode(),
            time=now,
            traceparent=child_traceparent(message.headers(), at, self._worker.stage),
            # A bank's own header of that name says nothing: the fast lane reads what it sent.
            origin=at.encode() if self._lane == "fast" else header(message.headers(), ORIGIN),
        )
