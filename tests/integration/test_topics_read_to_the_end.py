"""The topics behind reconcile, on a real broker."""

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from loanstream.install import topics
from stores.topics import Bounds, KafkaTopics

DECISIONS = "loan.decisions.v1.read"
PLACE = (DECISIONS, 2)


@pytest.fixture(scope="module")
def bootstrap(bare_broker):
    topics.provision(bare_broker.bootstrap, ["read"])
    producer = Producer({"bootstrap.servers": bare_broker.bootstrap, "transactional.id": "read", "log_level": 2})
    producer.init_transactions(30)
    for number, commits in enumerate((True, False, True, False)):
        producer.begin_transaction()
        for part in range(3):
            producer.produce(DECISIONS, f"{number}-{part}".encode(), b"k", partition=2)
        producer.flush(30)
        producer.commit_transaction(30) if commits else producer.abort_transaction(30)
    return bare_broker.bootstrap


@pytest.fixture
def reader(bootstrap):
    opened = KafkaTopics(bootstrap, {})
    yield opened
    opened.close()


def test_only_what_was_committed_is_read_to_the_end(reader):
    """Aborted records and transaction markers are holes, also at the end of a partition, and can be read again."""
    bounds = reader.bounds([DECISIONS, "loan.decisions.v1.nobody"])
    assert bounds == {**dict.fromkeys([(DECISIONS, number) for number in range(4)], Bounds(0, 0)), PLACE: Bounds(0, 16)}
    for _ in range(2):
        values = [message.value() for message in reader.read(PLACE, bounds[PLACE])]
        assert values == [b"0-0", b"0-1", b"0-2", b"2-0", b"2-1", b"2-2"]
    assert list(reader.read((DECISIONS, 0), Bounds(0, 0))) == []


def test_one_record_is_read_alone(reader):
    """A single offset can be read, and one that is a hole gives nothing."""
    assert [message.value() for message in reader.read(PLACE, Bounds(9, 10))] == [b"2-1"]
    assert list(reader.read(PLACE, Bounds(5, 6))) == []


def test_the_record_stage_s_offsets_are_seen_and_left_alone(bootstrap, reader):
    """What the record stage has committed is known, and reading commits nothing."""
    record = Consumer({"bootstrap.servers": bootstrap, "group.id": "record", "enable.auto.commit": False})
    record.commit(offsets=[TopicPartition(*PLACE, 11)], asynchronous=False)
    list(reader.read(PLACE, Bounds(0, 16)))
    assert reader.recorded([PLACE]) == {PLACE: 11}
    assert record.committed([TopicPartition(*PLACE)], timeout=10)[0].offset == 11
    record.close()
