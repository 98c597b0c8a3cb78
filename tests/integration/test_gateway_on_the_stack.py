"""The gateway's parts on a running stack: accepted is confirmed, once for a key, and decided like everything else."""

import asyncio
import json
import os
import signal
import time
from contextlib import asynccontextmanager

import httpx
import pytest

from loanstream.gateway.on_kafka import on_kafka
from loanstream.stack.running import RunningStack
from producers.gateway.app import gateway
from producers.gateway.callers import SCOPES, Caller
from producers.gateway.parts import Parts

TENANT = "gateway"
READY_S, DECIDED_S = 30, 30


class Everybody:
    """A verifier that lets everybody in, as the bank of these tests."""

    async def caller(self, token):
        return Caller(TENANT, token, frozenset(SCOPES))


@asynccontextmanager
async def gateway_on(stack):
    """A client of a gateway on the stack, once it has read what it must."""
    async with on_kafka(stack, delivery_ms=3_000) as made:
        until = time.monotonic() + READY_S
        while [said for ask in made.complaints.values() if (said := await ask())]:
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        parts = Parts(Everybody(), None, made.sender, made.claims, made.decisions, None, made.score, None)
        transport = httpx.ASGITransport(app=gateway(parts))
        headers = {"Authorization": "Bearer portal"}
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
            yield client, parts


@pytest.fixture
def application(shipped_example):
    """The shipped example under an id, without its bank: the token names it."""
    shipped_example.pop("tenant")
    return lambda name: shipped_example | {"application_id": name}


def talk(stack, conversation):
    async def run():
        async with gateway_on(stack) as (client, parts):
            return await conversation(client, parts)

    return asyncio.run(run())


async def decided(client, name):
    """How the application stands, once it is decided."""
    until = time.monotonic() + DECIDED_S
    while (found := (await client.get(f"/v1/applications/{name}")).json())["status"] != "decided":
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    return found["decision"]


def test_accepted_waited_for_and_decided(stack, application):
    """202, then the decision, to whoever waits and to whoever asks; a gateway that starts later has it of the
    warehouse; the what-if of the same claims says the same.
    """

    async def sends(client, parts):
        accepted = await client.post("/v1/applications", json=application("waits-0"))
        assert (accepted.status_code, accepted.json()["status"]) == (202, "accepted")
        answer = await client.post("/v1/applications", json=application("waits-1"), headers={"Prefer": "wait=30"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=30")
        decision = answer.json()["decision"]
        assert decision["receipt"]["input_hmac"]
        assert await decided(client, "waits-0")
        what_if = (await client.post("/v1/score", json=application("waits-1"))).json()
        assert (what_if["score_final"], what_if["reasons"]) == (decision["score_final"], decision["reasons"])
        return decision

    async def asks_later(client, parts):
        until = time.monotonic() + DECIDED_S
        while (found := await client.get("/v1/decisions/waits-1")).status_code == 404:
            assert time.monotonic() < until  # record writes it a moment later
            await asyncio.sleep(0.1)
        by_id = await client.get(f"/v1/decisions/{found.json()['decision_id']}")
        assert by_id.json() == found.json()
        assert (await client.get("/v1/applications/nobodys")).status_code == 404
        return found.json()

    told = talk(stack, sends)
    assert talk(stack, asks_later) == told


def test_one_key_one_application(stack, bank, application):
    """The same key is sent once by two gateways; what a killed one claimed and did not send, the next one sends."""
    key = {"Idempotency-Key": "tuesday-1"}
    killed = json.dumps(application("killed")).encode()

    async def first(client, parts):
        assert (await client.post("/v1/applications", json=application("keyed"), headers=key)).status_code == 202
        await decided(client, "keyed")
        # Killed here: the claim is on the topic, the application is not.
        await parts.claims.claim(TENANT, "portal", "killed-1", killed, "killed", 1)

    async def second(client, parts):
        again = await client.post("/v1/applications", json=application("keyed"), headers=key)
        assert (again.status_code, again.headers["location"]) == (202, "/v1/applications/keyed?revision=1")
        other = await client.post("/v1/applications", json=application("other"), headers=key)
        assert other.status_code == 409
        headers = {"Idempotency-Key": "killed-1", "Content-Type": "application/json"}
        assert (await client.post("/v1/applications", content=killed, headers=headers)).status_code == 202
        await decided(client, "killed")

    talk(stack, first)
    talk(stack, second)
    decisions, letters = bank.so_far(TENANT)
    ids = [decision["application_id"] for decision in decisions]
    assert (ids.count("keyed"), ids.count("killed"), ids.count("other"), letters) == (1, 1, 0, [])


def test_a_frozen_broker_accepts_nothing(stack, application):
    """A broker that stands still is a 503 with a time to try again; when it goes on, the same key is accepted."""
    broker = next(p["pid"] for p in RunningStack.at(stack.layout.state).stack["processes"] if p["name"] == "kafka")

    async def sends(client, parts):
        key = {"Idempotency-Key": "frozen-1"}
        os.kill(broker, signal.SIGSTOP)
        try:
            answers = await asyncio.gather(
                client.post("/v1/applications", json=application("frozen"), headers=key),
                client.post("/v1/applications", json=application("frozen-too")),
            )
        finally:
            os.kill(broker, signal.SIGCONT)
        assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * 2
        until = time.monotonic() + READY_S
        while (await client.post("/v1/applications", json=application("frozen"), headers=key)).status_code != 202:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
        await decided(client, "frozen")

    talk(stack, sends)
