"""A transactional copier in plain confluent-kafka, of whatever version the interpreter that runs this file has.

`PYTHON plain_client.py BOOTSTRAP FROM TO SLOT` copies for ever. It ends with HUNG where a call that was given 5 s did
not return in 12, and with 1 on any other failure that only a new producer gets over; whoever runs it starts it again.
Nothing of loanstream is imported, so that other versions of the client need no environment of ours.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

CALL_S = 5.0
HANGS_AFTER_S = 12.0
HUNG = 3


class Calls:
    """Transactional calls, one at a time, each repeated while its error says so and timed by a thread beside it."""

    def __init__(self) -> None:
        self._since: float | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def do(self, function: Callable[..., object], *arguments: object) -> None:
        """Raises KafkaException where the transaction must be aborted, and ends the process on what is final."""
        until = time.monotonic() + CALL_S
        while True:
            self._since = time.monotonic()
            try:
                function(*arguments)
            except KafkaException as raised:
                error = raised.args[0]
                if error.txn_requires_abort():
                    raise
                if not error.retriable() or time.monotonic() > until:
                    os._exit(1)
                time.sleep(0.05)
            else:
                return
            finally:
                self._since = None

    def _watch(self) -> None:
        while True:
            time.sleep(0.5)
            since = self._since
            if since is not None and time.monotonic() - since > HANGS_AFTER_S:
                os._exit(HUNG)


def copy(bootstrap: str, source: str, target: str, slot: str) -> None:
    """Copy record by record, each in a transaction with its offset, for ever."""
    connection: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0}
    group: dict[str, Any] = {
        **connection,
        "group.id": target,
        "group.instance.id": slot,
        "session.timeout.ms": 10_000,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
    }
    consumer, calls = Consumer(group), Calls()
    producer: Any = Producer(
        {**connection, "transactional.id": slot, "transaction.timeout.ms": 5000, "retry.backoff.ms": 5}
    )
    calls.do(producer.init_transactions, CALL_S)
    consumer.subscribe([source])
    while True:
        message: Any = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        end = TopicPartition(source, message.partition(), message.offset() + 1)
        try:
            calls.do(producer.begin_transaction)
            producer.produce(target, message.value(), message.key())
            calls.do(producer.send_offsets_to_transaction, [end], consumer.consumer_group_metadata(), CALL_S)
            calls.do(producer.commit_transaction, CALL_S)
        except KafkaException:
            calls.do(producer.abort_transaction, CALL_S)


if __name__ == "__main__":
    copy(*sys.argv[1:5])
