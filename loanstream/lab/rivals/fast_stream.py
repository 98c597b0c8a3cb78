"""FastStream on confluent-kafka: batches of 500 or BENCH_COMMIT_EVERY in, one publication of the batch out.

At least once, as it offers; without keys, which a batch of its cannot have (so it does less)."""

import asyncio
import os
from typing import Any

from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker
from work import answer, job

told = job()
broker = KafkaBroker(told.bootstrap, logger=None, linger_ms=int(os.environ.get("BENCH_LINGER_MS", "0")))


async def as_they_are(message: Any) -> Any:
    """The values of a batch, not decoded: the work does that."""
    return message.body


@broker.subscriber(
    told.source,
    group_id=told.group,
    batch=True,
    max_records=int(os.environ.get("BENCH_COMMIT_EVERY", "500")),
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,
    decoder=as_they_are,
)
async def decide(values: list[bytes]) -> None:
    """Answer a batch."""
    answers = [answer(value) for value in values]
    await broker.publish_batch(*answers, topic=told.target)


asyncio.run(FastStream(broker, logger=None).run())
