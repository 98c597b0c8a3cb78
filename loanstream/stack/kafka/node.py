"""One KRaft node on loopback: its settings as a table, its directory's format, its readiness."""

import base64
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.stack import ports
from loanstream.stack.kafka.guard import INTERNAL_LISTENER, Guard
from schemas.topics import RECORD_MAX_BYTES

CHECKPOINT = "bootstrap.checkpoint"
PORT_NAMES = ("controller", "broker", "oauth")

PROPERTIES: dict[str, str] = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
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

UNGUARDED: dict[str, str] = {
    "inter.broker.listener.name": "PLAIN",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAIN:PLAINTEXT",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a node listens, `127.0.0.1:PORT` each: `broker` for certificates (or for everybody), `oauth` for tokens."""

    controller: str
    broker: str
    oauth: str

    @classmethod
    def of(cls, directory: Path) -> "Addresses":
        """Those of the node in `directory`: the ports of its last start where they are free, else new ones."""
        chosen = ports.keep_or_pick(directory / ports.FILE, PORT_NAMES)
        return cls(**{name: f"{ports.LOOPBACK}:{port}" for name, port in chosen.items()})


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


def write_properties(directory: Path, guard: Guard | None = None) -> tuple[Path, Addresses]:
    """Write `server.properties` for this start's ports; the file and where the node listens.

    Without a guard everybody who reaches the broker may do everything there.
    """
    at = Addresses.of(directory)
    if guard is None:
        told, advertised = UNGUARDED, f"PLAIN://{at.broker}"
    else:
        told, advertised = guard.properties, f"{INTERNAL_LISTENER}://{at.broker},OAUTH://{at.oauth}"
    here = {
        "log.dirs": str((directory / "data").resolve()),
        "controller.quorum.voters": f"1@{at.controller}",
        "listeners": f"CONTROLLER://{at.controller},{advertised}",
        "advertised.listeners": advertised,
    }
    path = directory / "server.properties"
    path.write_text("".join(f"{key}={value}\n" for key, value in (PROPERTIES | told | here).items()))
    return path.resolve(), at


def is_ready(address: str, security: Mapping[str, str] | None = None) -> bool:
    """Whether the broker answers a metadata request (asked once, within a second, as whom `security` proves)."""
    # A port that refuses is not worth a client: librdkafka would log each refusal.
    if ports.is_free(int(address.rpartition(":")[2])):
        return False
    asking: dict[str, Any] = {**(security or {}), "bootstrap.servers": address, "log_level": 0}
    with AdminClient(asking, logger=_SILENT) as client:
        try:
            return bool(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return False


_SILENT = logging.getLogger("loanstream.stack.silent")
_SILENT.disabled = True


def _kafka_uuid() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
