"""One worker process: `python -m loanstream.worker verify --lane fast --slot 0`, configured by its environment.

Imports are slow and happen at once, while the stack may still be starting; the broker is not touched before the file
named by LOANSTREAM_WAIT_FOR exists.
"""

import gc
import logging
import socket
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from loanstream.installation import Installation
from loanstream.settings import Settings
from loanstream.stack.ports import LOOPBACK, is_free
from processors.deadletters import dead_letter
from processors.identity import Worker, code_version
from processors.topics_there import TopicsThere
from processors.transport.batches import Output
from processors.transport.specs import RangeSpec, StageSpec, WorkerKafka
from schemas.operations import FieldError
from schemas.problem import Problem
from schemas.records import Message
from schemas.stages import STAGES
from schemas.topics import TOPICS

log = logging.getLogger(__name__)

Built = tuple[StageSpec | RangeSpec, Callable[[], None]]
"""A stage, and what to start once the broker is there."""

FAST_LANE: dict[str, Any] = {"max_in_flight": 3, "rest_s": 0.008}
"""The fast lane's: a batch may take 300 ms for its documents, so few of them may stand in a row before a record.

It rests longer than score, so that its transactions follow one another a little more slowly than score can follow:
then each finds score waiting for it, and nothing waits for score (docs/measured.md).
"""

SCORE: dict[str, Any] = {"rest_s": 0.002}
"""Score's: it is ready again before verify's next transaction."""

SLOW_LANE: dict[str, Any] = {"max_records": 64, "max_in_flight": 1, "defer_s": 0.2, "patience_s": 120.0}
"""The slow lane's: one batch at a time, of as many tenants as there are; what its turn does not reach comes again."""

RECORD_RANGE = 5000
"""Records in one insert of the record stage, at most. Each costs the warehouse 20 to 40 ms, however few rows it has."""


def run(stage: str, settings: Settings, slot: int) -> int:
    """Run a worker of `stage` (a row of `schemas.stages.STAGES`) until it is told to stop; its exit code."""
    from processors.app import run_worker
    from processors.expiry import expiry
    from processors.measurements import MetricPublisher

    _check_port(settings.port)
    installation = Installation(settings)
    bootstrap, security = installation.bootstrap, installation.worker_security
    worker = Worker(stage, f"{stage}-{slot}", code_version())
    spec, when_ready = _BUILDERS[stage](installation, worker)
    while settings.wait_for is not None and not settings.wait_for.exists():
        time.sleep(0.02)
    _tell_what_is_wrong(installation, settings)
    when_ready()
    calm_collector()
    metrics = MetricPublisher(bootstrap, security, worker, expiry(security))
    port = settings.port or _free_port()
    return run_worker(spec, WorkerKafka(bootstrap, security), slot, settings.slots, port, metrics.publish)


def _check_port(port: int) -> None:
    """Problem where somebody has the port, before what takes long is loaded."""
    if port and not is_free(port):
        raise Problem(
            f"LOANSTREAM_PORT is {port}: the port is taken at {LOOPBACK}; expected a free one, or 0 to have one picked"
        )


def _tell_what_is_wrong(installation: Installation, settings: Settings) -> None:
    """One line where Kafka does not answer the worker at its start, with the variables to look at. It goes on: Kafka
    may come, and readiness tells that it waits. Within a stack, which has just prepared its broker, nobody looks.
    """
    if settings.wait_for is not None:
        return
    from loanstream.reach import kafka_fault
    from loanstream.reach import worker as as_worker

    fault = kafka_fault(as_worker(installation))
    if fault is not None:
        log.error("%s", fault)


def _free_port() -> int:
    """A port of loopback that nobody has now. (The web server takes none by itself.)"""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    log.info("readyz, healthz and metrics are at http://127.0.0.1:%d", port)
    return port


def calm_collector() -> None:
    """Have the cyclic collector look seldom, and never at what is loaded now.

    A batch makes tens of thousands of objects that its end frees by their counts alone; looking for cycles among them
    again and again took a seventh of a stage's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _verify(installation: Installation, worker: Worker) -> Built:
    from processors.readers.desk import ReadingDesk
    from processors.readers.sandbox.reader import DocumentReader
    from processors.stages.verify.stage import VerifyStage

    _check_keys(installation, installation.document_keys)
    reader = DocumentReader()
    desk = ReadingDesk(installation.documents, installation.extractions, reader)
    slow = worker.stage == "verify-slow"
    stage = VerifyStage("slow" if slow else "fast", desk, worker, _topics_there(installation))
    spec = StageSpec(
        worker.stage,
        _topics(worker.stage),
        stage,
        crashed=_crashed(worker),
        prepare=reader.start,
        close=reader.close,
        **(SLOW_LANE if slow else FAST_LANE),
    )
    return spec, _nothing


def _score(installation: Installation, worker: Worker) -> Built:
    from processors.stages.score import ScoreStage
    from processors.transport.logs import place_of
    from processors.transport.runtime import exit_now
    from registry.control import ControlReader
    from registry.scorers import Scorers

    def control_failed(error: Exception) -> None:
        exit_now(f"the control thread failed: {place_of(error)}")

    _check_keys(installation, installation.receipt_keys)
    control = ControlReader(installation.bootstrap, installation.worker_security, control_failed)
    scorers = Scorers(installation.artefacts, control.needed)
    stage = ScoreStage(control, scorers, installation.receipt_keys, worker)
    return StageSpec(worker.stage, _topics(worker.stage), stage, crashed=_crashed(worker), **SCORE), control.start


def _record(installation: Installation, worker: Worker) -> Built:
    from processors.stages.record.letters import DeadLetterProducer
    from processors.stages.record.references import References
    from processors.stages.record.sink import WarehouseSink

    _ = installation.warehouse_url  # a setting that is not set is told now, not at the first record
    there = _topics_there(installation)
    letters = DeadLetterProducer(installation.bootstrap, installation.worker_security, worker, there)

    def files(bundle_id: str) -> Mapping[str, bytes]:
        return installation.artefacts.get(bundle_id)  # without the store there is no reference for drift, and all else

    sink = WarehouseSink(installation.warehouse_writer, installation.cipher, letters.send, references=References(files))
    topics = _topics(worker.stage)
    return RangeSpec(worker.stage, topics, sink.write, sink.prepare, letters.made, max_records=RECORD_RANGE), _nothing


def _topics_there(installation: Installation) -> TopicsThere:
    return TopicsThere(installation.bootstrap, installation.worker_security)


def _check_keys(installation: Installation, needed: Callable[[str], object]) -> None:
    """Problem at the start for a tenant without the keys that are needed, not at its first record."""
    for tenant in installation.tenants:
        needed(tenant)


def _nothing() -> None:
    """Most stages have nothing to start once the broker is there."""


_BUILDERS: Mapping[str, Callable[[Installation, Worker], Built]] = {
    "verify": _verify,
    "verify-slow": _verify,
    "score": _score,
    "record": _record,
}


def _topics(stage: str) -> tuple[str, ...]:
    """The stage's subscription: patterns for tenants' topics, which may come and go."""
    topics = (TOPICS[key] for key in STAGES[stage].reads)
    return tuple(topic.pattern if topic.per_tenant else topic.name() for topic in topics)


def _crashed(worker: Worker) -> Callable[[Message], Output]:
    error = FieldError(field="(record)", error="crashes_worker", expected="a record a worker survives")
    return lambda message: dead_letter(message, "crashes_worker", [error], worker)


if __name__ == "__main__":
    from loanstream.cli.main import main

    sys.exit(main(["worker", *sys.argv[1:]]))
