"""Decisions of late and older ones, and how an application stands."""

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from memory_log import NoWarehouse, until

from producers.gateway import following
from producers.gateway.parts import Decided, Standing
from producers.gateway.problems import ProblemError
from schemas.records import Place

TOPIC = "loan.decisions.v1.bank-a"
EXAMPLE = json.loads(
    (Path(__file__).resolve().parents[3] / "schemas/examples/loan.decision.made.json").read_text(encoding="utf-8")
)
ID = EXAMPLE["application_id"]
AWAY = ProblemError("unavailable", "away")


def decision(number=1, revision=1, outcome="approve"):
    decision_id = f"00000000-0000-0000-0000-{number:012}"
    return EXAMPLE | {"decision_id": decision_id, "revision": revision, "outcome": outcome}


def publish(log, event, topic=TOPIC):
    log.add(topic, orjson.dumps(event), event["application_id"].encode(), [("ce_id", event["decision_id"].encode())])


def told(decided):
    return decided and (int(decided.event["decision_id"][-1]), decided.conflicting)


def test_who_waits_is_told_when_the_decision_is_heard(memory_log, parts_on):
    """A wait ends with the decision of that bank, application and revision, and with no other's."""

    async def run():
        async with parts_on(memory_log) as parts:
            waiting = asyncio.ensure_future(parts.decisions.wait("bank-a", ID, 2, 5))
            await asyncio.sleep(0.02)
            publish(memory_log, decision(1, 1))
            publish(memory_log, decision(2, 2), "loan.decisions.v1.bank-b")
            await asyncio.sleep(0.05)
            assert not waiting.done()
            publish(memory_log, decision(3, 2))
            assert told(await waiting) == (3, False)
            assert told(await parts.decisions.wait("bank-a", ID, 1, 5)) == (1, False)

    asyncio.run(run())


def test_a_wait_ends_in_time(memory_log, parts_on):
    """Where no decision comes in time there is none, and nothing is left of the waiting."""

    async def run():
        async with parts_on(memory_log) as parts:
            assert await parts.decisions.wait("bank-a", ID, 1, 0.05) is None
            assert not parts.decisions._waiting
            assert parts.decisions._waiters == 0

    asyncio.run(run())


def test_what_was_decided_before_the_start_is_in_the_warehouse(memory_log, parts_on):
    """A gateway hears what comes after its start; the rest is the warehouse's, and without it nobody guesses."""

    async def run():
        publish(memory_log, decision(1))
        older = NoWarehouse(Decided(decision(7)))
        async with parts_on(memory_log, older=older) as parts:
            assert told(await parts.decisions.find("bank-a", ID)) == (7, False)
            older.away = AWAY
            with pytest.raises(ProblemError):
                await parts.decisions.find("bank-a", ID)

    asyncio.run(run())


async def heard(parts, revision=1):
    async def found():
        return parts.decisions._late.found(("bank-a", ID), revision) is not None

    await until(found)


def test_the_first_decision_counts_though_it_was_before_the_start(memory_log, parts_on):
    """What was heard may be the second decision: the warehouse's first counts, and the conflict is told."""

    async def run():
        older = NoWarehouse(Decided(decision(1)))
        async with parts_on(memory_log, older=older) as parts:
            publish(memory_log, decision(2, outcome="decline"))
            await heard(parts)
            assert told(await parts.decisions.find("bank-a", ID)) == (1, True)

    asyncio.run(run())


def test_what_is_sure_is_not_asked_again(memory_log, parts_on):
    """Once the warehouse knows the same first decision it is not asked any more; while it is away, what was heard is
    the answer.
    """

    async def run():
        older = NoWarehouse(away=AWAY)
        async with parts_on(memory_log, older=older) as parts:
            publish(memory_log, decision(1))
            await heard(parts)
            assert told(await parts.decisions.find("bank-a", ID)) == (1, False)
            older.away, older.found = None, Decided(decision(1))
            asked = older.asked
            for _ in range(3):
                assert told(await parts.decisions.find("bank-a", ID)) == (1, False)
            assert older.asked == asked + 1

    asyncio.run(run())


