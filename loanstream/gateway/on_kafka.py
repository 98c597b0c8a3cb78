"""The gateway's parts that stand on Kafka and the warehouse, built from an installation."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from loanstream.gateway.what_if import WhatIf
from loanstream.installation import Installation
from producers.gateway.claims import KafkaClaims
from producers.gateway.decided import KnownDecisions
from producers.gateway.older import Warehouse
from producers.gateway.sending import KafkaSender
from registry.control import ControlReader
from registry.scorers import Scorers
from stores.warehouse.client import connect

log = logging.getLogger(__name__)

DELIVERY_MS = 10_000
WAREHOUSE_S = 4
"""After so long the warehouse's client gives up: no thread waits for ever."""

Complaint = Callable[[], Awaitable[str | None]]
"""What is wrong with a part; None where nothing is."""


@dataclass(frozen=True, slots=True)
class OnKafka:
    """The parts, and what each complains of."""

    sender: KafkaSender
    claims: KafkaClaims
    decisions: KnownDecisions
    score: WhatIf
    complaints: Mapping[str, Complaint]


@asynccontextmanager
async def on_kafka(installation: Installation, delivery_ms: int = DELIVERY_MS) -> AsyncIterator[OnKafka]:
    """The parts, at work within. Of the banks' keys only those of the door are read. What no broker has confirmed
    after `delivery_ms` is not accepted.

    Problem for a bank without keys, SettingProblem for a setting that is needed and not set.
    """
    settings = {"bootstrap.servers": installation.bootstrap, **installation.worker_security}
    for tenant in installation.tenants:
        installation.door_of(tenant)  # what is not there is told now, not at the first request
    older = Warehouse(_client(installation))
    control = ControlReader(installation.bootstrap, installation.worker_security, _control_failed)
    sender = KafkaSender({"message.timeout.ms": delivery_ms, **settings})
    claims = KafkaClaims(settings, sender, lambda tenant: installation.door_of(tenant).claims_key, _now_ms)
    decisions = KnownDecisions(settings, installation.served, older)
    score = WhatIf(control, Scorers(installation.artefacts, control.needed), _now_ms)
    async with AsyncExitStack() as at_work:
        at_work.push_async_callback(older.close)
        at_work.push_async_callback(score.close)
        at_work.callback(control.stop)
        control.start()
        for part in (sender, claims, decisions):
            await part.start()
            at_work.push_async_callback(part.close)
        complaints = {"sender": sender.complaint, "claims": claims.complaint, "decisions": decisions.complaint}
        yield OnKafka(sender, claims, decisions, score, complaints)


def _client(installation: Installation) -> Callable[[], Any]:
    url, reader = installation.warehouse_url, installation.warehouse_reader
    password, ca = installation.settings.warehouse_reader_password, installation.settings.warehouse_ca
    return lambda: connect(url, reader, password, answer_s=WAREHOUSE_S, ca=ca)


def _control_failed(error: Exception) -> None:
    """What is in force is then not known to be so any more, and the path of scores says so."""
    log.error("the control thread failed: %s", type(error).__name__)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
