"""The control topic as every worker reads it: to its end again and again, by a thread of its own.

A record accepted at T may be decided once the end of the topic was seen at some moment >= T - lead: whatever is
published after that moment takes effect after T. `sight` says how that is known.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from registry.history import ActivationHistory, InForce
from registry.sight import Sight
from schemas.access import CONTROL_READERS
from schemas.decode import Undecodable, decode
from schemas.operations import Activation
from schemas.records import Message
from schemas.topics import TOPICS
from stores.unreadable import EndNotFound, as_read, holds_up, unreadable_batch

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Well below what a look is good for, so that in steady traffic nothing ever waits."""

PAUSES_S = (0.001, 0.05)
"""Between two questions whether a look is over, which takes milliseconds: the first, and the longest."""


class ControlReader:
    """Reads `loan.control.v1` in the background. `start` returns at once; the rest may be asked from any thread.

    `failed` is told of an error that ends the reading.
    """

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, str],
        failed: Callable[[Exception], object],
        topic: str = TOPICS["control"].name(),
    ) -> None:
        self._failed = failed
        self._config = {
            **security,
            "bootstrap.servers": bootstrap,
            "group.id": CONTROL_READERS,  # never committed to: every worker reads all of it
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # the end is told after an empty fetch
            "fetch.error.backoff.ms": 10,  # see stores.topics.TO_THE_END
        }
        self._topic, self._position = topic, 0
        self._history = ActivationHistory()
        self._sight = Sight()
        self._lock = threading.Lock()
        self._stop, self._wanted = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; waits for the thread."""
        self._stop.set()
        self._wanted.set()
        self._thread.join(timeout=10)

    async def wait_for(self, accepted_ms: int) -> None:
        """Return once everything that could be in force at `accepted_ms` has been seen; asked after the record came.

        A broker that is away makes this wait, never guess.
        """
        self._sight.hear(accepted_ms)
        if self._sight.covers(accepted_ms):
            return
        self._wanted.set()
        pause, longest = PAUSES_S
        while not self._sight.covers(accepted_ms):
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides. Raises `NothingActive`."""
        with self._lock:
            return self._history.in_force(tenant, accepted_ms)

    def needed(self) -> frozenset[InForce]:
        """What decides on new records, of the tenants asked for so far."""
        with self._lock:
            return self._history.needed(self._sight.heard_ms)

    def _run(self) -> None:
        try:
            logger = logging.getLogger("librdkafka")
            consumer = Consumer(self._config, logger=logger)
            # To a read_committed client a topic ends before the first open transaction, and a commit is answered before
            # it is seen: what is published there would come later than its stamp says.
            ends = Consumer(self._config | {"isolation.level": "read_uncommitted"}, logger=logger)
            try:
                self._look_again_and_again(consumer, ends)
            finally:
                ends.close()
                consumer.close()
        except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a stage that waits for ever
            self._failed(error)

    def _look_again_and_again(self, consumer: Any, ends: Any) -> None:
        while not self._stop.is_set():
            self._wanted.clear()
            began = self._sight.begin()
            try:
                self._read_to_the_end(consumer, ends)
            except KafkaException as error:
                log.warning("control topic not readable now: %s", error.args[0].name())
                self._stop.wait(LOOK_EVERY_S)
                continue
            if not self._stop.is_set():
                self._sight.end(began)
            self._wanted.wait(LOOK_EVERY_S)

    def _read_to_the_end(self, consumer: Any, ends: Any) -> None:
        """Take what has come. Assigned only while there is some: a fetch that waits would hold up the next look."""
        _, end = ends.get_watermark_offsets(TopicPartition(self._topic, 0), timeout=5)
        if end <= self._position:
            return
        consumer.assign([TopicPartition(self._topic, 0, self._position)])
        while self._position < end and not self._stop.is_set():
            message = consumer.poll(1.0)
            if message is None:
                continue
            fault = message.error()
            if (fault is not None or message.offset() >= end) and holds_up(consumer, message):
                self._pass(consumer, message)
            elif fault is None:
                self._take(as_read(message))
                self._position = message.offset() + 1
            elif fault.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                # Beyond the last record's: a transaction's marker, and what was aborted, are never delivered.
                self._position = message.offset()
            else:
                log.warning("control topic not readable now: %s", fault.name())
        consumer.unassign()

    def _pass(self, consumer: Any, told: Any) -> None:
        """Read on behind a batch that the client library cannot hand over; record makes its dead letters."""
        try:
            batch = unreadable_batch(consumer, told, self._position)
        except EndNotFound as error:
            log.warning("control topic not readable now: %s", error)
        else:
            self._position = batch.end
            log.error("control records %d to %d cannot be read", batch.base, batch.end - 1)
        consumer.assign([TopicPartition(self._topic, 0, self._position)])

    def _take(self, message: Message) -> None:
        try:
            activation = decode(Activation, message.value())
        except Undecodable as error:
            # Every reader skips it alike, so the history stays the same for all; record makes its dead letter.
            log.error("a control record is not an activation: %s", error.cause)  # noqa: TRY400 - the text is enough
            return
        with self._lock:
            self._history.add(activation, message.timestamp()[1])