def test_what_was_accepted_here_is_known_at_once(memory_log, parts_on):
    """An application stands as accepted from its confirmation on, without a look into the warehouse, until it is
    decided; of two revisions the higher one is told.
    """

    async def run():
        older = NoWarehouse(away=AWAY)
        async with parts_on(memory_log, older=older) as parts:
            decisions = parts.decisions
            decisions.accepted("bank-a", ID, 1, Place("t", 0, 1))
            assert await decisions.status("bank-a", ID) == Standing(1, "accepted")
            publish(memory_log, decision(1))
            await heard(parts)
            assert (await decisions.status("bank-a", ID)).status == "decided"
            decisions.accepted("bank-a", ID, 2, Place("t", 0, 2))
            assert await decisions.status("bank-a", ID) == Standing(2, "accepted")
            assert (await decisions.status("bank-a", ID, 1)).status == "decided"

    asyncio.run(run())


def test_an_application_of_another_gateway_is_asked_for_in_the_warehouse(memory_log, parts_on):
    """What nobody heard of here stands as the warehouse says; what it does not know either is not known."""

    async def run():
        older = NoWarehouse(standing=Standing(4, "accepted"))
        async with parts_on(memory_log, older=older) as parts:
            assert await parts.decisions.status("bank-a", ID) == Standing(4, "accepted")
            older.stands = None
            assert await parts.decisions.status("bank-a", ID) is None

    asyncio.run(run())


def test_a_rejection_is_told_with_its_errors(memory_log, parts_on):
    """Of a record that could not be taken after all the errors are told, until it is withdrawn; one of
    another record of that id says nothing of the one that was accepted.
    """
    fault = {"field": "(key)", "error": "key_mismatch", "expected": "the application's id", "found": None}
    origin = {"topic": "loan.applications.v1.bank-a", "partition": 0, "offset": 9, "timestamp_ms": -1}
    rejection = {"tenant": "bank-a", "application_id": ID, "origin": origin, "errors": [fault]}
    before = rejection | {"origin": origin | {"offset": 8}}

    async def run():
        async with parts_on(memory_log) as parts:
            parts.decisions._late.reject(("bank-a", ID), orjson.dumps(before))
            assert (await parts.decisions.status("bank-a", ID)).status == "rejected"
            parts.decisions.accepted("bank-a", ID, 1, Place(origin["topic"], 0, 9))
            assert await parts.decisions.status("bank-a", ID) == Standing(1, "accepted")
            parts.decisions.accepted("bank-a", ID, 1, Place(origin["topic"], 0, 9))
            parts.decisions._late.reject(("bank-a", ID), orjson.dumps(rejection))
            assert await parts.decisions.status("bank-a", ID) == Standing(1, "rejected", errors=(fault,))
            parts.decisions._late.reject(("bank-a", ID), None)
            assert await parts.decisions.status("bank-a", ID) == Standing(1, "accepted")

    asyncio.run(run())


def test_a_bank_that_comes_is_heard_and_one_that_goes_is_no_complaint(memory_log, parts_on, monkeypatch):
    """While the gateway runs, from a little before its topic was seen: no decision of the first moment is missed."""
    monkeypatch.setattr(following, "ASK_EVERY_S", 0.02)
    banks = ["bank-a", "bank-b"]

    async def run():
        async with parts_on(memory_log, banks=banks) as parts:
            memory_log.topics |= {f"loan.{what}.v1.bank-c": [] for what in ("decisions", "rejections")}
            publish(memory_log, decision(1, 1), "loan.decisions.v1.bank-c")
            banks.append("bank-c")
            assert told(await parts.decisions.wait("bank-c", ID, 1, 5)) == (1, False)
            banks.remove("bank-b")
            await asyncio.sleep(0.3)
            memory_log.topics = {name: found for name, found in memory_log.topics.items() if "bank-b" not in name}
            assert await parts.decisions.complaint() is None
            publish(memory_log, decision(2, 2), "loan.decisions.v1.bank-c")
            assert told(await parts.decisions.wait("bank-c", ID, 2, 5)) == (2, False)

    asyncio.run(run())


def test_decisions_that_nobody_waits_for_wake_nobody(memory_log, parts_on, monkeypatch):
    """A gateway that follows every bank's decisions does so beside its requests."""

    async def run():
        async with parts_on(memory_log) as parts:
            woken = []
            loop = asyncio.get_running_loop()
            with monkeypatch.context() as watched:
                watched.setattr(loop, "call_soon_threadsafe", lambda call, *_: woken.append(call))
                publish(memory_log, decision())
                while parts.decisions._late.found(("bank-a", ID)) is None:  # noqa: ASYNC110 - nobody would tell of it
                    await asyncio.sleep(0.001)
                await asyncio.sleep(0.05)
            assert parts.decisions._tell not in woken

    asyncio.run(run())
