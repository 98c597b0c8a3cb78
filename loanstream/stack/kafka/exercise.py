"""A scratch broker's exercise: what our stages ask of a broker, for a few seconds.

The archive of a broker that did this holds the profiles of the code that ran, so that the Java compiler begins with
what matters. docs/measured.md says what that is worth.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

EXERCISE_S = 12.0
PARTITIONS = 4
AT_ONCE = 8
VALUE = b"v" * 600
INTO, OUT_OF = "exercise.in", "exercise.out"
ERRORS_ALONE = 3
_WAIT_S = 30.0


def exercise(address: str, seconds: float = EXERCISE_S) -> int:
    """Copy records in small transactions from topic to topic, with a reader behind; how many were copied.

    Raises confluent_kafka.KafkaException.
    """
    # A new broker's coordinators load for a moment: the client says so, and waits.
    connection: dict[str, Any] = {"bootstrap.servers": address, "log_level": ERRORS_ALONE}
    with AdminClient(connection) as admin:
        for created in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in (INTO, OUT_OF)]).values():
            created.result(_WAIT_S)
    feed: Any = Producer({**connection, "enable.idempotence": True, "linger.ms": 0})
    producer: Any = Producer({**connection, "transactional.id": INTO, "retry.backoff.ms": 5, "linger.ms": 0})
    producer.init_transactions(_WAIT_S)
    source, reader = _reader(connection, INTO), _reader(connection, OUT_OF)
    copied, until = 0, time.monotonic() + seconds
    while not copied or time.monotonic() < until:
        for number in range(AT_ONCE):
            feed.produce(INTO, VALUE, str(number))
        feed.flush(_WAIT_S)
        reader.consume(AT_ONCE, 0)
        messages = [message for message in source.consume(AT_ONCE, 0.02) if message.error() is None]
        if messages:
            _copy(producer, source, messages)
            copied += len(messages)
        elif time.monotonic() > until + _WAIT_S:
            break
    source.close()
    reader.close()
    return copied


def _reader(connection: Mapping[str, Any], topic: str) -> Any:
    settings = {"group.id": topic, "auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    consumer = Consumer({**connection, **settings, "enable.auto.commit": False})
    consumer.subscribe([topic])
    return consumer


def _copy(producer: Any, source: Any, messages: Sequence[Any]) -> None:
    producer.begin_transaction()
    ends: dict[int, int] = {}
    for message in messages:
        producer.produce(OUT_OF, message.value(), message.key())
        ends[message.partition()] = message.offset() + 1
    positions = [TopicPartition(INTO, partition, offset) for partition, offset in ends.items()]
    producer.send_offsets_to_transaction(positions, source.consumer_group_metadata(), _WAIT_S)
    producer.commit_transaction(_WAIT_S)
