"""The two kinds of worker, put together: what an agent does with each item that its source delivers."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any, NoReturn, Protocol

from processors.transport.batches import Batch, Output, Processed, spans
from processors.transport.journal import InFlightJournal
from processors.transport.ledger import Ledger
from processors.transport.logs import place_of
from processors.transport.meters import Meters
from processors.transport.parts import WorkerParts
from processors.transport.range_source import RangeSource, RangeWork
from processors.transport.ranges import OffsetRange
from processors.transport.runtime import Die, Progress
from processors.transport.sink import TransactionalSink
from processors.transport.source import KafkaSource
from processors.transport.specs import RangeSpec, Retry, StageSpec, WorkerKafka
from schemas.records import Message, Partition, named, partition_of

log = logging.getLogger(__name__)

BACKOFF_S = (0.2, 2.0)


class StageFailedError(Exception):
    """`process` or `write` raised: a bug of ours. Says type and place, never the text, which may hold data."""


class Host(Protocol):
    """What the Faust app needs of a worker."""

    meters: Meters
    progress: Progress

    async def prepare(self) -> None:
        """Awaited before `start`."""
        ...

    def start(self, deliver: Callable[[Any], None]) -> None:
        """Begin; every item for the agent goes to `deliver`, from another thread."""
        ...

    async def work(self, item: Any) -> None:
        """What the agent does with an item. Raises StageFailedError for a bug; then the worker must stop."""
        ...

    def stop(self) -> None:
        """Finish what is open (10 s at most; nothing, after a failure) and end the threads. Blocks."""
        ...

    async def close(self) -> None:
        """Awaited last, after `stop` and the agent's end."""
        ...


def host_of(spec: StageSpec | RangeSpec, kafka: WorkerKafka, slot: int, slot_dir: Path, die: Die) -> Host:
    """The worker that runs `spec` in `slot`, whose lock is held."""
    match spec:
        case StageSpec():
            return StageHost(spec, kafka, slot, slot_dir, die)
        case RangeSpec():
            return RangeHost(spec, kafka, slot, die)


class StageHost:
    """A worker whose outputs go to Kafka."""

    def __init__(self, spec: StageSpec, kafka: WorkerKafka, slot: int, slot_dir: Path, die: Die) -> None:
        self._spec = spec
        self._failed = False
        self._ledger = Ledger()
        self._journal = InFlightJournal(slot_dir / f"{spec.name}-{slot}.inflight")

        def clear_and_die(line: str) -> NoReturn:
            self._journal.clear()  # the batch in hand is not why we end
            die(line)

        parts = WorkerParts.of(spec, kafka, slot, clear_and_die)
        self.meters, self.progress = parts.meters, parts.progress
        self._source = KafkaSource(spec, parts, self._ledger, self._journal)
        self._sink = TransactionalSink(spec, parts, self._ledger, self._journal)

    async def prepare(self) -> None:
        """What the stage wants to be done before it joins its group."""
        if self._spec.prepare is not None:
            await self._spec.prepare()

    def start(self, deliver: Callable[[Batch], None]) -> None:
        """Fence former holders of the slot, then poll."""
        self._sink.start()
        self._source.start(deliver, self._sink.wait_until_ready, self._sink.wait_until_rested, self._sink.doubt)

    async def work(self, item: Batch) -> None:
        """Process what is still live of a batch and give it to the sink."""
        live = self._ledger.live(item.number)
        if not live:
            self._ledger.settle(item.number)
            return
        if not item.messages:
            self._sink.write(item, live, [])
            return
        batch = item if len(live) == len(item.spans) else _part_of(item, live)
        began = time.monotonic()
        try:
            processed = await self._process(batch)
        except Exception as error:  # noqa: BLE001 - whatever a bug raises, its text stays inside
            self._failed = True
            self._source.halt()
            raise StageFailedError(place_of(error)) from None
        self._journal.clear()
        self.meters.observe("batch_seconds", time.monotonic() - began)
        if processed.deferred:
            self._defer(item, processed)
        self._sink.write(item, live.difference(processed.deferred), processed.outputs)

    def stop(self) -> None:
        """Commit what is open, unless the stage failed, and leave."""
        self._source.stop()
        self._sink.stop()
        if not self._failed:
            self._journal.clear()
        self._journal.close()

    async def close(self) -> None:
        """What the stage wants to be done after its last batch."""
        if self._spec.close is not None:
            await self._spec.close()

    def _defer(self, item: Batch, processed: Processed) -> None:
        reasons = processed.deferred.values()
        self.meters.add("deferred_down", sum(why is not None for why in reasons))
        self.meters.add("deferred_turn", sum(why is None for why in reasons))
        for sentence in self.progress.deferred(processed.deferred):
            log.warning("deferred: %s", sentence)
        self._ledger.defer(item.number, processed.deferred)

    async def _process(self, batch: Batch) -> Processed:
        if self._journal.suspects() & batch.spans.keys():
            return await self._one_by_one(batch)
        self._journal.begin(batch.spans)
        self.progress.doing(f"processing records of {named(batch.spans)}")
        return await self._spec.process(batch)

    async def _one_by_one(self, batch: Batch) -> Processed:
        """Process a batch in which a record may crash us: should it do so again, the journal names it alone."""
        outputs: dict[Partition, list[Output]] = {place: [] for place in batch.spans}
        deferred: dict[Partition, str | None] = {}
        for message in batch.messages:
            place = partition_of(message)
            if place not in deferred:
                alone = Batch([message], batch.number, spans([message]), batch.fence)
                processed = await self._process_alone(alone)
                outputs[place] += processed.outputs
                deferred.update(processed.deferred)
        kept = [output for place, made in outputs.items() if place not in deferred for output in made]
        return Processed(kept, deferred)

    async def _process_alone(self, alone: Batch) -> Processed:
        answer = self._answer_to_crashing(alone.messages[0])
        if answer is not None:
            return Processed([answer])
        self._journal.begin(alone.spans)
        return await self._spec.process(alone)

    def _answer_to_crashing(self, message: Message) -> Output | None:
        if self._spec.crashed is None:
            return None
        if not self._journal.crashes_worker(partition_of(message), message.offset()):
            return None
        log.error("%s[%d]@%d crashes its worker", message.topic(), message.partition(), message.offset())
        self.meters.add("crashing_records")
        return self._spec.crashed(message)


