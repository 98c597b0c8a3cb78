"""The sink: the commit thread. The only thread that touches the producer.

Whatever was processed while the last transaction was committed goes into the next one together: a processed record
never waits for more than the transaction under way and its own.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from processors.transport.batches import Batch, Output
from processors.transport.journal import InFlightJournal
from processors.transport.ledger import Ledger
from processors.transport.logs import place_of
from processors.transport.parts import WorkerParts
from processors.transport.runtime import Watchdog
from processors.transport.specs import StageSpec
from schemas.records import Partition, named, partition_of
from schemas.topics import RECORD_MAX_BYTES

log = logging.getLogger(__name__)

CALL_S = 5.0
RETRY_S = 6.0
"""Longer than the transaction's own timeout: by then the broker has given it up, and only a new producer can go on."""
LOOK_UP_S = 2.0
STOP_S = 3.0
REST_SHARE = 0.25
REST_MOST_S = 0.1
"""What arrived during a long transaction (of many partitions) is worth waiting for: else the next takes a few records
that were quick, and all others wait for the one after it."""


@dataclass(frozen=True, slots=True)
class _Written:
    batch: Batch
    handled: frozenset[Partition]
    outputs: list[Output]


class _Abort(Exception):
    """The transaction must be aborted; its batch is processed again."""


