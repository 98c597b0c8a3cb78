"""A stage of ours on the same work: transport, ledger, journal and Faust host; no rest between commits."""

import json
import os
import socket
import tempfile
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from work import answer, job

from processors.app import run_worker
from processors.transport import Batch, Output, Processed, StageSpec, WorkerKafka

told = job()
security = json.loads(os.environ.get("BENCH_SECURITY", "{}"))


async def process(batch: Batch) -> Processed:
    """Answer a batch."""
    outputs = [
        Output(told.target, message.key(), answer(message.value()), [], (message.topic(), message.partition()))
        for message in batch.messages
    ]
    return Processed(outputs)


def begin_at_zero() -> None:
    """Commit offset 0 everywhere: a stage begins nowhere else than at a committed offset."""
    consumer = Consumer({"bootstrap.servers": told.bootstrap, "group.id": told.group, **security})
    found = consumer.list_topics(told.source, 15).topics[told.source].partitions
    consumer.commit(offsets=[TopicPartition(told.source, number, 0) for number in found], asynchronous=False)
    consumer.close()


begin_at_zero()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
every = int(os.environ.get("BENCH_COMMIT_EVERY", "500"))
spec = StageSpec(told.group, (told.source,), process, commit_records=every, rest_s=0.0)
raise SystemExit(run_worker(spec, WorkerKafka(told.bootstrap, security), 0, Path(tempfile.mkdtemp()), port))
