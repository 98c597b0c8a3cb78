"""Plain Faust (faust-streaming, its own aiokafka driver): one agent; at least once."""

import os
import sys

import faust
from work import answer, job

told = job()
app = faust.App(
    told.group,
    broker=f"kafka://{told.bootstrap}",
    value_serializer="raw",
    web_enabled=False,
    topic_disable_leader=True,
    consumer_auto_offset_reset="earliest",
    broker_commit_every=int(os.environ.get("BENCH_COMMIT_EVERY", "500")),
    stream_buffer_maxsize=8192,
    producer_linger=0.005,
)
source = app.topic(told.source, value_type=bytes, key_type=bytes)
target = app.topic(told.target, value_type=bytes, key_type=bytes)


@app.agent(source)
async def decide(stream: faust.StreamT[bytes]) -> None:
    """Answer each record; the producer batches what is sent."""
    async for event in stream.events():
        target.send_soon(key=event.key, value=answer(event.value))


sys.argv[1:] = ["worker", "-l", "warn"]
app.main()
