"""The load for the gateway sends what a bank sends, when it is due, and says what was answered."""

import asyncio
import itertools
import json
import time
from dataclasses import replace

import pytest

from loanstream.lab.bench import https_load
from loanstream.lab.bench.https_load import Requests, Told, _due
from schemas.application import LoanApplication
from schemas.decode import decode

TOLD = Told("https://localhost:1", "ca", ["one", "two"], "run", 1.0, None, 4, keyed=True)


def parted(request: bytes) -> tuple[dict[str, str], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]), body


def test_each_request_is_an_application_of_its_own_with_a_bank_s_token() -> None:
    """By turns of each bank; keyed by the application's name, or not at all."""
    requests = Requests(TOLD)
    for number, token in ((0, "one"), (1, "two"), (2, "one")):
        headers, body = parted(requests.of(number))
        application = decode(LoanApplication, json.dumps({**json.loads(body), "tenant": "bank-a"}).encode())
        assert (application.application_id, headers["Idempotency-Key"]) == (f"run-{number}",) * 2
        assert headers["Authorization"] == f"Bearer {token}"
        assert int(headers["Content-Length"]) == len(body)
    assert "Idempotency-Key" not in parted(Requests(replace(TOLD, keyed=False)).of(0))[0]


def test_at_a_rate_each_request_has_its_moment() -> None:
    """However long the one before took; after the time there are no more."""
    began = 100.0
    due = list(_due(itertools.count(), replace(TOLD, rate=2.0), began))
    assert due == [(number, began + number / 2) for number in range(5)]


@pytest.mark.parametrize("status", [202, 503])
def test_answers_are_counted_by_status_and_times_are_of_what_was_accepted(monkeypatch, status) -> None:
    """A slow answer counts from the moment at which its request was due."""
    monkeypatch.setattr(https_load, "SKIPPED_S", 0.0)
    monkeypatch.setattr(https_load.ssl, "create_default_context", lambda cafile: None)

    async def answer(reader, writer):
        while head := await reader.readline():
            while (line := await reader.readline()) != b"\r\n":
                head = line if line.startswith(b"Content-Length") else head
            await reader.readexactly(int(head.split()[1]))
            await asyncio.sleep(0.02)
            writer.write(f"HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}".encode())

    async def run():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        told = replace(TOLD, url=f"https://127.0.0.1:{port}", seconds=0.4, rate=100.0, connections=1)
        began = time.perf_counter()
        found = await https_load.load(told)
        server.close()
        return found, time.perf_counter() - began

    found, took = asyncio.run(run())
    assert set(found.statuses) == {str(status)}
    assert found.accepted == (found.statuses["202"] if status == 202 else 0)
    # One connection answers fifty a second: at a hundred each waits longer than the one before.
    assert took > 0.6
    assert (found.p99_ms > 200) == (status == 202)
