"""A bare transactional loop on plain confluent-kafka: what a stage costs without our transport.

`python -m loanstream.lab.bench.bare_loop BOOTSTRAP FROM TO REST_S [STAGE TENANT]` answers records until it is killed,
and commits whatever one poll gave in one transaction; how it proves itself to the broker is a setting, as a worker's.
With STAGE (verify or score) it does the work of that stage on them and writes what it makes; without, it parses each
value and writes it again. It says `joined` when it reads what comes from then on.

After each transaction it rests as long as the stage it stands for: back to back, transactions wait for each other's
markers, so a rest makes a loop quicker, too, and two loops with other rests than the two stages' would be another
comparison.
"""

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

import orjson
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.records import Headers, MemoryMessage

BATCH = 500

Answer = tuple[bytes | None, bytes | None, Headers]
"""Key, value and headers of a record to write."""

Work = Callable[[list[Any]], Iterable[Answer]]
"""What a loop does with the messages of one poll."""


def copied(messages: list[Any]) -> Iterable[Answer]:
    """Each record as it is, parsed and written again."""
    return [(message.key(), orjson.dumps(orjson.loads(message.value())), []) for message in messages]


def work_of(stage: str, tenant: str) -> Work:
    """All of what a stage does with a tenant's records, as if they came from its topic.

    The work raises RuntimeError for a record that ends otherwise than most (a dead letter costs less).
    """
    # Here, so that a loop that copies does not load the stages.
    from loanstream.lab.bench.stages import HOPS, outputs_of

    hop = HOPS[stage]
    source, target, process = hop.reads.name(tenant), hop.writes.name(tenant), hop.make()

    def answered(messages: list[Any]) -> Iterable[Answer]:
        as_its_own = [
            MemoryMessage(source, m.partition(), m.offset(), m.key(), m.value(), m.headers(), m.timestamp())
            for m in messages
        ]
        outputs = outputs_of(process, as_its_own)
        if len(outputs) != len(messages) or any(output.topic != target for output in outputs):
            raise RuntimeError(f"{stage} made something else of a record than one for {target}")
        return [(output.key, output.value, output.headers) for output in outputs]

    return answered


def loop(
    bootstrap: str,
    source: str,
    target: str,
    rest_s: float,
    work: Work = copied,
    security: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Answer records for ever, with so many seconds of rest after each transaction."""
    connection = {"bootstrap.servers": bootstrap, **security}
    # Of this run alone: a group of an earlier one would wait for its killed member.
    name = f"bench-{target}-{os.getpid()}"
    consumer: Any = Consumer(
        {
            **connection,
            "group.id": name,
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    producer: Any = Producer({**connection, "transactional.id": name, "retry.backoff.ms": 5, "linger.ms": 0})
    producer.init_transactions(30)
    consumer.subscribe([source], on_assign=_begin_at_the_ends)
    while True:
        first = consumer.poll(1.0)
        if first is None or first.error() is not None:
            continue
        messages = [first, *(m for m in consumer.consume(BATCH - 1, 0) if m.error() is None)]
        producer.begin_transaction()
        ends = {message.partition(): message.offset() + 1 for message in messages}
        for key, value, headers in work(messages):
            producer.produce(target, key=key, value=value, headers=cast(Any, headers))
        positions = [TopicPartition(source, partition, offset) for partition, offset in ends.items()]
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), 30)
        producer.commit_transaction(30)
        time.sleep(rest_s)


def _begin_at_the_ends(consumer: Any, partitions: list[TopicPartition]) -> None:
    for place in partitions:
        place.offset = consumer.get_watermark_offsets(place, timeout=15)[1]
    consumer.assign(partitions)
    if partitions:
        sys.stdout.write("joined\n")
        sys.stdout.flush()


if __name__ == "__main__":
    from loanstream.settings import load
    from loanstream.worker import calm_collector

    _bootstrap, _source, _target, _rest_s, *_stage = sys.argv[1:]
    _work = work_of(*_stage) if _stage else copied
    calm_collector()  # as a worker does once it has loaded everything
    loop(_bootstrap, _source, _target, float(_rest_s), _work, load().kafka_security)
