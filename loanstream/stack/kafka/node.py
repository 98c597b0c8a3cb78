"""One KRaft node on loopback: its settings as a table, its directory's format, its readiness."""

import base64
import logging
import uuid
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.stack import ports
from schemas.topics import RECORD_MAX_BYTES

CHECKPOINT = "bootstrap.checkpoint"
PORT_NAMES = ("controller", "broker")

PROPERTIES: dict[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAIN",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT",
    # A topic nobody created is a mistake: it must not appear with settings nobody chose.
    "auto.create.topics.enable": "false",
    # One node.
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # Few coordinators' partitions: their first use creates them all, on the first worker's way to its partitions.
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.num.partitions": "8",
    # Ten years: longer than any topic's retention, so that no stage ever loses its place.
    "offsets.retention.minutes": "5256000",
    # A transaction left open by a killed worker is aborted within a second of its timeout.
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
    "message.max.bytes": str(RECORD_MAX_BYTES),
    "group.initial.rebalance.delay.ms": "0",
    # Nobody else could lead: a node that was short of processors for a while must not lose its partitions for it.
    "broker.session.timeout.ms": "30000",
    "broker.heartbeat.interval.ms": "500",
    # Sized for a laptop: the cleaner's default buffer alone is a quarter of the heap.
    "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    "num.network.threads": "2",
    "num.io.threads": "4",
}


def format_directory(directory: Path, home: Path) -> None:
    """Give a new `directory` its identity. Only the identity differs between clusters, so no second JVM is needed."""
    data = directory / "data"
    if (data / "meta.properties").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    (data / CHECKPOINT).write_bytes((home / CHECKPOINT).read_bytes())
    identity = f"version=1\nnode.id=1\ncluster.id={_kafka_uuid()}\ndirectory.id={_kafka_uuid()}\n"
    # Last: a directory with this file counts as formatted.
    (data / "meta.properties").write_text(identity)


def write_properties(directory: Path) -> tuple[Path, str]:
    """Write `server.properties` for this start's ports; the file and the broker's address."""
    chosen = ports.keep_or_pick(directory / ports.FILE, PORT_NAMES)
    controller = f"{ports.LOOPBACK}:{chosen['controller']}"
    address = f"{ports.LOOPBACK}:{chosen['broker']}"
    here = {
        "log.dirs": str((directory / "data").resolve()),
        "controller.quorum.voters": f"1@{controller}",
        "listeners": f"CONTROLLER://{controller},PLAIN://{address}",
        "advertised.listeners": f"PLAIN://{address}",
    }
    path = directory / "server.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in (PROPERTIES | here).items()))
    return path.resolve(), address


def is_ready(address: str) -> bool:
    """Whether the broker answers a metadata request (asked once, within a second)."""
    # A port that refuses is not worth a client: librdkafka would log each refusal.
    if ports.is_free(int(address.rpartition(":")[2])):
        return False
    client = AdminClient({"bootstrap.servers": address, "log_level": 0}, logger=_SILENT)
    try:
        return bool(client.list_topics(timeout=1).brokers)
    except KafkaException:
        return False


_SILENT = logging.getLogger("loanstream.stack.silent")
_SILENT.disabled = True


def _kafka_uuid() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
