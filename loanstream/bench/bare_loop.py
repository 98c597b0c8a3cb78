"""A bare transactional loop on plain confluent-kafka: what a stage costs without any of our code.

`python -m loanstream.bench.bare_loop BOOTSTRAP FROM TO REST_S` copies records until it is killed; it parses and writes
each value, as a stage has to, and commits whatever one poll gave in one transaction. After it the loop rests as long as
the stage it stands for: back to back, transactions wait for each other's markers, so a rest makes a loop quicker, too,
and two loops with other rests than the two stages' would be another comparison.
"""

import os
import sys
import time
from typing import Any

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

BATCH = 500


def copy(bootstrap: str, source: str, target: str, rest_s: float) -> None:
    """Copy for ever, with so many seconds of rest after each transaction."""
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
        time.sleep(rest_s)


if __name__ == "__main__":
    _bootstrap, _source, _target, _rest_s = sys.argv[1:5]
    copy(_bootstrap, _source, _target, float(_rest_s))
