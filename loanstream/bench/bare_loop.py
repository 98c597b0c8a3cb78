"""A bare transactional loop on plain confluent-kafka: what a stage costs without any of our code.

`python -m loanstream.bench.bare_loop BOOTSTRAP FROM TO` copies records until it is killed; it parses and writes each
value, as a stage has to, and commits whatever one poll gave in one transaction.
"""

import os
import sys
import time
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

BATCH = 500
REST_S = 0.010
"""Back to back, transactions wait for each other's markers: a rest makes a bare loop quicker, too."""


def copy(bootstrap: str, source: str, target: str) -> None:
    """Copy for ever."""
    connection = {"bootstrap.servers": bootstrap}
    # Of this run alone: a group of an earlier one would wait for its killed member.
    name = f"bench-{target}-{os.getpid()}"
    consumer: Any = Consumer(
        {
            **connection,
            "group.id": name,
            "enable.auto.commit": False,
            "auto.offset.reset": "latest",
            "isolation.level": "read_committed",
        }
    )
    producer: Any = Producer({**connection, "transactional.id": name, "retry.backoff.ms": 5, "linger.ms": 0})
    producer.init_transactions(30)
    consumer.subscribe([source])
    while True:
        first = consumer.poll(1.0)
        if first is None or first.error() is not None:
            continue
        messages = [first, *(m for m in consumer.consume(BATCH - 1, 0) if m.error() is None)]
        producer.begin_transaction()
        ends: dict[int, int] = {}
        for message in messages:
            producer.produce(target, key=message.key(), value=orjson.dumps(orjson.loads(message.value())))
            ends[message.partition()] = message.offset() + 1
        positions = [TopicPartition(source, partition, offset) for partition, offset in ends.items()]
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 30)
        producer.commit_transaction(30)
        time.sleep(REST_S)


if __name__ == "__main__":
    copy(*sys.argv[1:4])
