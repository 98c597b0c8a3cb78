"""The sender: accepted is what the broker confirmed."""

import asyncio
import json
import time

import pytest
from confluent_kafka import KafkaError

from producers.gateway.problems import ProblemError
from producers.gateway.sending import KafkaSender
from producers.librdkafka import NO_TOKEN, TOKEN_SERVER_AWAY
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


REFUSED, AWAY, DOUBTED = (
    KafkaError(KafkaError._AUTHENTICATION, text)
    for text in (f'{NO_TOKEN}: {{"error":"invalid_client"}}', f"{NO_TOKEN}: Failed to connect", "invalid_token")
)


def said(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("errors", [[REFUSED], [DOUBTED] * 3, [AWAY, REFUSED]])
def test_refused_credentials_are_told_at_once_and_tried_again_later(errors, memory_log, parts_on, caplog):
    """A token server refuses once, a broker three times: then nobody waits for a timeout; after some seconds the client
    logs in again.
    """

    async def run():
        async with parts_on(memory_log) as parts:
            for error in errors:
                parts.sender._on_error(error)
            problem = await refusal(parts.sender.send(APPLICATIONS[0]))
            assert (problem.reason, problem.retry_after_s) == ("kafka-credentials", 30)
            assert await parts.sender.complaint() == problem.detail
            parts.sender._refused_until = 0
            await parts.sender.send(APPLICATIONS[0])
            assert await parts.sender.complaint() is None
            await parts.sender.send(APPLICATIONS[1])

    asyncio.run(run())


def test_a_log_in_that_is_refused_once_is_in_the_log_and_turns_nobody_away(memory_log, parts_on, caplog):
    """An operator reads of the first one. With a new signing key it takes a broker a second: then all goes on."""

    async def run():
        async with parts_on(memory_log) as parts:
            parts.sender._on_error(DOUBTED)
            parts.sender._on_error(DOUBTED)
            assert said(caplog) == ["the broker refuses the gateway's own log-in; the client tries again"]
            await parts.sender.send(APPLICATIONS[0])
            parts.sender._on_error(DOUBTED)
            assert len(said(caplog)) == 2  # a new trouble

    asyncio.run(run())


def test_who_waited_while_a_log_in_was_refused_is_told_of_the_credentials(memory_log, parts_on):
    """Also after one refusal; and whoever comes next is told at once."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.frozen = True
            parts.sender._on_error(DOUBTED)
            assert (await refusal(parts.sender.send(APPLICATIONS[0]))).reason == "kafka-credentials"
            parts.sender._on_error(REFUSED)
            parts.sender._refused_until = 0  # the client is silent from now on
            assert (await refusal(parts.sender.send(APPLICATIONS[0]))).reason == "kafka-credentials"
            began = time.monotonic()
            assert (await refusal(parts.sender.send(APPLICATIONS[1]))).reason == "kafka-credentials"
            assert time.monotonic() - began < memory_log.expires / 2

    asyncio.run(run())


def test_a_token_server_that_is_away_has_refused_nobody(memory_log, parts_on, caplog):
    """The log names it, and so it does where a broker doubts the token that could not be renewed."""

    async def run():
        async with parts_on(memory_log) as parts:
            memory_log.frozen = True
            for error in (AWAY, *[DOUBTED] * 4):
                parts.sender._on_error(error)
            assert (await refusal(parts.sender.send(APPLICATIONS[0]))).reason == "kafka-unconfirmed"
            assert said(caplog)[0] == TOKEN_SERVER_AWAY
            assert said(caplog)[-1] == f"not confirmed: not confirmed within the delivery timeout: {TOKEN_SERVER_AWAY}"

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


def test_a_record_that_nobody_waits_for_wakes_nobody_and_is_counted_out(memory_log, parts_on, monkeypatch):
    """The event loop is told of it with the next one that somebody waits for, or a moment later."""

    async def run():
        async with parts_on(memory_log) as parts:
            sender = parts.sender
            woken = []
            monkeypatch.setattr(sender, "_in_the_loop", lambda *what: woken.append(what))
            for _ in range(3):
                sender.post("loan.gateway.claims.v1", b"k", b"v", [])
            await asyncio.sleep(0.3)
            assert [len(settled) for _, settled in woken] == [3]
            monkeypatch.undo()
            for call, settled in woken:
                call(settled)
            assert sender._in_flight == 0

    asyncio.run(run())
