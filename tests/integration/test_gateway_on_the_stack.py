"""The gateway of a running stack, over HTTPS with tokens: accepted is confirmed, once for a key, and decided."""

import asyncio
import json
import os
import signal
import threading
import time

import httpx
import pytest
from gateway_clients import environment_of, gateway_beside

from loanstream.gateway.on_kafka import on_kafka
from loanstream.installation import Installation
from loanstream.settings import load

TENANT = "gateway"
READY_S, DECIDED_S = 30, 30


@pytest.fixture
def application(shipped_example):
    """The shipped example under an id, without its bank: the token names it."""
    shipped_example.pop("tenant")
    return lambda name: shipped_example | {"application_id": name}


def until(ask, holds, patience_s=DECIDED_S):
    """What `ask` answers once it holds."""
    last = time.monotonic() + patience_s
    while not holds(found := ask()):
        assert time.monotonic() < last, found
        time.sleep(0.1)
    return found


def decided(client, name):
    """The decision of an application, once it is there."""
    standing = until(lambda: client.get(f"/v1/applications/{name}").json(), lambda found: found["status"] == "decided")
    return standing["decision"]


def test_accepted_waited_for_and_decided(https, application):
    """202, then the decision, to whoever waits and to whoever asks; a gateway that starts later has it of the
    warehouse; the what-if of the same claims says the same.
    """
    sends, reads = https("producer", TENANT), https("consumer", TENANT)
    accepted = sends.post("/v1/applications", json=application("waits-0"))
    assert (accepted.status_code, accepted.json()["status"]) == (202, "accepted"), accepted.text
    answer = sends.post("/v1/applications", json=application("waits-1"), headers={"Prefer": "wait=30"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=30")
    decision = answer.json()["decision"]
    assert decision["receipt"]["input_hmac"]
    assert decided(reads, "waits-0")
    what_if = sends.post("/v1/score", json=application("waits-1")).json()
    assert (what_if["score_final"], what_if["reasons"]) == (decision["score_final"], decision["reasons"])
    assert reads.get("/v1/applications/nobodys").status_code == 404
    with gateway_beside(https.stack) as url:
        later = https("consumer", TENANT, url)
        found = until(lambda: later.get("/v1/decisions/waits-1"), lambda answer: answer.status_code != 404).json()
        assert found == decision
        assert later.get(f"/v1/decisions/{found['decision_id']}").json() == found


def test_a_bank_sees_its_own_alone(https, application):
    """What one bank sent is to another as if it had never been."""
    https("producer", TENANT).post("/v1/applications", json=application("mine"))
    decision = decided(https("consumer", TENANT), "mine")
    other = https("consumer", "bank-a")
    for path in ("applications/mine", "decisions/mine", f"decisions/{decision['decision_id']}"):
        assert other.get(f"/v1/{path}").status_code == 404


def test_one_key_one_application(https, bank, application):
    """The same key is sent once by two gateways; what a killed one claimed and did not send, another one sends."""
    key = {"Idempotency-Key": "tuesday-1"}
    killed = json.dumps(application("killed")).encode()
    sends, reads = https("producer", TENANT), https("consumer", TENANT)
    with gateway_beside(https.stack) as url:
        beside = https("producer", TENANT, url)
        both = [None, None]

        def send(place, client):
            both[place] = client.post("/v1/applications", json=application("keyed"), headers=key)

        threads = [threading.Thread(target=send, args=each) for each in enumerate((sends, beside))]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert [(answer.status_code, answer.headers["location"]) for answer in both] == [
            (202, "/v1/applications/keyed?revision=1")
        ] * 2
        decided(reads, "keyed")
        assert beside.post("/v1/applications", json=application("other"), headers=key).status_code == 409
    # A gateway that is killed here: its claim is on the topic, the application is not.
    asyncio.run(_claim(https.stack, "killed-1", killed, "killed"))
    headers = {"Idempotency-Key": "killed-1", "Content-Type": "application/json"}
    assert sends.post("/v1/applications", content=killed, headers=headers).status_code == 202
    decided(reads, "killed")
    decisions, letters = bank.so_far(TENANT)
    ids = {decision["decision_id"]: decision["application_id"] for decision in decisions}
    assert sorted(name for name in ids.values() if name in ("keyed", "killed", "other")) == ["keyed", "killed"]
    assert letters == []


async def _claim(stack, key, body, application_id):
    """What a gateway of the stack does before it sends an application."""
    async with on_kafka(Installation(load(environment_of(stack))), delivery_ms=3_000) as made:
        last = time.monotonic() + READY_S
        while await made.complaints["claims"]():
            assert time.monotonic() < last
            await asyncio.sleep(0.05)
        await made.claims.claim(TENANT, f"{TENANT}-producer", key, body, application_id, 1)


def test_a_gateway_that_is_killed_loses_nothing(https, bank, application):
    """Whatever moment SIGKILL strikes: who repeats his requests with their keys has each application decided once."""
    names = [f"struck-{number}" for number in range(40)]
    with gateway_beside(https.stack) as url:
        client = https("producer", TENANT, url)
        answered = []

        def send():
            for name in names:
                answer = client.post("/v1/applications", json=application(name), headers={"Idempotency-Key": name})
                answered.append(answer.status_code)

        sending = threading.Thread(target=lambda: _until_it_breaks(send))
        sending.start()
        until(lambda: len(answered), lambda count: count > len(names) // 3)
        os.kill(https.pid_beside(url), signal.SIGKILL)
        sending.join()
    assert len(answered) < len(names)
    assert set(answered) == {202}
    again = https("producer", TENANT)
    for name in names:
        assert again.post("/v1/applications", json=application(name), headers={"Idempotency-Key": name}).is_success
    reads = https("consumer", TENANT)
    for name in names:
        decided(reads, name)
    decisions, letters = bank.so_far(TENANT)
    ids = {decision["decision_id"]: decision["application_id"] for decision in decisions}
    assert sorted(name for name in ids.values() if name in names) == sorted(names)
    assert letters == []


def _until_it_breaks(send):
    with pytest.raises(httpx.TransportError):
        send()


def test_a_frozen_broker_accepts_nothing(https, application):
    """A broker that stands still is a 503 with a time to try again; when it goes on, the same key is accepted."""
    broker = https.pid("kafka")
    sends = https("producer", TENANT)
    key = {"Idempotency-Key": "frozen-1"}
    os.kill(broker, signal.SIGSTOP)
    try:
        answers = [
            sends.post("/v1/applications", json=application("frozen"), headers=key),
            sends.post("/v1/applications", json=application("frozen-too")),
        ]
        ready = until(lambda: sends.get("/readyz"), lambda answer: answer.status_code == 503)
        assert ready.headers["content-type"] == "application/json"
        assert sends.get("/healthz").status_code == 200
    finally:
        os.kill(broker, signal.SIGCONT)
    assert [(answer.status_code, "retry-after" in answer.headers) for answer in answers] == [(503, True)] * 2
    until(
        lambda: sends.post("/v1/applications", json=application("frozen"), headers=key),
        lambda answer: answer.status_code == 202,
    )
    decided(https("consumer", TENANT), "frozen")
