"""Quix Streams, exactly-once, a commit every 500 records or so many as BENCH_COMMIT_EVERY says; 0: by time alone."""

import os

from quixstreams import Application
from work import answer, job

told = job()
app = Application(
    broker_address=told.bootstrap,
    consumer_group=told.group,
    auto_offset_reset="earliest",
    processing_guarantee="exactly-once",
    commit_every=int(os.environ.get("BENCH_COMMIT_EVERY", "500")),
    commit_interval=float(os.environ.get("BENCH_COMMIT_INTERVAL_S", "1.0")),
    auto_create_topics=False,
    use_changelog_topics=False,
    producer_extra_config={"retry.backoff.ms": 5},
    loglevel="WARNING",
)
source = app.topic(told.source, value_deserializer="bytes", key_deserializer="bytes")
target = app.topic(told.target, value_serializer="bytes", key_serializer="bytes")
app.dataframe(source).apply(answer).to_topic(target)
app.run()
