"""The pace of the poll thread, with a consumer in memory: how many batches are open at once, and when is polled."""

import queue
import time

import pytest
from confluent_kafka import TopicPartition

from processors.transport.journal import InFlightJournal
from processors.transport.ledger import Ledger, Rewind
from processors.transport.parts import WorkerParts
from processors.transport.source import KafkaSource
from processors.transport.specs import StageSpec, WorkerKafka
from schemas.records import MemoryMessage


def never(*what):
    raise AssertionError(what)


class Record(MemoryMessage):
    """What the client library hands out: a record, or an event that is none."""

    def error(self):
        return None


class MemoryConsumer:
    """A consumer with one partition; each poll and each rest leaves a word in `seen`."""

    def __init__(self):
        self.records, self.offsets, self.seen, self.fed = queue.SimpleQueue(), {}, [], 0

    def feed(self, count):
        for _ in range(count):
            self.records.put(Record("in", 0, self.fed, None, b"%d" % self.fed))
            self.fed += 1

    def subscribe(self, topics, on_assign, on_revoke, on_lost):
        self.assigned = on_assign

    def poll(self, timeout):
        assigned, self.assigned = self.assigned, None
        if assigned:
            assigned(self, [TopicPartition("in", 0)])
            return None
        self.seen.append("poll")
        try:
            return self.records.get(timeout=timeout)
        except queue.Empty:
            return None

    def consume(self, most, timeout):
        return [self.records.get() for _ in range(min(most, self.records.qsize()))]

    def commit(self, offsets, asynchronous):
        self.offsets.update({(one.topic, one.partition): one.offset for one in offsets})

    def committed(self, places, timeout):
        return [TopicPartition(p.topic, p.partition, self.offsets.get((p.topic, p.partition), 0)) for p in places]

    def consumer_group_metadata(self):
        return None

    def position(self, places):
        return places

    def ignored(self, *_):
        """For calls that change nothing here."""

    assign = pause = resume = close = ignored


class Polling:
    """A source under way: at most three records a batch, at most two batches ahead."""

    def __init__(self, directory, monkeypatch):
        self.long_after(60, monkeypatch)
        self.consumer, self.ledger, self.batches = MemoryConsumer(), Ledger(), queue.SimpleQueue()
        monkeypatch.setattr("processors.transport.poll_thread.open_consumer", lambda *_: self.consumer)
        spec = StageSpec("score", ("in",), never, max_records=3, max_in_flight=2)
        journal = InFlightJournal(directory / "score-0.inflight")
        parts = WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, never)
        self.source = KafkaSource(spec, parts, self.ledger, journal)

    def long_after(self, seconds, monkeypatch):
        monkeypatch.setattr("processors.transport.source.LONG_S", seconds)

    def start(self):
        self.source.start(self.batches.put, lambda _: True, lambda: self.consumer.seen.append("rest"), never)

    def batch(self):
        return self.batches.get(timeout=10)

    def stands_still(self):
        """Whether nothing is polled for a while: what would be, would be at once."""
        before = len(self.consumer.seen)
        time.sleep(0.05)
        return len(self.consumer.seen) == before and self.batches.empty()


@pytest.fixture
def polling(tmp_path, monkeypatch):
    made = Polling(tmp_path, monkeypatch)
    yield made
    made.source.halt()
    made.ledger.abandon()  # nobody processes what is open
    made.source.stop()


def numbers(batch):
    return [message.offset() for message in batch.messages]


def test_who_keeps_up_polls_once_for_each_transaction(polling):
    """While a batch is open nothing is polled; after it the source rests first, then takes all that came meanwhile."""
    polling.consumer.feed(1)
    polling.start()
    first = polling.batch()
    polling.consumer.feed(2)
    assert polling.stands_still()
    polling.consumer.seen.clear()
    polling.ledger.settle(first.number)
    second = polling.batch()
    assert (numbers(first), numbers(second)) == ([0], [1, 2])
    assert polling.consumer.seen == ["rest", "poll"]


def test_who_is_behind_polls_ahead_without_rest_until_it_keeps_up(polling):
    """A full batch says that more waits: the next is polled beside it, but no third, and a short one ends the hurry."""
    polling.consumer.feed(8)
    polling.start()
    first, second = polling.batch(), polling.batch()
    assert polling.stands_still()
    assert polling.consumer.seen.count("rest") == 2  # before the poll of the assignment and before the first batch
    polling.ledger.settle(first.number)
    third = polling.batch()
    assert [numbers(one) for one in (first, second, third)] == [[0, 1, 2], [3, 4, 5], [6, 7]]
    polling.consumer.feed(1)
    polling.ledger.settle(second.number)
    assert polling.stands_still()
    polling.ledger.settle(third.number)
    assert numbers(polling.batch()) == [8]


def test_a_batch_that_takes_long_does_not_hold_up_the_next(polling, monkeypatch):
    """A document may take seconds: what came after it is processed beside it."""
    polling.long_after(0.01, monkeypatch)
    polling.consumer.feed(1)
    polling.start()
    polling.batch()
    polling.consumer.feed(1)
    assert numbers(polling.batch()) == [1]


def test_what_is_read_while_no_batch_may_be_opened_is_read_again(polling, monkeypatch):
    """The group is served meanwhile; a record that comes in spite of the pause must not be skipped."""
    polling.long_after(0.01, monkeypatch)
    polling.consumer.feed(1)
    polling.start()
    for number in (0, 1):
        assert numbers(polling.batch()) == [number]
        polling.consumer.feed(1)
    until = time.monotonic() + 10
    while not (rewinds := polling.ledger.take_rewinds()[1]) and time.monotonic() < until:
        time.sleep(0.01)
    assert rewinds == {("in", 0): Rewind(2)}
