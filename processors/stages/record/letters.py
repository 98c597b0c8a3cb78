"""The record stage's dead letters. It has no transaction: they are confirmed before the range's offset is committed."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer

from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.transport.batches import Output
from processors.transport.specs import Retry
from schemas.operations import FieldError
from schemas.records import Message
from schemas.topics import RECORD_MAX_BYTES

CONFIRMED_WITHIN_S = 10.0


class DeadLetterProducer:
    """Sends a record's dead letter and waits until the broker has it."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], worker: Worker) -> None:
        config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            **security,
            "enable.idempotence": True,
            "message.max.bytes": RECORD_MAX_BYTES,
        }
        self._producer = Producer(config, logger=logging.getLogger("librdkafka"))
        self._worker = worker
        self._made: list[Output] = []

    def send(self, message: Message, cause: str, errors: Sequence[FieldError]) -> None:
        """Produce the dead letter of `message`; raises Retry where the broker does not confirm it."""
        letter = dead_letter(message, cause, errors, self._worker)
        failures: list[str] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error.name())

        try:
            self._producer.produce(
                letter.topic, key=letter.key, value=letter.value, headers=list(letter.headers), on_delivery=delivered
            )
            left = self._producer.flush(CONFIRMED_WITHIN_S)
        except (KafkaException, BufferError) as error:
            raise Retry(f"the broker does not take a dead letter: {type(error).__name__}") from None
        if left or failures:
            raise Retry(f"the broker does not take a dead letter: {failures or 'no answer'}")
        self._made.append(letter)

    def made(self) -> list[Output]:
        """What was sent since the last call."""
        made, self._made = self._made, []
        return made
