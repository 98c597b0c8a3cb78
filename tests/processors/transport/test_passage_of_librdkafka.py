"""A poll thread's polls with the real client library, over batches made by hand: nothing stops it, each offset comes once."""

import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from processors.transport.parts import WorkerParts
from processors.transport.poll_thread import PollThread, Turns
from processors.transport.specs import RangeSpec, WorkerKafka
from schemas.records import Unreadable

sys.path.append(str(Path(__file__).parents[2]))  # test folders are no packages
import wire

TOPIC = "loan.applications.v1.bank-a"
A, B = (TOPIC, 0), (TOPIC, 1)
GOOD = wire.batch([wire.record(delta, b"key", b"value") for delta in range(3)])
FORGED = wire.batch([wire.record(delta, b"key", b"forged") for delta in (0, 8_000_000, 9_000_000)])
TORN = wire.batch([], "snappy", payload=b"no snappy", count=40)
UNNAMEABLE = wire.batch([wire.record(0, b"key", b"value", [(b"\xff", b"v")])])


@pytest.fixture
def polling():
    """A poll thread whose consumer reads two partitions of librdkafka's own broker; the broker's address."""
    host = Producer({"test.mock.num.brokers": 1, "log_level": 2})
    (node,) = host.list_topics(TOPIC, timeout=10).brokers.values()
    address = f"{node.host}:{node.port}"
    kafka = WorkerKafka(address, {"log_level": "2"})
    parts = WorkerParts.of(RangeSpec("record", (TOPIC,), lambda *_: None), kafka, 0, pytest.fail)
    nothing = Turns(lambda: None, lambda _: None, lambda: None, lambda: None, lambda _: None, lambda: 0)
    thread = PollThread(parts, (TOPIC,), nothing)
    own = {"group.id": "g", "auto.offset.reset": "error", "isolation.level": "read_committed"}
    thread.consumer = Consumer({**kafka.settings, **own})
    yield thread, address
    thread._passage.close()
    thread.consumer.close()
    host.flush(0)  # the broker lives as long as its client


def begin(thread, starts):
    thread.starts = dict(starts)
    thread._begin_again()


def polled(thread, until, limit=40):
    """The records of some polls, up to `until` many."""
    found, end = [], time.monotonic() + 30
    while len(found) < until and time.monotonic() < end:
        found += thread.poll(0.2, limit)
    return found


def offsets(found, place):
    return [message.offset() for message in found if (message.topic(), message.partition()) == place]


@pytest.mark.parametrize("held", [FORGED, TORN, UNNAMEABLE, wire.bomb(5, at=3)], ids=["forged", "torn", "name", "bomb"])
def test_each_offset_comes_once_and_the_other_partition_goes_on(polling, held):
    """Whatever stands there, twice, between records that can be read."""
    thread, address = polling
    for data in (GOOD, held, GOOD, held, GOOD):
        assert wire.produce(address, *A, data)[0] == 0
        assert wire.produce(address, *B, GOOD)[0] == 0
    begin(thread, {A: 0, B: 0})
    _, end = thread.consumer.get_watermark_offsets(TopicPartition(*A), timeout=10)
    found = polled(thread, end + 15)
    assert offsets(found, A) == list(range(end))
    assert offsets(found, B) == list(range(15))
    assert any(isinstance(message, Unreadable) for message in found)


@pytest.mark.parametrize("held", [FORGED, TORN], ids=["forged", "torn"])
def test_reading_again_gives_the_same_again(polling, held):
    """After an abort, from the midst of it; and what was read behind it comes again, too."""
    thread, address = polling
    for data in (GOOD, held, GOOD):
        assert wire.produce(address, *A, data)[0] == 0
    begin(thread, {A: 0})
    _, end = thread.consumer.get_watermark_offsets(TopicPartition(*A), timeout=10)
    assert offsets(polled(thread, end), A) == list(range(end))
    thread.seek(TopicPartition(*A, 5))
    assert offsets(polled(thread, end - 5), A) == list(range(5, end))


@pytest.fixture
def behind_markers(polling):
    """How far may be committed of a partition in which records and markers stand in turn: 0 1 2 M M 5 6 7 M, end 9."""
    thread, address = polling
    for data in (GOOD, wire.marker(), wire.marker(), GOOD, wire.marker()):
        assert wire.produce(address, *A, data)[0] == 0
    progress = thread._parts.progress

    def may_commit(committed):
        progress.committed({A: committed})
        thread._positions_due = 0.0
        thread._tell_positions()
        return progress.standstill.read_over()

    def begin_at(offset):
        begin(thread, {A: offset})
        progress.reassigned(thread.starts)
        progress.standstill.grew({A: 9})

    return begin_at, may_commit


@pytest.mark.parametrize("limit", [1, 2, 40])
def test_the_client_passes_no_record_that_it_has_not_given_out(polling, behind_markers, limit):
    """However many a poll takes: past the last marker alone, and there when all before it is committed."""
    begin_at, may_commit = behind_markers
    begin_at(0)
    read = []
    while len(read) < 6:
        read += offsets(polled(polling[0], 1, limit), A)
        if len(read) < 6:
            assert may_commit(read[-1] + 1) == {}
    assert read == [0, 1, 2, 5, 6, 7]
    assert polling[0].poll(1.0, limit) == []
    assert may_commit(7) == {}
    assert may_commit(8) == {A: 9}


def test_who_begins_on_the_last_marker_may_commit_past_it(polling, behind_markers):
    """A worker that was restarted before it did; it gets no record."""
    begin_at, may_commit = behind_markers
    begin_at(8)
    assert polling[0].poll(1.0, 40) == []
    assert may_commit(8) == {A: 9}
