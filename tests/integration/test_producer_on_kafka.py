"""The client library on a real broker."""

import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from loanstream.install.topics import provision
from loanstream.stack.kafka.broker import EmbeddedKafka
from producers.client import ApplicationProducer
from producers.errors import NotDeliveredError
from producers.synthetic.applications import Shares, synthesise
from schemas.application import LoanApplication
from schemas.decode import decode
from schemas.topics import APPLICATION_MAX_BYTES, PARTITIONS, TOPICS

SHARES = Shares(documents=0, inflated=0, broken=0, repeated=0)
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


@pytest.fixture(scope="module")
def bootstrap(bare_broker: EmbeddedKafka) -> str:
    provision(bare_broker.bootstrap, ["sends", "sends-large"])
    return bare_broker.bootstrap


def _applications(tenant: str, count: int) -> list[LoanApplication]:
    return [item.application for item in synthesise(count, 1, tenant, SHARES, datetime(2026, 11, 2, tzinfo=UTC))]


def _records(bootstrap: str, tenant: str) -> list[Message]:
    """Everything on the tenant's topic, up to the ends seen now."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "look", "message.max.bytes": 4 * 1024 * 1024})
    partitions = [TopicPartition(TOPICS["applications"].name(tenant), number, 0) for number in range(PARTITIONS)]
    count = sum(consumer.get_watermark_offsets(partition, timeout=10)[1] for partition in partitions)
    consumer.assign(partitions)
    records: list[Message] = []
    while len(records) < count:
        records += consumer.consume(count, 5) or pytest.fail(f"{len(records)} of {count} records arrived")
    consumer.close()
    return records


def test_every_confirmed_application_is_on_the_topic(bootstrap: str) -> None:
    """What is confirmed is on the tenant's topic, once, unchanged, where its confirmation says, with its trace."""
    applications = _applications("sends", 500)
    with ApplicationProducer({"bootstrap.servers": bootstrap}, "sends", in_flight_max=50) as producer:
        deliveries = [producer.submit(application, traceparent=TRACE) for application in applications]
    records = _records(bootstrap, "sends")
    found = {(record.key(), record.partition(), record.offset()) for record in records}
    assert found == {(one.key.encode(), one.partition, one.offset) for one in deliveries}
    assert (
        sorted((decode(LoanApplication, record.value()) for record in records), key=lambda one: one.application_id)
        == applications
    )
    assert {dict(record.headers() or [])["traceparent"] for record in records} == {TRACE.encode()}


def test_a_record_of_one_mebibyte_arrives(bootstrap: str) -> None:
    """The largest record that the contract allows passes client, network and broker; incompressible bytes too."""
    value = bytes(range(256)) * (APPLICATION_MAX_BYTES // 256)
    with ApplicationProducer({"bootstrap.servers": bootstrap, "compression.type": "none"}, "sends-large") as producer:
        producer.submit_raw(b"large", value)
    (record,) = _records(bootstrap, "sends-large")
    assert record.value() == value


def test_a_tenant_without_topics_is_told(bootstrap: str) -> None:
    """Sending for a tenant that nobody created names the records and the missing topic."""
    settings = {"bootstrap.servers": bootstrap, "message.timeout.ms": 20_000}
    producer = ApplicationProducer(settings, "bank-z")
    producer.submit(_applications("bank-z", 1)[0])
    with pytest.raises(NotDeliveredError, match="syn-000001: no such topic"):
        producer.flush()


def test_a_broker_that_comes_back_costs_nothing(tmp_path: Path) -> None:
    """A broker that is killed and started again in the middle has every application, and has it once."""
    applications = _applications("bank-a", 300)
    broker = EmbeddedKafka(tmp_path)
    provision(broker.start(), ["bank-a"])
    try:
        with ApplicationProducer(
            {"bootstrap.servers": broker.bootstrap, "message.timeout.ms": 140_000}, "bank-a"
        ) as producer:
            for index, application in enumerate(applications):
                producer.submit(application)
                if index == 50:
                    producer.flush()
                if index == 100:
                    os.kill(broker.pid, signal.SIGKILL)
                    broker.stop()
            broker.start()
        assert producer.confirmed == len(applications)
        keys = sorted(record.key() or b"" for record in _records(broker.bootstrap, "bank-a"))
        assert keys == [one.application_id.encode() for one in applications]
    finally:
        broker.stop()


def test_a_broker_that_is_not_there_is_told() -> None:
    """Without a broker the sender hears within the delivery timeout what was not confirmed."""
    producer = ApplicationProducer({"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 1000}, "bank-a")
    producer.submit(_applications("bank-a", 1)[0])
    with pytest.raises(
        NotDeliveredError, match="syn-000001: not confirmed within the delivery timeout: no broker answers"
    ):
        producer.flush()
