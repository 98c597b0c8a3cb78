"""The record stage's dead letters, and what banks are told of them.

It has no transaction: they are confirmed before the range's offset is committed, and after a crash made once more.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer

from processors.deadletters import Refused, ends_here, refused
from processors.identity import Worker
from processors.topics_there import Exists, everywhere
from processors.transport.batches import Output
from processors.transport.specs import Retry
from schemas.records import place
from schemas.topics import RECORD_MAX_BYTES

log = logging.getLogger(__name__)

CONFIRMED_WITHIN_S = 10.0


class DeadLetterProducer:
    """Sends dead letters of a range's records, and what banks are told of them, and waits until the broker has them.

    `exists` says whether a topic is there.
    """

    def __init__(
        self, bootstrap: str, security: Mapping[str, str], worker: Worker, exists: Exists = everywhere
    ) -> None:
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            **security,
            "enable.idempotence": True,
            "message.max.bytes": RECORD_MAX_BYTES,
        }
        self._producer = Producer(config, logger=logging.getLogger("librdkafka"))
        self._worker = worker
        self._exists = exists
        self._made: list[Output] = []

    def send(self, unrecorded: Sequence[Refused]) -> None:
        """Produce the dead letters of records; raises Retry where the broker does not confirm them.

        What is itself a letter about a letter is logged alone.
        """
        failures: list[str] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error.name())

        outputs: list[Output] = []
        for message, fault in unrecorded:
            if ends_here(message):
                log.error("%s cannot be recorded: %s", place(message), fault.cause)
            else:
                outputs += refused(message, fault.cause, fault.errors, self._worker, self._exists)
        try:
            for output in outputs:
                try:
                    self._put(output, delivered)
                except BufferError:  # full of this range's: large ones, or many
                    self._producer.flush(CONFIRMED_WITHIN_S)
                    self._put(output, delivered)
            left = self._producer.flush(CONFIRMED_WITHIN_S)
        except (KafkaException, BufferError) as error:
            raise Retry(f"the broker does not take a dead letter: {type(error).__name__}") from None
        if left or failures:
            raise Retry(f"the broker does not take a dead letter: {failures[:1] or 'no answer'}")
        self._made += outputs

    def _put(self, output: Output, delivered: Any) -> None:
        self._producer.produce(
            output.topic, key=output.key, value=output.value, headers=list(output.headers), on_delivery=delivered
        )

    def made(self) -> list[Output]:
        """What was sent since the last call."""
        made, self._made = self._made, []
        return made
