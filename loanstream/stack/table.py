"""The processes of the embedded stack as a table: command, environment, readiness, order of the stop."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from loanstream.gateway.child import Gateway, Provider
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack import ports, space
from loanstream.stack.auth.child import AuthServer
from loanstream.stack.auth.registration import ClientSecret
from loanstream.stack.kafka import jars
from loanstream.stack.kafka.guard import PRINCIPALS, Guard
from loanstream.stack.kafka.node import is_ready as broker_is_ready
from loanstream.stack.layout import READER, WRITER, Layout
from loanstream.stack.probe import answers
from loanstream.stack.supervisor import Child
from schemas.access import GATEWAY
from stores.keys import COLUMNS, DOCUMENTS, RECEIPTS, WarehousePasswords

WORKERS: dict[str, tuple[str, ...]] = {
    # stage (also the process' name before its -N): the arguments of `loanstream worker`
    "verify": ("verify", "--lane", "fast"),
    "verify-slow": ("verify", "--lane", "slow"),
    "score": ("score",),
    "record": ("record",),
}

KEYS_OF: Mapping[str, str] = {
    # process: the part of the keys that it is handed, and no other
    "verify": DOCUMENTS,
    "verify-slow": DOCUMENTS,
    "score": RECEIPTS,
    "record": COLUMNS,
    GATEWAY: DOCUMENTS,
}

READY_S = 0.5
"""How long a process may take to say that it is ready; it is asked again and again."""

# rank of the stop: seconds a process gets to stop in order (a worker commits what it holds); 18 of the 20 of a stop
STOP_WORKERS, STOP_SERVERS, STOP_KAFKA = 0, 1, 2
STOP_WITHIN_S = {STOP_WORKERS: 10.0, STOP_SERVERS: 3.0, STOP_KAFKA: 5.0}


@dataclass(frozen=True, slots=True)
class Plan:
    """What one start of the stack consists of.

    Of a guarded broker `bootstrap` takes certificates and `oauth` tokens of the token server `auth`; `clients` are the
    banks', by their role (`producer:bank-a`). Where nobody has a token there is no gateway.
    """

    layout: Layout
    tenants: tuple[str, ...]
    workers: int
    bootstrap: str
    kafka_command: tuple[str, ...]
    passwords: WarehousePasswords
    ports: dict[str, int]
    guard: Guard | None = None
    oauth: str = ""
    auth: AuthServer | None = None
    clients: Mapping[str, ClientSecret] = field(default_factory=dict, repr=False)

    @property
    def warehouse_url(self) -> str:
        """Where the warehouse answers."""
        return f"http://{ports.LOOPBACK}:{self.ports['warehouse']}"

    @property
    def gateway(self) -> Gateway | None:
        """How the gateway is started."""
        if self.guard is None or self.auth is None:
            return None
        pki, where = self.guard.pki, self.auth.endpoints
        leaf = pki.leaf(GATEWAY)
        settings = _installation(self) | {
            "keys": self.layout.keys / KEYS_OF[GATEWAY],
            "warehouse_reader_password": self.passwords.reader_password,
            "wait_for": self.layout.prepared,
        }
        files = {"kafka_security": self.security_file(GATEWAY)}
        provider = Provider(where.issuer, where.jwks_uri, where.token_endpoint)
        return Gateway(self.ports[GATEWAY], leaf, leaf, pki.ca, provider, settings, files)

    @property
    def operator(self) -> dict[str, str]:
        """The operator's librdkafka settings."""
        return self.guard.operator if self.guard else {}

    def security_file(self, name: str) -> Path:
        """The file with the librdkafka settings of a stage's workers, or of the gateway."""
        return self.layout.keys / f"kafka-{name}.json"


def worker_names(workers: int) -> tuple[str, ...]:
    """The names of all worker processes: `verify-0`, `verify-1`, `verify-slow-0`, …"""
    return tuple(f"{stage}-{slot}" for stage in WORKERS for slot in range(workers))


def children(plan: Plan) -> Iterator[Child]:
    """The rows of the table."""

    def disk() -> str | None:
        return space.shortage(plan.layout.state)

    yield Child(
        "kafka",
        plan.kafka_command,
        lambda: broker_is_ready(plan.bootstrap, plan.operator),
        stop_rank=STOP_KAFKA,
        stop_within_s=STOP_WITHIN_S[STOP_KAFKA],
        suspects=(lambda: jars.corrupt(jars.broker_home()), disk),
    )
    yield Child(
        "warehouse",
        _python("loanstream.stack.clickhouse", "--data", plan.layout.warehouse, "--port", plan.ports["warehouse"]),
        partial(answers, f"{plan.warehouse_url}/ping", READY_S),
        {
            "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD": plan.passwords.writer_password,
            "LOANSTREAM_WAREHOUSE_READER_PASSWORD": plan.passwords.reader_password,
        },
        stop_rank=STOP_SERVERS,
        background=True,
        stop_within_s=STOP_WITHIN_S[STOP_SERVERS],
        suspects=(disk,),
    )
    if plan.auth is not None:
        yield plan.auth.child(STOP_SERVERS, STOP_WITHIN_S[STOP_SERVERS])
    if plan.gateway is not None:
        # Like a worker, it finishes what it is at before the broker stops.
        yield plan.gateway.child(STOP_WORKERS, STOP_WITHIN_S[STOP_WORKERS])
    for stage, arguments in WORKERS.items():
        for slot in range(plan.workers):
            name = f"{stage}-{slot}"
            yield Child(
                name,
                _python("loanstream.worker", *arguments, "--slot", slot),
                partial(answers, f"http://{ports.LOOPBACK}:{plan.ports[name]}/readyz", READY_S),
                _worker_environment(plan, stage, slot, plan.ports[name]),
                stop_rank=STOP_WORKERS,
                # Nobody waits for a record in the warehouse as they wait for a decision.
                background=stage == "record",
                stop_within_s=STOP_WITHIN_S[STOP_WORKERS],
                suspects=(disk,),
            )


def operators_installation(plan: Plan) -> Installation:
    """The stack as whoever prepares it reaches it."""
    values = _installation(plan) | {
        "kafka_admin_security": plan.operator,
        "kafka_principals": PRINCIPALS,
        "warehouse_writer_password": plan.passwords.writer_password,
    }
    return Installation(load(environment_of(values)))


def _installation(plan: Plan) -> dict[str, object]:
    return {
        "kafka_bootstrap": plan.bootstrap,
        "warehouse_url": plan.warehouse_url,
        "warehouse_writer": WRITER,
        "warehouse_reader": READER,
        "documents_url": plan.layout.documents.as_uri(),
        "artefacts_url": plan.layout.artefacts.as_uri(),
        "keys": plan.layout.keys,
        "tenants_file": plan.layout.tenants,
    }


def _worker_environment(plan: Plan, stage: str, slot: int, port: int) -> dict[str, str]:
    settings = _installation(plan) | {
        "keys": plan.layout.keys / KEYS_OF[stage],
        "slot": slot,
        "port": port,
        "slots": plan.layout.slots,
        "wait_for": plan.layout.prepared,
    }
    if stage == "record":
        # The one stage that writes to the warehouse is the one that can.
        settings["warehouse_writer_password"] = plan.passwords.writer_password
    return environment_of(settings, {"kafka_security": plan.security_file(stage)} if plan.guard else {})


def _python(module: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *map(str, arguments))
