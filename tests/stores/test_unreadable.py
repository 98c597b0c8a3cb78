"""What librdkafka cannot hand over, by librdkafka itself: a broker of its own in this process, and batches made by hand."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Producer

from schemas.records import Unreadable
from stores.topics import Bounds, KafkaTopics

sys.path.append(str(Path(__file__).parents[1]))  # test folders are no packages
import wire

TOPIC = "loan.applications.v1.bank-a"
GOOD = [wire.record(delta, b"key", b"value") for delta in range(3)]
UNNAMEABLE = wire.record(0, b"key", b"value", [(b"x-\xff\xfe", b"v")])


@pytest.fixture
def broker():
    """A broker that takes whatever it is sent: its address."""
    host = Producer({"test.mock.num.brokers": 1, "log_level": 2})
    (node,) = host.list_topics(TOPIC, timeout=10).brokers.values()
    yield f"{node.host}:{node.port}"
    host.flush(0)  # the broker lives as long as its client


@pytest.fixture
def topics(broker):
    reader = KafkaTopics(broker, {})
    yield reader
    reader.close()


def filled(broker, *batches):
    for data in batches:
        assert wire.produce(broker, TOPIC, 0, data)[0] == 0


def read(topics, bounds=None):
    place = (TOPIC, 0)
    return list(topics.read(place, bounds or topics.bounds([TOPIC])[place]))


@pytest.mark.parametrize(("count", "large"), [(1, 0), (2, 1), (3, 0), (1000, 500)])
def test_a_batch_that_cannot_be_unpacked_is_passed_place_by_place(broker, topics, count, large):
    """Each of its offsets is there once, in order, the large record's and its neighbours', and so is all around it."""
    filled(broker, wire.batch(GOOD), wire.bomb(count, at=large), wire.bomb(2), wire.batch(GOOD, "gzip"))
    found = read(topics)
    assert [message.offset() for message in found] == list(range(3 + count + 2 + 3))
    unreadable = [message for message in found if isinstance(message, Unreadable)]
    assert [message.offset() for message in unreadable] == list(range(3, 3 + count + 2))
    assert {(message.cause, message.value(), message.has_original) for message in unreadable} == {
        ("too_large", None, False)
    }


def test_reading_may_begin_and_end_in_the_midst_of_such_a_batch(broker, topics):
    """As after a crash between two transactions of its dead letters."""
    filled(broker, wire.bomb(9), wire.batch(GOOD))
    assert [message.offset() for message in read(topics, Bounds(4, 7))] == [4, 5, 6]
    assert [message.offset() for message in read(topics, Bounds(8, 11))] == [8, 9, 10]


def test_the_end_of_the_partition_may_be_the_end_of_such_a_batch(broker, topics):
    """Nothing stands behind it that would tell where it ends."""
    filled(broker, wire.batch(GOOD), wire.bomb(5))
    assert Counter(type(message).__name__ for message in read(topics)) == {"Message": 3, "Unreadable": 5}


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        (wire.batch([], payload=b"no snappy", codec="snappy", count=3), "unreadable_batch"),
        (wire.batch([], "zstd", payload=b"no zstd", count=3), "too_large"),
    ],
)
def test_a_batch_that_is_no_packed_data_is_passed_too(broker, topics, broken, cause):
    """The brokers we know take no such batch; a disk may make one. Of zstd the two cannot be told apart."""
    filled(broker, wire.batch(GOOD), broken, wire.batch(GOOD))
    found = read(topics)
    assert [message.offset() for message in found] == list(range(9))
    assert [message.cause for message in found if isinstance(message, Unreadable)] == [cause] * 3


@pytest.mark.parametrize("deltas", [(7,), (5, 9), (0, 1_000_000, 2_000_000), (0, 1, 2, 50)])
def test_records_that_claim_offsets_beyond_the_end_are_passed(broker, topics, deltas):
    """Made by hand, and taken by the broker: what is fetched behind such a record is out of range, for ever."""
    forged = wire.batch([wire.record(delta, b"key", b"forged") for delta in deltas])
    filled(broker, wire.batch(GOOD), forged, wire.batch(GOOD))
    found = read(topics)
    assert [message.offset() for message in found] == list(range(6 + len(deltas)))
    truthful = [number for number, delta in enumerate(deltas) if number == delta]
    assert [message.cause for message in found if isinstance(message, Unreadable)] == ["unreadable_batch"] * (
        len(deltas) - len(truthful)
    )


def test_a_record_whose_header_has_no_name_in_utf_8_keeps_key_and_value(broker, topics):
    """Asking the client library twice for such headers gives an object that may end the process: it is asked once."""
    # After some records the interpreter has found a shorter way to the same call: the error must be seen there, too.
    many = [wire.record(delta, b"key", b"value", [(b"name", b"v")]) for delta in range(200)]
    filled(broker, wire.batch(many), wire.batch([UNNAMEABLE, *GOOD[1:]]), wire.batch([GOOD[0]]))
    first, *others = read(topics)[200:]
    assert isinstance(first, Unreadable)
    assert (first.cause, first.key(), first.value(), first.headers()) == ("unreadable_headers", b"key", None, None)
    assert (first.original, first.has_original) == (b"value", True)
    assert [message.value() for message in others] == [b"value"] * 3