class TransactionalSink:
    """Takes processed batches in order and commits outputs and input offsets together, or neither.

    Errors: abortable ones abort and rewind; retriable ones repeat the call for 6 s; anything else ends the process.
    """

    def __init__(self, spec: StageSpec, parts: WorkerParts, ledger: Ledger, journal: InFlightJournal) -> None:
        self._spec, self._ledger, self._journal = spec, ledger, journal
        self._meters, self._progress, self._die = parts.meters, parts.progress, parts.die
        self._settings: dict[str, Any] = {
            **parts.kafka.settings,
            "client.id": parts.member.name,
            "transactional.id": parts.member.name,
            "transaction.timeout.ms": 5_000,
            "message.max.bytes": RECORD_MAX_BYTES,
            # After a commit the coordinator still writes markers; librdkafka waits this long (by default 100 ms)
            # before it asks again, and every transaction would pay it.
            "retry.backoff.ms": 5,
            "retry.backoff.max.ms": 500,
            "linger.ms": 0,
        }
        self._work: queue.SimpleQueue[_Written | None] = queue.SimpleQueue()
        self._next: _Written | None = None
        self._known_topics: set[str] = set()
        self._rested_at = 0.0
        self._watchdog = Watchdog(parts.die)
        self._doubted = threading.Event()
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)

    def start(self) -> None:
        """Begin: fence former holders of the slot's transactional id as soon as the broker answers."""
        self._watchdog.start()
        self._thread.start()

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait until former holders are fenced: only then may committed offsets be read."""
        return self._ready.wait(timeout)

    def wait_until_rested(self) -> None:
        """Wait until the next transaction may begin, so that what is polled then need not wait for it."""
        self._stopping.wait(self._rested_at - time.monotonic())

    def write(self, batch: Batch, handled: frozenset[Partition], outputs: list[Output]) -> None:
        """Commit the `handled` partitions of `batch` with their `outputs`, later and in order; never blocks."""
        self._work.put(_Written(batch, handled, outputs))

    def doubt(self) -> None:
        """The broker was out of reach: before the next transaction the producer is replaced.

        librdkafka remembers the group's coordinator for minutes, and where a broker went away and came back it may wait
        for one that no longer exists, without end (its issues 5456 and 5511). A new producer asks anew.
        """
        self._doubted.set()

    def stop(self) -> None:
        """Commit what was written and end the thread."""
        self._stopping.set()
        self._work.put(None)
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self._watchdog.stop()

    def _run(self) -> None:
        try:
            self._renew()
            while group := self._next_group():
                if self._doubted.is_set():
                    self._renew()
                self._commit_or_abort(group)
                self.wait_until_rested()
        except KafkaException as error:
            self._die(f"the producer failed: {error.args[0].str()}")
        except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a worker that does nothing
            self._die(f"the commit thread failed: {place_of(error)}")

    def _renew(self) -> None:
        """A new producer: whatever an older one of this slot has open is aborted."""
        self._doubted.clear()
        self._watchdog.busy("a new producer")
        self._producer = Producer(self._settings, logger=logging.getLogger("librdkafka"))
        try:
            self._fence_former_holders()
        finally:
            self._watchdog.idle()

    def _fence_former_holders(self) -> None:
        while not self._stopping.is_set():
            self._watchdog.busy("init_transactions")
            try:
                self._producer.init_transactions(CALL_S)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                log.warning("waiting for the broker: %s", error.args[0].str())
            else:
                self._ready.set()
                return

    def _next_group(self) -> list[_Written]:
        """Wait for a batch, then take what is there, up to the stage's bound; empty at the end."""
        first = self._next or self._work.get()
        self._next = None
        if first is None:
            return []
        group, records = [first], len(first.batch.messages)
        while not self._work.empty():
            written = self._work.get()
            if written is None:
                self._work.put(None)
                break
            records += len(written.batch.messages)
            if records > self._spec.commit_records:
                self._next = written
                break
            group.append(written)
        return group

    def _commit_or_abort(self, group: list[_Written]) -> None:
        began = time.monotonic()
        ready: list[_Written] = []
        stale = False
        for written in group:
            live = self._ledger.live(written.batch.number)
            stale = bool(live) and live != written.handled
            if stale:
                break  # deferred after it was processed: its outputs hold what may not be committed
            kept = self._without_missing_topics(written) if live else None
            if kept is None:
                self._ledger.settle(written.batch.number)
            else:
                ready.append(kept)
        try:
            if ready:
                self._commit(ready)
        except _Abort as abort:
            self._abort(str(abort), began)
            return
        self._settle(ready, began)
        if stale:
            self._ledger.abort()

    def _commit(self, ready: list[_Written]) -> None:
        ends: dict[Partition, int] = {}
        self._call("begin_transaction", self._producer.begin_transaction)
        for written in ready:
            for output in written.outputs:
                self._produce(output)
            ends.update({place: written.batch.spans[place].next for place in written.handled})
        if any(self._ledger.live(written.batch.number) != written.handled for written in ready):
            raise _Abort("the partitions were taken away")
        offsets = [TopicPartition(*place, end) for place, end in ends.items()]
        self._progress.doing(f"committing a transaction of {named(ends)}")
        # All are of one assignment, for a change of it voids what is open: the last one's fence is everyone's.
        fence = ready[-1].batch.fence
        self._call("send_offsets", self._producer.send_offsets_to_transaction, offsets, fence, CALL_S)
        self._call("commit_transaction", self._producer.commit_transaction, CALL_S)

    def _settle(self, ready: list[_Written], began: float) -> None:
        if not ready:
            return
        took = self._rest(began)
        for written in ready:
            self._count(written.batch, written.handled, written.outputs)
            self._ledger.settle(written.batch.number)
        self._progress.doing(None)
        self._progress.committed({at: written.batch.spans[at].next for written in ready for at in written.handled})
        self._meters.observe("commit_seconds", took)

    def _rest(self, began: float) -> float:
        """Begin to rest; returns what the transaction took. Before the ledger has room, for then the source asks."""
        now = time.monotonic()
        self._rested_at = now + max(self._spec.rest_s, min((now - began) * REST_SHARE, REST_MOST_S))
        return now - began

    def _abort(self, why: str, began: float) -> None:
        log.warning("transaction aborted: %s", why)
        self._known_topics.clear()
        try:
            self._call("abort_transaction", self._producer.abort_transaction, CALL_S)
        except _Abort as again:
            self._die(f"the transaction cannot be aborted: {again}")
        self._meters.add("aborts")
        self._rest(began)
        self._ledger.abort()

    def _call(self, what: str, function: Callable[..., object], *arguments: object) -> None:
        """A transactional call, repeated while it may be; under the watchdog, for it may never return."""
        deadline = time.monotonic() + RETRY_S
        try:
            while True:
                self._watchdog.busy(what)
                try:
                    function(*arguments)
                except KafkaException as raised:
                    error: KafkaError = raised.args[0]
                    if error.fatal() or not (error.txn_requires_abort() or error.retriable()):
                        self._die(f"{what}: {error.str()}")
                    if error.txn_requires_abort():
                        self.doubt()
                        raise _Abort(f"{what}: {error.str()}") from None
                    if time.monotonic() > deadline:
                        self._die(f"{what} failed for {RETRY_S:.0f} s: {error.str()}")
                    time.sleep(0.05)
                else:
                    return
        finally:
            self._watchdog.idle()

    def _produce(self, output: Output) -> None:
        deadline = time.monotonic() + RETRY_S
        while True:
            try:
                self._producer.produce(output.topic, output.value, output.key, headers=cast(Any, output.headers))
            except BufferError:
                if time.monotonic() > deadline:
                    raise _Abort("the producer's buffer stays full") from None
                self._producer.poll(0.1)
            except KafkaException as raised:
                error: KafkaError = raised.args[0]
                # In a transaction that has failed already, `produce` says _STATE, without the flag that would tell why.
                if error.txn_requires_abort() or error.code() == KafkaError._STATE:  # noqa: SLF001 - its name
                    self.doubt()
                    raise _Abort(f"produce: {error.str()}") from None
                self._die(f"produce to {output.topic} ({len(output.value or b'')} bytes): {error.str()}")
            else:
                return

    def _without_missing_topics(self, written: _Written) -> _Written | None:
        """Defer the partitions whose outputs go to a topic that does not exist; None where nothing else is left.

        Looked up before the transaction, since inside it a missing topic would fail the transaction of all.
        """
        outputs = written.outputs
        missing = {topic for topic in {output.topic for output in outputs} if not self._exists(topic)}
        if not missing:
            return written if written.handled else None
        log.warning("output topics do not exist, their input is deferred: %s", ", ".join(sorted(missing)))
        origins = {output.origin for output in outputs if output.topic in missing}
        unsure = any(output.origin is None for output in outputs)
        deferred = written.handled if unsure else frozenset(origin for origin in origins if origin is not None)
        self._meters.add("deferred_down", len(deferred))
        self._ledger.defer(written.batch.number, deferred)
        kept = [output for output in outputs if output.origin not in deferred]
        rest = written.handled - deferred
        return _Written(written.batch, rest, kept) if rest else None

    def _exists(self, topic: str) -> bool:
        if topic in self._known_topics:
            return True
        try:
            found = self._producer.list_topics(topic, LOOK_UP_S).topics.get(topic)
        except KafkaException:
            return True  # the broker does not answer: the transaction will find out
        if found is None or found.error is not None:
            return False
        self._known_topics.add(topic)
        return True

    def _count(self, batch: Batch, live: frozenset[Partition], outputs: list[Output]) -> None:
        for place in live:
            self._journal.passed(place, batch.spans[place].next)
        if not batch.messages:
            return
        done = batch.messages
        if len(live) < len(batch.spans):
            done = [message for message in done if partition_of(message) in live]
        self._meters.add("records_in", len(done))
        self._meters.add("records_out", len(outputs))
        self._meters.add("dead_letters", sum(output.topic.endswith(".dlq") for output in outputs))
        self._meters.tally(outputs)
        self._meters.add("batches")
        kind, stamp = done[0].timestamp()
        if kind:
            self._meters.observe("lag_seconds", max(0.0, time.time() - stamp / 1000))
