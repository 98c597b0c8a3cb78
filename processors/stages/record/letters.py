"""The record stage's dead letters. It has no transaction: they are confirmed before the range's offset is committed."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaException, Producer

from processors.deadletters import Refused, dead_letter, ends_here
from processors.identity import Worker
from processors.transport.batches import Output
from processors.transport.specs import Retry
from schemas.records import place
from schemas.topics import RECORD_MAX_BYTES

log = logging.getLogger(__name__)

CONFIRMED_WITHIN_S = 10.0


class DeadLetterProducer:
    """Sends dead letters of a range's records and waits until the broker has them."""

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

    def send(self, refused: Sequence[Refused]) -> None:
        """Produce the dead letters of records; raises Retry where the broker does not confirm them.

        What is itself a letter about a letter is logged alone.
        """
        failures: list[str] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error.name())

        letters = []
        for message, fault in refused:
            if ends_here(message):
                log.error("%s cannot be recorded: %s", place(message), fault.cause)
            else:
                letters.append(dead_letter(message, fault.cause, fault.errors, self._worker))
        try:
            for letter in letters:
                try:
                    self._put(letter, delivered)
                except BufferError:  # full of this range's: large ones, or many
                    self._producer.flush(CONFIRMED_WITHIN_S)
                    self._put(letter, delivered)
            left = self._producer.flush(CONFIRMED_WITHIN_S)
        except (KafkaException, BufferError) as error:
            raise Retry(f"the broker does not take a dead letter: {type(error).__name__}") from None
        if left or failures:
            raise Retry(f"the broker does not take a dead letter: {failures[:1] or 'no answer'}")
        self._made += letters

    def _put(self, letter: Output, delivered: Any) -> None:
        self._producer.produce(
            letter.topic, key=letter.key, value=letter.value, headers=list(letter.headers), on_delivery=delivered
        )

    def made(self) -> list[Output]:
        """What was sent since the last call."""
        made, self._made = self._made, []
        return made