def _part_of(batch: Batch, live: frozenset[Partition]) -> Batch:
    messages = [message for message in batch.messages if partition_of(message) in live]
    covered = {place: span for place, span in batch.spans.items() if place in live}
    return Batch(messages, batch.number, covered, batch.fence)


class RangeHost:
    """A worker that writes planned ranges elsewhere."""

    def __init__(self, spec: RangeSpec, kafka: WorkerKafka, slot: int, die: Die) -> None:
        self._spec = spec
        parts = WorkerParts.of(spec, kafka, slot, die)
        self.meters, self.progress = parts.meters, parts.progress
        self._source = RangeSource(spec, parts)

    async def prepare(self) -> None:
        """Nothing: `RangeSpec.prepare` is for each range."""

    def start(self, deliver: Callable[[RangeWork], None]) -> None:
        """Poll."""
        self._source.start(deliver)

    async def work(self, item: RangeWork) -> None:
        """Write the ranges in order; while what they are written to is down, try the same one again."""
        try:
            async with aclosing(self._prepared(item)) as prepared:
                async for planned, ready in prepared:
                    if not await self._write(item, planned, ready):
                        break
                    item.written += 1
        except Exception as error:  # noqa: BLE001 - whatever a bug raises, its text stays inside
            self._source.halt()
            raise StageFailedError(place_of(error)) from None
        finally:
            item.finished()

    def stop(self) -> None:
        """Commit what is written and leave."""
        self._source.stop()

    async def close(self) -> None:
        """Nothing."""

    async def _prepared(self, item: RangeWork) -> AsyncGenerator[tuple[OffsetRange, Any], None]:
        """Each range, made ready while the one before it is written."""
        coming = self._preparing(item.ranges)
        try:
            for number, (planned, _) in enumerate(item.ranges, 1):
                ready = await coming
                coming = self._preparing(item.ranges[number:])
                yield planned, ready
        finally:
            # A thread cannot be called back; and what it raises holds data, so it must not stay unread.
            await asyncio.gather(coming, return_exceptions=True)

    def _preparing(self, left: list[tuple[OffsetRange, list[Message]]]) -> asyncio.Task[Any]:
        messages = left[0][1] if left else []
        return asyncio.create_task(asyncio.to_thread(self._spec.prepare, messages))

    async def _write(self, item: RangeWork, planned: OffsetRange, ready: Any) -> bool:
        wait, longest = BACKOFF_S
        where = f"{planned.topic}[{planned.partition}] {planned.start} to {planned.end}"
        why: str | None = None
        while not item.given_up:
            began = time.monotonic()
            if why is None:
                self.progress.doing(f"writing {where}")
            try:
                await asyncio.to_thread(self._spec.write, planned, ready)
            except Retry as reason:
                if str(reason) != why:
                    why = str(reason)
                    self.progress.doing(f"writing {where} again and again: {why}")
                self.meters.add("retries")
                log.warning("%s waits: %s", planned.token, reason)
            else:
                self.progress.doing(None)
                self.meters.observe("batch_seconds", time.monotonic() - began)
                self.meters.tally(self._spec.made())
                return True
            await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 - spreads the workers' attempts
            wait = min(wait * 2, longest)
        return False
