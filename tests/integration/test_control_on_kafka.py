"""The control topic's reader on the real broker."""

import asyncio
import time
import uuid

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from registry.control import ControlReader
from registry.history import InForce
from schemas.operations import ACTIVATION_LEAD_MS, Activation

B = [f"sha256:{digit * 64}" for digit in "0123"]


def value(bundle_id, policy_id):
    return Activation(
        activation_id=str(uuid.uuid4()),
        tenant=None,
        bundle_id=bundle_id,
        policy_id=policy_id,
        actor="tests",
        reason="to be read",
    ).model_dump_json()


@pytest.fixture
def control_topic(broker):
    """A topic like the control topic, its name."""
    name = f"control-{uuid.uuid4()}"
    wanted = NewTopic(name, 1, 1, config={"message.timestamp.type": "LogAppendTime"})
    with AdminClient({"bootstrap.servers": broker}) as admin:
        admin.create_topics([wanted])[name].result(30)
    return name


@pytest.fixture
def reading(broker, control_topic):
    """A reader of that topic; nothing may fail in it."""
    failed = []
    reader = ControlReader(broker, {}, failed.append, control_topic)
    reader.start()
    yield reader
    reader.stop()
    assert failed == []


@pytest.fixture
def transaction(broker, control_topic):
    """Publishes an activation in a transaction and ends it, or leaves it open; the broker's time of it."""
    producer = Producer({"bootstrap.servers": broker, "transactional.id": control_topic})
    producer.init_transactions(30)

    def publish(text, end):
        stamped = []
        producer.begin_transaction()
        producer.produce(control_topic, text, on_delivery=lambda _, message: stamped.append(message.timestamp()[1]))
        assert producer.flush(30) == 0
        if end is not None:
            getattr(producer, end)(30)
        return stamped[0]

    publish.end = lambda end: getattr(producer, end)(30)
    return publish


async def seen(reader, accepted_ms, within_s=10):
    async with asyncio.timeout(within_s):
        await reader.wait_for(accepted_ms)


def test_a_topic_that_ends_in_a_transactions_marker_is_read_to_its_end(reading, transaction):
    """What was committed decides, what was aborted does not, and nothing waits for a record that never comes."""
    transaction(value(B[0], B[1]), "commit_transaction")
    at_ms = transaction(value(None, B[3]), "abort_transaction")
    asyncio.run(seen(reading, at_ms))
    assert reading.in_force("bank-a", at_ms + ACTIVATION_LEAD_MS) == InForce(B[0], B[1])
    at_ms = transaction(value(None, B[2]), "commit_transaction")
    asyncio.run(seen(reading, at_ms + ACTIVATION_LEAD_MS))
    assert reading.in_force("bank-a", at_ms + ACTIVATION_LEAD_MS) == InForce(B[0], B[2])


def test_nothing_is_decided_while_a_transaction_on_the_topic_is_open(reading, transaction):
    """Its activation has its stamp already, and would come too late for what was accepted since."""
    transaction(value(B[0], B[1]), "commit_transaction")
    at_ms = transaction(value(None, B[2]), None)
    accepted_ms = at_ms + ACTIVATION_LEAD_MS
    with pytest.raises(TimeoutError):
        asyncio.run(seen(reading, accepted_ms, within_s=2))
    transaction.end("commit_transaction")
    asyncio.run(seen(reading, accepted_ms))
    assert reading.in_force("bank-a", accepted_ms) == InForce(B[0], B[2])


def test_the_first_record_after_a_silence_waits_for_milliseconds(reading, transaction):
    """Not for the next second's look."""
    at_ms = transaction(value(B[0], B[1]), "commit_transaction")
    asyncio.run(seen(reading, at_ms))
    began = time.monotonic()
    for hour in range(1, 21):
        asyncio.run(seen(reading, at_ms + hour * 3_600_000))
    assert time.monotonic() - began < 5
