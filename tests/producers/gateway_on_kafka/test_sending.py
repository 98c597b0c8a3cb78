"""The sender: accepted is what the broker confirmed."""

import asyncio
import json
import time

import pytest
from confluent_kafka import KafkaError

from producers.gateway.problems import ProblemError
from producers.gateway.sending import KafkaSender
from producers.synthetic.applications import Shares, synthesise
from schemas.values import utc_of_ms

PLAIN = Shares(repeated=0, documents=0, inflated=0, broken=0)
APPLICATIONS = [item.application for item in synthesise(20, 1, "bank-a", PLAIN, utc_of_ms(1_790_000_000_000))]
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


async def refusal(awaitable):
    with pytest.raises(ProblemError) as caught:
        await awaitable
    return caught.value


def test_says_where_the_confirmed_record_stands(memory_log, parts_on):
    """An application is on its bank's topic under its id, with the caller's trace, at the place that the sender tells."""

    async def run():
        async with parts_on(memory_log) as parts:
            places = await asyncio.gather(*(parts.sender.send(one, TRACE) for one in APPLICATIONS))
        records = memory_log.topics["loan.applications.v1.bank-a"]
        assert [records[place.offset].key().decode() for place in places] == [a.application_id for a in APPLICATIONS]
        assert json.loads(records[0].value())["tenant"] == "bank-a"
        assert dict(records[0].headers())["traceparent"] == TRACE.encode()

    asyncio.run(run())


def test_a_frozen_broker_is_told_with_a_time_to_try_again(memory_log, parts_on):
    """What no broker confirms in time is not accepted; when it confirms again, all is well again."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.frozen = True
            problem = await refusal(parts.sender.send(APPLICATIONS[0]))
            assert (problem.kind, problem.reason, problem.retry_after_s) == ("unavailable", "kafka-unconfirmed", 5)
            assert await parts.sender.complaint()
            memory_log.frozen = False
            await parts.sender.send(APPLICATIONS[0])
            assert await parts.sender.complaint() is None

    asyncio.run(run())


def test_nobody_queues_behind_a_broker_that_does_not_answer(memory_log, parts_on):
    """Above the number that may be under way a request is refused at once."""

    async def run():
        async with parts_on(memory_log, in_flight_max=3) as parts:
            memory_log.frozen = True
            waiting = [asyncio.ensure_future(parts.sender.send(one)) for one in APPLICATIONS[:3]]
            await asyncio.sleep(0.01)
            began = time.monotonic()
            problem = await refusal(parts.sender.send(APPLICATIONS[3]))
            assert (problem.reason, time.monotonic() - began < 0.1) == ("kafka-in-flight", True)
            memory_log.frozen = False
            await asyncio.gather(*waiting)
            await parts.sender.send(APPLICATIONS[3])

    asyncio.run(run())


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (29, "kafka-permission"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "kafka-permission"),
        (KafkaError._MSG_TIMED_OUT, "kafka-unconfirmed"),
        (KafkaError.NOT_ENOUGH_REPLICAS_AFTER_APPEND, "kafka-unconfirmed"),
    ],
)
def test_the_log_says_what_is_wrong_with_the_gateway(memory_log, parts_on, code, reason):
    """A right that the gateway lacks and a broker that is away are told apart in the log; to the client both are 503."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.refuses = code
            problem = await refusal(parts.sender.send(APPLICATIONS[0]))
            assert (problem.kind, problem.reason) == ("unavailable", reason)

    asyncio.run(run())


def test_refused_credentials_are_told_at_once_and_tried_again_later(memory_log, parts_on, monkeypatch):
    """After three refused log-ins nobody waits for a timeout; after some seconds the client logs in again."""

    async def run():
        async with parts_on(memory_log) as parts:
            for _ in range(3):
                parts.sender._on_error(KafkaError(KafkaError._AUTHENTICATION))
            problem = await refusal(parts.sender.send(APPLICATIONS[0]))
            assert problem.reason == "kafka-credentials"
            parts.sender._refused_until = 0
            await parts.sender.send(APPLICATIONS[0])
            await parts.sender.send(APPLICATIONS[1])

    asyncio.run(run())


def test_a_client_library_that_gave_up_is_replaced(memory_log, parts_on):
    """A fatal error costs the requests under way, and no restart of the gateway."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.frozen = True
            waiting = asyncio.ensure_future(parts.sender.send(APPLICATIONS[0]))
            await asyncio.sleep(0.01)
            before = parts.sender._producer
            parts.sender._on_error(KafkaError(KafkaError._FATAL, "fenced", fatal=True))
            assert (await refusal(waiting)).kind == "unavailable"
            memory_log.frozen = False
            await parts.sender.send(APPLICATIONS[1])
            assert parts.sender._producer is not before

    asyncio.run(run())


def test_a_caller_that_goes_away_disturbs_nobody(memory_log, parts_on):
    """A client that hangs up while the broker is slow leaves nothing behind: what it sent may be there, or not."""

    async def run():
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with parts_on(memory_log, in_flight_max=1) as parts:
            memory_log.frozen = True
            gone = asyncio.ensure_future(parts.sender.send(APPLICATIONS[0]))
            await asyncio.sleep(0.01)
            gone.cancel()
            memory_log.frozen = False
            await asyncio.sleep(0.05)
            await parts.sender.send(APPLICATIONS[1])
        assert not faults

    asyncio.run(run())


def test_confirmation_cannot_be_switched_off(memory_log):
    """Idempotence and acks=all are ours, whatever the settings say; a delivery ends in seconds, not in a minute."""
    sender = KafkaSender({"acks": "0", "enable.idempotence": False}, kafka=memory_log.producer)
    found = sender._producer.settings
    assert (found["acks"], found["enable.idempotence"], found["message.timeout.ms"]) == ("all", True, 10_000)
    named = KafkaSender({"delivery.timeout.ms": 3000}, kafka=memory_log.producer)._producer.settings
    assert (named["delivery.timeout.ms"], "message.timeout.ms" in named) == (3000, False)
