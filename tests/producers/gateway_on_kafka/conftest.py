"""The gateway's parts on a log in memory, asked as a client would ask them."""

import sys
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from memory_log import MemoryLog, NoWarehouse, until

from producers.gateway.app import gateway
from producers.gateway.callers import SCOPES, Caller
from producers.gateway.claims import KafkaClaims
from producers.gateway.decided import KnownDecisions
from producers.gateway.parts import Parts
from producers.gateway.sending import KafkaSender

SETTINGS = {"bootstrap.servers": "nowhere:1"}


@pytest.fixture
def memory_log():
    """A log with the topics of two banks."""
    names = [
        f"loan.{what}.v1.{bank}"
        for what in ("applications", "outcomes", "decisions", "rejections")
        for bank in ("bank-a", "bank-b")
    ]
    return MemoryLog("loan.gateway.claims.v1", *names)


class TokenIsTheBank:
    """A verifier whose tokens are `<bank>` or `<bank>/<client>`."""

    async def caller(self, token):
        tenant, _, client = token.partition("/")
        return Caller(tenant, client or "portal", frozenset(SCOPES))


@pytest.fixture
def parts_on():
    """Parts at work on a log: `async with parts_on(log) as parts`."""

    @asynccontextmanager
    async def at_work(log, older=None, most=1000, banks=("bank-a", "bank-b"), **of_sender):
        sender = KafkaSender(SETTINGS, kafka=log.producer, **of_sender)
        claims = KafkaClaims(
            SETTINGS, sender, lambda bank: bank.encode().ljust(32), log.now_ms, most=most, kafka=log.consumer
        )
        decisions = KnownDecisions(SETTINGS, banks, older or NoWarehouse(), kafka=log.consumer)
        for part in (sender, claims, decisions):
            await part.start()

        async def ready():
            return not (await claims.complaint() or await decisions.complaint())

        await until(ready)
        try:
            yield SimpleNamespace(sender=sender, claims=claims, decisions=decisions)
        finally:
            log.frozen = False
            for part in (claims, decisions, sender):
                await part.close()

    return at_work


@pytest.fixture
def client_on(parts_on):
    """A client of a gateway on a log: `async with client_on(log) as (client, parts)`."""

    @asynccontextmanager
    async def at_work(log, score=None, token="bank-a", **options):
        async with parts_on(log, **options) as found:
            parts = Parts(TokenIsTheBank(), None, found.sender, found.claims, found.decisions, None, score, None)
            transport = httpx.ASGITransport(app=gateway(parts))
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
                yield client, found

    return at_work
