"""Questions to the warehouse end in time, whatever the warehouse does."""

import asyncio
import threading
import time
from types import SimpleNamespace

import orjson
import pytest

from producers.gateway.older import ASKED_MOST, THREADS, Warehouse
from producers.gateway.parts import Standing
from producers.gateway.problems import ProblemError


class Client:
    """Answers a question with the rows of the first words that it holds; hangs while `hangs` is set."""

    def __init__(self, rows):
        self.rows, self.release, self.fails, self.connects = rows, threading.Event(), False, 0
        self.release.set()

    def connected(self):
        self.connects += 1
        return self

    def query(self, query, parameters):
        self.release.wait(10)
        if self.fails:
            raise OSError("gone")
        return SimpleNamespace(result_rows=next((rows for words, rows in self.rows.items() if words in query), []))


def ask(client, talk, **options):
    async def run():
        warehouse = Warehouse(client.connected, **options)
        try:
            await talk(warehouse)
        finally:
            client.release.set()
            await warehouse.close()

    asyncio.run(run())


def test_a_decision_is_told_as_it_was_written():
    """The event of the first record, and whether the revision was decided in another way, too."""
    event = {"decision_id": "x", "revision": 2}

    async def talk(warehouse):
        decided = await warehouse.find("bank-a", "A-1")
        assert (decided.event, decided.conflicting) == (event, True)
        assert await warehouse.by_id("bank-a", "x") is None

    ask(Client({"argMin": [(orjson.dumps(event).decode(), 1, 2)]}), talk)


def test_what_was_not_decided_stands_as_it_came():
    """An application that is recorded was accepted; one that has a dead letter alone was rejected, with its errors."""

    async def accepted(warehouse):
        assert await warehouse.standing("bank-a", "A-1") == Standing(3, "accepted")

    async def rejected(warehouse):
        found = await warehouse.standing("bank-a", "A-1")
        assert (found.status, found.errors[0]["field"]) == ("rejected", "loan")

    async def unknown(warehouse):
        assert await warehouse.standing("bank-a", "A-1") is None

    ask(Client({"applications_log": [(3,)]}), accepted)
    ask(Client({"applications_log": [(0,)], "dead_letters_log": [([{"field": "loan"}],)]}), rejected)
    ask(Client({"applications_log": [(0,)]}), unknown)


def test_a_warehouse_that_hangs_is_503_in_time():
    """Nobody waits longer than the bound, and what waits is bounded, too; afterwards it is asked again."""
    client = Client({})

    async def talk(warehouse):
        client.release.clear()
        began = time.monotonic()
        asked = [asyncio.ensure_future(warehouse.find("bank-a", "A-1")) for _ in range(ASKED_MOST)]
        await asyncio.sleep(0.01)
        with pytest.raises(ProblemError):
            await warehouse.find("bank-a", "A-1")
        assert time.monotonic() - began < 0.15
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert {(type(one), one.kind) for one in found} == {(ProblemError, "unavailable")}
        assert time.monotonic() - began < 2
        client.release.set()
        for _ in range(100):
            if not warehouse._asked:
                break
            await asyncio.sleep(0.01)
        assert await warehouse.find("bank-a", "A-1") is None

    ask(client, talk, within_s=0.2)
    assert threading.active_count() < 10 + THREADS


def test_a_warehouse_that_is_away_is_asked_anew():
    """An error is a 503; the next question makes a new client."""
    client = Client({})

    async def talk(warehouse):
        client.fails = True
        with pytest.raises(ProblemError, match="unavailable"):
            await warehouse.find("bank-a", "A-1")
        client.fails = False
        for _ in range(2 * THREADS):
            assert await warehouse.find("bank-a", "A-1") is None
        assert client.connects > len(warehouse._pool._threads)

    ask(client, talk)
