"""The transport: records in batches from Kafka through a Faust agent and back, each exactly once.

Read in this order: `batches` (what travels), `specs` (what a stage tells about itself), `ledger` (what is open, pure),
`poll_thread` and what it does, `source`, `sink` (commit thread), `ranges` and `range_source` (the same for a sink that
is not Kafka), `hosts` (all put together, from the `parts` they share), `membership` (the group, and where reading
begins), `journal` (records that crash their worker), `runtime` (how a worker ends, and how it is seen to get on),
`standstill` and `coverage` (partitions that do not move, or that nobody reads), `reach` (whether a broker answers);
`lookout` takes their `look_ups`.
`processors.app` puts them into a Faust app.
"""

from processors.transport.batches import Batch, Output, Processed
from processors.transport.ranges import OffsetRange
from processors.transport.specs import (
    CHECK_PARTITIONS,
    CHECK_SLOTS,
    RangeSpec,
    Retry,
    StageSpec,
    WorkerKafka,
)
from schemas.topics import CHECK_TOPIC

__all__ = [
    "CHECK_PARTITIONS",
    "CHECK_SLOTS",
    "CHECK_TOPIC",
    "Batch",
    "OffsetRange",
    "Output",
    "Processed",
    "RangeSpec",
    "Retry",
    "StageSpec",
    "WorkerKafka",
]
