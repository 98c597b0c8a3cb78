"""Idempotency: one key, one application, whoever races and whoever is killed."""

import asyncio
import json

import pytest
from memory_log import until

from producers.gateway.claim_index import LASTS_MS, ClaimIndex
from producers.gateway.problems import ProblemError
from schemas.decode import decode_own
from schemas.gateway import GatewayClaim
from schemas.values import utc_of_ms

TOPIC = "loan.gateway.claims.v1"
NAMES = ("bank-a", "portal", "key-1")


def claim_of(number, key="a", body="b", status="claimed"):
    return GatewayClaim(
        claim_id=f"00000000-0000-0000-0000-{number:012}",
        tenant="bank-a",
        client_id="portal",
        key_hmac="hmac-sha256:" + key * 64,
        body_hmac="hmac-sha256:" + body * 64,
        application_id=f"A-{number}",
        revision=1,
        status=status,
        at=utc_of_ms(1_790_000_000_000),
    )


def held(index, now_ms=0, key="a"):
    found = index.of("hmac-sha256:" + key * 64, now_ms)
    return found and (found.application_id, found.is_sent)


def index_of(*claims, at_ms=0, most=10):
    index = ClaimIndex(most)
    for claim in claims:
        index.take(claim, at_ms)
    return index


def test_the_first_claim_of_a_key_holds():
    """Of two gateways that claimed one key the first in the topic has it, and its `sent` is noted."""
    first, second = claim_of(1), claim_of(2, body="c")
    assert held(index_of(first, second)) == ("A-1", False)
    assert held(index_of(first, second, claim_of(1, status="sent"))) == ("A-1", True)


def test_compaction_changes_no_answer():
    """What compaction leaves of a race says the same: the sent one holds, though a claim that lost stands before it."""
    lost, sent = claim_of(2, body="c"), claim_of(1, status="sent")
    assert held(index_of(lost, sent)) == ("A-1", True)
    assert held(index_of(sent, lost)) == ("A-1", True)


def test_a_key_is_free_after_a_day():
    """A claim holds for a day from its first record on; then the key may stand for another application."""
    index = index_of(claim_of(1, status="sent"))
    assert held(index, LASTS_MS) == ("A-1", True)
    assert held(index, LASTS_MS + 1) is None
    index.take(claim_of(2), LASTS_MS + 1)
    assert held(index, LASTS_MS + 1) == ("A-2", False)


def test_a_flood_of_keys_costs_no_more_memory():
    """Beyond the number that is remembered the oldest claims are forgotten, and counted."""
    index = index_of(*(claim_of(number, key) for number, key in enumerate("abcdef")), most=4)
    assert (len(index), index.forgotten, held(index), held(index, key="f")) == (4, 2, None, ("A-5", False))


def test_claims_of_yesterday_make_room():
    """What is over is forgotten before anything that still holds."""
    index = index_of(claim_of(1, "a"), claim_of(2, "b"))
    index.take(claim_of(3, "c"), LASTS_MS + 1)
    assert (len(index), index.forgotten) == (1, 0)


def test_the_claim_is_there_before_the_answer(memory_log, parts_on):
    """A claim is written and read back; the key and the body stand in it as HMACs alone, different for each client."""

    async def run():
        async with parts_on(memory_log) as parts:
            made = await parts.claims.claim(*NAMES, b'{"secret": 1}', "A-1", 3)
            other = await parts.claims.claim("bank-a", "app", "key-1", b'{"secret": 1}', "A-1", 3)
            assert (
                (made.is_first, made.is_same_body, made.is_sent)
                == (True, True, False)
                == (
                    other.is_first,
                    other.is_same_body,
                    other.is_sent,
                )
            )
        first, second = memory_log.topics[TOPIC]
        claim = decode_own(GatewayClaim, first.value())
        assert (claim.application_id, claim.revision, claim.status) == ("A-1", 3, "claimed")
        told = first.key() + first.value() + repr(first.headers()).encode()
        assert b"key-1" not in told
        assert b"secret" not in told
        assert claim.key_hmac != decode_own(GatewayClaim, second.value()).key_hmac

    asyncio.run(run())


def test_a_repeat_gets_the_first_answer_and_writes_nothing(memory_log, parts_on):
    """The same key and body: the first id and revision, known to be sent; another body is told as such."""

    async def run():
        async with parts_on(memory_log) as parts:
            await parts.claims.claim(*NAMES, b"one", "A-1", 1)
            await parts.claims.sent(*NAMES)

            async def noted():
                return (await parts.claims.claim(*NAMES, b"one", "A-1", 1)).is_sent

            await until(noted)
            again = await parts.claims.claim(*NAMES, b"one", "A-1", 1)
            assert (again.is_first, again.is_same_body, again.application_id) == (False, True, "A-1")
            assert not (await parts.claims.claim(*NAMES, b"other", "A-2", 1)).is_same_body
        assert len(memory_log.topics[TOPIC]) == 2

    asyncio.run(run())


def test_two_gateways_that_race_agree(memory_log, parts_on):
    """Two gateways that are asked at once with one key and two bodies: one body holds for both, and stays so."""

    async def run():
        async with parts_on(memory_log) as one, parts_on(memory_log) as other:
            for number in range(20):
                names = ("bank-a", "portal", f"key-{number}")
                first, second = await asyncio.gather(
                    one.claims.claim(*names, b"one", "A-1", 1), other.claims.claim(*names, b"other", "A-2", 1)
                )
                assert first.application_id == second.application_id
                assert {first.is_same_body, second.is_same_body} == {True, False}
                assert {first.is_first, second.is_first} == {True, False}

    asyncio.run(run())


def test_a_killed_gateways_claim_is_known_to_the_next(memory_log, parts_on):
    """A claim without `sent` is found by a gateway that starts later, which is to send its application again."""

    async def run():
        async with parts_on(memory_log) as killed:
            await killed.claims.claim(*NAMES, b"one", "A-1", 1)
        async with parts_on(memory_log) as parts:
            again = await parts.claims.claim(*NAMES, b"one", "A-1", 1)
            assert (again.is_first, again.is_same_body, again.is_sent) == (False, True, False)
            assert not (await parts.claims.claim(*NAMES, b"other", "A-1", 1)).is_same_body

    asyncio.run(run())


def test_what_is_no_claim_is_left_out(memory_log, parts_on):
    """A record that a stranger wrote onto the topic stops nobody."""

    async def run():
        memory_log.add(TOPIC, b"not json")
        memory_log.add(TOPIC, json.dumps({"claim_id": "x"}).encode())
        async with parts_on(memory_log) as parts:
            assert (await parts.claims.claim(*NAMES, b"one", "A-1", 1)).is_first

    asyncio.run(run())


def test_no_claim_no_answer(memory_log, parts_on):
    """Where the claim cannot be confirmed the request is refused, and may be sent again."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.frozen = True
            with pytest.raises(ProblemError, match="unavailable"):
                await parts.claims.claim(*NAMES, b"one", "A-1", 1)
            memory_log.frozen = False
            assert (await parts.claims.claim(*NAMES, b"one", "A-1", 1)).is_same_body

    asyncio.run(run())
