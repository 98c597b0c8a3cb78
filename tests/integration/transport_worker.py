"""A worker for the transport's tests: `transport_worker.py stage|range BOOTSTRAP PREFIX SLOT DIRECTORY PORT`.

The stage copies `PREFIX.in` to `PREFIX.out`; values ask for trouble: `die` ends the process, `bug` raises (until the
file `fixed` exists), `hold` defers its partition (until `open` exists), `nowhere` goes to a topic that is not there.
The range worker appends the ranges of `PREFIX.in` to the file `rows`, and finds its warehouse down while `down` exists.
Where `soon` exists, what was read over is committed every second instead of every ten minutes.
"""

import json
import os
import sys
from pathlib import Path

from processors.app import run_worker
from processors.transport import (
    Batch,
    OffsetRange,
    Output,
    Processed,
    RangeSpec,
    Retry,
    StageSpec,
    WorkerKafka,
    poll_thread,
)
from schemas.records import Message, Partition, partition_of

kind, bootstrap, prefix, slot, directory, port = sys.argv[1:]
here = Path(directory)
if (here / "soon").exists():
    poll_thread.MARKERS_S = 1.0


def output(topic: str, message: Message) -> Output:
    place = partition_of(message)
    came = f"{place[1]}/{message.offset()}".encode()
    return Output(topic, message.key(), message.value(), [("from", came)], place)


async def process(batch: Batch) -> Processed:
    held: dict[Partition, str | None] = {}
    for message in batch.messages:
        match message.value():
            case b"die":
                os._exit(9)
            case b"bug" if not (here / "fixed").exists():
                raise ValueError(f"the applicant's name is CANARY {message.value()!r}")
            case b"hold" if not (here / "open").exists():
                held[message.topic(), message.partition()] = "it is not open"
    kept = [message for message in batch.messages if partition_of(message) not in held]
    outputs = [output(f"{prefix}.{'nowhere' if m.value() == b'nowhere' else 'out'}", m) for m in kept]
    return Processed(outputs, held)


def crashed(message: Message) -> Output:
    return output(f"{prefix}.in.dlq", message)


def write(planned: OffsetRange, messages: list[Message]) -> None:
    if (here / "down").exists():
        raise Retry("the warehouse is down")
    with (here / "rows").open("a") as rows:
        rows.write(json.dumps([planned.token, [message.offset() for message in messages]]) + "\n")
    if (here / "die-after-write").exists():
        (here / "die-after-write").unlink()
        os._exit(9)


spec = (
    StageSpec(prefix, (f"^{prefix}\\.in$",), process, crashed, max_records=20, defer_s=0.3)
    if kind == "stage"
    else RangeSpec(prefix, (f"{prefix}.in",), write)
)
raise SystemExit(run_worker(spec, WorkerKafka(bootstrap), int(slot), here, int(port)))
