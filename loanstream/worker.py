"""One worker process: `python -m loanstream.worker verify --lane fast --slot 0`, configured by its environment.

Imports are slow and happen at once, while the stack may still be starting; the broker is not touched before the file
named by LOANSTREAM_WAIT_FOR exists.
"""

import argparse
import gc
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from loanstream.settings import SettingProblem, Settings, load
from processors.deadletters import dead_letter
from processors.identity import Worker, code_version
from processors.transport.messages import Output
from processors.transport.specs import RangeSpec, StageSpec, WorkerKafka
from schemas.operations import FieldError
from schemas.records import Message
from schemas.stages import STAGES
from schemas.topics import RECORD_MAX_BYTES, TOPICS

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

RECORD_RANGE = 2000
"""Records in one insert of the record stage, at most."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one worker until it is told to stop; its exit code."""
    parser = argparse.ArgumentParser(prog="loanstream worker", description="run one worker of a stage")
    parser.add_argument("stage", choices=("verify", "score", "record"))
    parser.add_argument("--lane", choices=("fast", "slow"), default="fast", help="verify's lane")
    parser.add_argument("--slot", type=int, help="which worker of its stage (LOANSTREAM_SLOT)")
    chosen = parser.parse_args(arguments)
    try:
        settings = load()
    except SettingProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    stage = "verify-slow" if (chosen.stage, chosen.lane) == ("verify", "slow") else chosen.stage
    return run(stage, settings, settings.slot if chosen.slot is None else chosen.slot)


def run(stage: str, settings: Settings, slot: int) -> int:
    """Run a worker of `stage` (a row of `schemas.stages.STAGES`) until it is told to stop."""
    from processors.app import run_worker
    from processors.measurements import MetricPublisher

    worker = Worker(stage, f"{stage}-{slot}", code_version())
    spec, when_ready = _BUILDERS[stage](settings, worker)
    while settings.wait_for is not None and not settings.wait_for.exists():
        time.sleep(0.02)
    when_ready()
    calm_collector()
    kafka = WorkerKafka(settings.bootstrap, dict(settings.kafka_security))
    metrics = MetricPublisher(settings.bootstrap, settings.kafka_security, worker)
    return run_worker(spec, kafka, slot, settings.slots, settings.port, metrics.publish)


def calm_collector() -> None:
    """Have the cyclic collector look seldom, and never at what is loaded now.

    A batch makes tens of thousands of objects that its end frees by their counts alone; looking for cycles among them
    again and again took a seventh of a stage's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def _verify(settings: Settings, worker: Worker) -> Built:
    from processors.readers.desk import ReadingDesk
    from processors.readers.sandbox.reader import READER_VERSION, DocumentReader
    from processors.stages.verify.stage import VerifyStage
    from stores.documents.blobs import FileBlobs
    from stores.documents.sealing import DocumentKey
    from stores.documents.store import DocumentStore, ExtractionStore

    tenant_keys = _tenant_keys(settings.keys)

    def document_key(tenant: str) -> DocumentKey:
        keys = tenant_keys(tenant)
        return DocumentKey(keys.document_id, keys.document_key)

    blobs = FileBlobs.at(settings.documents_url)
    reader = DocumentReader()
    desk = ReadingDesk(DocumentStore(blobs, document_key), ExtractionStore(blobs, document_key, READER_VERSION), reader)
    slow = worker.stage == "verify-slow"
    stage = VerifyStage("slow" if slow else "fast", desk, worker)
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


def _score(settings: Settings, worker: Worker) -> Built:
    from processors.stages.score import ScoreStage
    from processors.transport.logs import place_of
    from processors.transport.runtime import exit_now
    from registry.control import ControlReader
    from registry.scorers import Scorers
    from scoring.receipt import ReceiptKey
    from stores.artefacts import ArtefactStore
    from stores.documents.blobs import path_of

    tenant_keys = _tenant_keys(settings.keys)

    @lru_cache(maxsize=4096)
    def receipt_key(tenant: str) -> ReceiptKey:
        keys = tenant_keys(tenant)
        return ReceiptKey(keys.receipt_id, keys.receipt_key)

    def control_failed(error: Exception) -> None:
        exit_now(f"the control thread failed: {place_of(error)}")

    control = ControlReader(settings.bootstrap, settings.kafka_security, control_failed)
    scorers = Scorers(ArtefactStore(path_of(settings.artefacts_url)), control.needed)
    stage = ScoreStage(control, scorers, receipt_key, worker)
    return StageSpec(worker.stage, _topics(worker.stage), stage, crashed=_crashed(worker), **SCORE), control.start


def _record(settings: Settings, worker: Worker) -> Built:
    from processors.stages.record.sink import WarehouseSink
    from stores.keys import load_warehouse
    from stores.warehouse.cipher import ColumnCipher
    from stores.warehouse.client import connect

    cipher = ColumnCipher(load_warehouse(settings.keys).column_key)
    sink = WarehouseSink(lambda: connect(*settings.warehouse_account), cipher, _dead_letter_producer(settings, worker))
    topics = _topics(worker.stage)
    return RangeSpec(worker.stage, topics, sink.write, sink.prepare, max_records=RECORD_RANGE), _nothing


def _nothing() -> None:
    """Most stages have nothing to start once the broker is there."""


_BUILDERS: Mapping[str, Callable[[Settings, Worker], Built]] = {
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


def _dead_letter_producer(settings: Settings, worker: Worker) -> Callable[[Message, str, Sequence[FieldError]], None]:
    """Record has no transaction: its dead letters are confirmed before the range's offset is committed."""
    from confluent_kafka import KafkaException, Producer

    from processors.transport.specs import Retry

    config: dict[str, Any] = {
        **settings.kafka_security,
        "bootstrap.servers": settings.bootstrap,
        "enable.idempotence": True,
        "message.max.bytes": RECORD_MAX_BYTES,
    }
    producer = Producer(config)

    def send(message: Message, cause: str, errors: Sequence[FieldError]) -> None:
        letter = dead_letter(message, cause, errors, worker)
        failures: list[str] = []

        def delivered(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error.name())

        try:
            producer.produce(
                letter.topic, key=letter.key, value=letter.value, headers=list(letter.headers), on_delivery=delivered
            )
            left = producer.flush(10)
        except (KafkaException, BufferError) as error:
            raise Retry(f"the broker does not take a dead letter: {type(error).__name__}") from None
        if left or failures:
            raise Retry(f"the broker does not take a dead letter: {failures or 'no answer'}")

    return send


def _tenant_keys(keys: Path) -> Callable[[str], Any]:
    from stores.keys import load_tenant

    return lru_cache(maxsize=4096)(lambda tenant: load_tenant(keys, tenant))


if __name__ == "__main__":
    sys.exit(main())
