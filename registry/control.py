"""The control topic as every worker reads it: by assign, from the start, kept up to date by a thread of its own.

A record accepted at T may be decided once the end of the topic was seen at some moment >= T - lead: whatever is
published after that moment takes effect after T.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

from registry.history import ActivationHistory, InForce
from schemas.decode import Undecodable, decode
from schemas.operations import ACTIVATION_LEAD_MS, Activation
from schemas.topics import TOPICS

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
"""Well below the lead, so that in normal times nothing ever waits."""


class ControlReader:
    """Reads `loan.control.v1` in the background. `start` returns at once; `in_force` may be asked from any thread.

    `failed` is told of an error that ends the reading.
    """

    def __init__(self, bootstrap: str, security: Mapping[str, str], failed: Callable[[Exception], object]) -> None:
        self._failed = failed
        self._config = {
            **security,
            "bootstrap.servers": bootstrap,
            "group.id": "control-readers",  # never committed to: every worker reads all of it
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        self._topic = TopicPartition(TOPICS["control"].name(), 0, OFFSET_BEGINNING)
        self._history = ActivationHistory()
        self._seen_end_ms = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading; waits for the thread."""
        self._stop.set()
        self._thread.join(timeout=10)

    def may_decide(self, accepted_ms: int) -> bool:
        """Whether everything that could be in force at `accepted_ms` has been seen."""
        return self._seen_end_ms > 0 and self._seen_end_ms >= accepted_ms - ACTIVATION_LEAD_MS

    async def wait_for(self, accepted_ms: int) -> None:
        """Return once `may_decide(accepted_ms)`; a broker that is away makes this wait, never guess."""
        while not self.may_decide(accepted_ms):  # noqa: ASYNC110 - the answer comes from a thread, not from this loop
            await asyncio.sleep(0.05)

    def in_force(self, tenant: str, accepted_ms: int) -> InForce:
        """What decides. Raises `NothingActive`."""
        with self._lock:
            return self._history.in_force(tenant, accepted_ms)

    def _run(self) -> None:
        try:
            self._read()
        except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a stage that waits for ever
            self._failed(error)

    def _read(self) -> None:
        consumer = Consumer(self._config, logger=logging.getLogger("librdkafka"))
        consumer.assign([self._topic])
        position = 0
        try:
            while not self._stop.is_set():
                looked_ms = time.time_ns() // 1_000_000
                try:
                    _, end = consumer.get_watermark_offsets(self._topic, timeout=5)
                except KafkaException as error:
                    log.warning("control topic not readable now: %s", error.args[0].name())
                    self._stop.wait(LOOK_EVERY_S)
                    continue
                while position < end and not self._stop.is_set():
                    message = consumer.poll(1.0)
                    if message is None:
                        continue
                    if (fault := message.error()) is not None:
                        log.warning("control topic not readable now: %s", fault.name())
                        continue
                    self._take(message.value(), message.timestamp()[1])
                    position = (message.offset() or 0) + 1
                self._seen_end_ms = looked_ms
                self._stop.wait(LOOK_EVERY_S)
        finally:
            consumer.close()

    def _take(self, value: bytes | None, published_ms: int) -> None:
        try:
            activation = decode(Activation, value)
        except Undecodable as error:
            # Every reader skips it alike, so the history stays the same for all; record makes its dead letter.
            log.error("a control record is not an activation: %s", error.cause)  # noqa: TRY400 - the text is enough
            return
        with self._lock:
            self._history.add(activation, published_ms)
