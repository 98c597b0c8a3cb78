"""The embedded broker, for real."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loanstream.stack.kafka import EmbeddedKafka


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka")) as running:
        yield running


def _create(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


def _values(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    settings = {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"}
    consumer = Consumer(settings | {"isolation.level": "read_committed"})
    consumer.subscribe([topic])
    values = [message.value() for message in consumer.consume(count, 10) if message.error() is None]
    consumer.close()
    return values


def test_commits_a_transaction(broker: EmbeddedKafka) -> None:
    """A read_committed consumer sees what a transaction committed and not what one aborted."""
    _create(broker.bootstrap, "transactions")
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": "t"})
    producer.init_transactions(30)
    for value, finish in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("transactions", value)
        producer.flush(10)
        finish(30)
    assert _values(broker.bootstrap, "transactions", 1) == [b"committed"]


def test_refuses_a_topic_that_nobody_created(broker: EmbeddedKafka) -> None:
    """Writing to a topic that does not exist fails instead of creating one with settings nobody chose."""
    failures = []
    producer = Producer({"bootstrap.servers": broker.bootstrap, "message.timeout.ms": 3000})
    producer.produce("misspelt", b"v", on_delivery=lambda error, _: failures.append(error))
    producer.flush(10)
    assert failures[0] is not None
    assert "misspelt" not in AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics


def test_finds_its_data_and_its_port_again(tmp_path: Path) -> None:
    """A broker that was killed and started again on its directory has its records, at the same address."""
    first = EmbeddedKafka(tmp_path)
    address = first.start()
    _create(address, "kept")
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    producer.produce("kept", b"v")
    producer.flush(10)
    assert first._process is not None
    first._process.send_signal(signal.SIGKILL)
    first.stop()
    with EmbeddedKafka(tmp_path) as second:
        assert second.bootstrap == address
        assert _values(address, "kept", 1) == [b"v"]


def test_says_that_it_is_not_running(tmp_path: Path) -> None:
    """Once stopped, nothing listens at the broker's address any more."""
    with EmbeddedKafka(tmp_path) as running:
        admin = AdminClient({"bootstrap.servers": running.bootstrap})
    with pytest.raises(KafkaException):
        admin.list_topics(timeout=1)
