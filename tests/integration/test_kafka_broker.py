"""The embedded broker, for real."""

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loanstream.stack.kafka import after_kill, node
from loanstream.stack.kafka.broker import EmbeddedKafka
from processors.transport import CHECK_TOPIC, WorkerKafka, membership
from processors.transport.membership import Member, committed_positions

STUCK_AFTER_S = 60.0
MANY = [TopicPartition("many", number) for number in range(100)]


def _create(bootstrap: str, topic: str, partitions: int = 1) -> None:
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        admin.create_topics([NewTopic(topic, partitions, 1)])[topic].result(30)


def _values(bootstrap: str, topic: str, count: int) -> list[bytes | None]:
    settings = {"bootstrap.servers": bootstrap, "group.id": topic, "isolation.level": "read_committed"}
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    values = [message.value() for message in consumer.consume(count, 10) if message.error() is None]
    consumer.close()
    return values


def test_commits_a_transaction(bare_broker: EmbeddedKafka) -> None:
    """A read_committed consumer sees what a transaction committed and not what one aborted."""
    _create(bare_broker.bootstrap, "transactions")
    producer = Producer({"bootstrap.servers": bare_broker.bootstrap, "transactional.id": "t"})
    producer.init_transactions(30)
    for value, finish in ((b"aborted", producer.abort_transaction), (b"committed", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce("transactions", value)
        producer.flush(10)
        finish(30)
    assert _values(bare_broker.bootstrap, "transactions", 1) == [b"committed"]


def test_refuses_a_topic_that_nobody_created(bare_broker: EmbeddedKafka) -> None:
    """Writing to a topic that does not exist fails instead of creating one with settings nobody chose."""
    failures = []
    producer = Producer({"bootstrap.servers": bare_broker.bootstrap, "message.timeout.ms": 1000})
    producer.produce("misspelt", b"v", on_delivery=lambda error, _: failures.append(error))
    producer.flush(10)
    assert failures[0] is not None
    with AdminClient({"bootstrap.servers": bare_broker.bootstrap}) as admin:
        assert "misspelt" not in admin.list_topics(timeout=10).topics


def test_finds_its_data_and_its_port_again(tmp_path: Path) -> None:
    """A broker that was killed and started again on its directory has its records, at the same address; once it is
    stopped, nothing listens there any more.
    """
    first = EmbeddedKafka(tmp_path)
    address = first.start()
    _create(address, "kept")
    producer = Producer({"bootstrap.servers": address, "acks": "all"})
    producer.produce("kept", b"v")
    producer.flush(10)
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    with EmbeddedKafka(tmp_path) as second:
        assert second.bootstrap == address
        assert _values(address, "kept", 1) == [b"v"]
    with AdminClient({"bootstrap.servers": address}) as admin, pytest.raises(KafkaException):
        admin.list_topics(timeout=1)


@pytest.fixture
def killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedKafka:
    """A broker that was killed with 250 offsets committed for each of 100 partitions, and will be slow to read them."""
    broker = EmbeddedKafka(tmp_path)
    address = broker.start()
    _create(address, "many", partitions=100)
    _create(address, CHECK_TOPIC)
    consumer = _member_of_g(address)
    for offset in range(1, 251):
        consumer.commit(offsets=[TopicPartition("many", number, offset) for number in range(100)], asynchronous=False)
    consumer.close()
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Xint")
    return broker


def _member_of_g(address: str) -> Consumer:
    return Consumer({"bootstrap.servers": address, "group.id": "g", "reconnect.backoff.max.ms": 100, "log_level": 0})


def _first_answer(address: str) -> set[int]:
    """The first committed offsets that the broker tells."""
    consumer, told = _member_of_g(address), set()
    while not told:
        with suppress(KafkaException):
            told = {place.offset for place in consumer.committed(MANY, timeout=1)}
    consumer.close()
    return told


def test_tells_the_last_committed_offsets_or_none_after_a_kill(killed: EmbeddedKafka) -> None:
    """A killed broker with a long history of offsets does not answer with old ones while it still reads them."""
    with killed:
        assert _first_answer(killed.bootstrap) == {250}


def test_a_worker_does_not_believe_a_coordinator_that_still_reads(
    killed: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody counts the dead broker out, it answers with old offsets; a worker takes the last ones alone."""
    monkeypatch.setitem(node.PROPERTIES, "broker.session.timeout.ms", "3000")
    monkeypatch.setattr(after_kill, "broker_command", lambda _, java: list(java))
    found: list[TopicPartition] = []
    for _ in range(3):
        with killed:
            _first_answer(killed.bootstrap)
            try:
                found = _believed(killed.bootstrap, monkeypatch)
                break
            except _StuckError:
                os.kill(killed.pid, signal.SIGKILL)
    assert {place.offset for place in found} == {250}


class _StuckError(Exception):
    """A broker in this state was seen to say NOT_COORDINATOR for five minutes (once): it told nobody anything wrong."""


def _believed(address: str, monkeypatch: pytest.MonkeyPatch) -> list[TopicPartition]:
    until = time.monotonic() + STUCK_AFTER_S

    def sleep(seconds: float) -> None:
        if time.monotonic() > until:
            raise _StuckError
        time.sleep(seconds)

    monkeypatch.setattr(membership, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    return committed_positions(_member_of_g(address), WorkerKafka(address), Member("g", 0), MANY, pytest.fail)
