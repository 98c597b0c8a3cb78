"""Past a batch that the client library cannot unpack, in single steps: what is held, what is given out, what goes on."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException
from memory_kafka import Broker, MemoryLooker, Record, Told

from processors.transport import passage
from processors.transport.parts import WorkerParts
from processors.transport.passage import Passage
from processors.transport.specs import RangeSpec, WorkerKafka
from stores.unreadable import UnreadableBatch

A, B = ("in", 0), ("in", 1)


class Client:
    """The group's consumer: notes what is paused."""

    def __init__(self):
        self.paused, self.end = [], 100

    def get_watermark_offsets(self, place, timeout=0, *, cached=False):
        return (-1, -1) if cached else (0, self.end)

    def pause(self, places):
        self.paused += [(place.topic, place.partition) for place in places]


@pytest.fixture
def standing(monkeypatch):
    """A passage over ten unreadable records at the offsets 3 to 12, and the broker they stand at."""
    broker = Broker([A, B])
    broker.publish(A, [b"v"] * 3, hole=False)
    broker.poison(A, 10, b"v")
    broker.publish(A, [b"v"], hole=False)
    model = SimpleNamespace(broker=broker, called=lambda _: None)
    monkeypatch.setattr(passage, "Consumer", lambda *_, **__: MemoryLooker(model))
    parts = WorkerParts.of(RangeSpec("record", ("in",), lambda *_: None), WorkerKafka("127.0.0.1:9"), 0, pytest.fail)
    made = Passage(parts)
    made.begin({A: 0, B: 0})
    return SimpleNamespace(passage=made, model=model, client=Client(), meters=parts.meters)


def test_the_partition_is_held_and_each_place_is_given_out_once_in_shares(standing):
    """Only the partition with the batch waits, and it does until the last of its places was given out."""
    taken = standing.passage.take(standing.client, [Record(*A, 2, None, b"v"), Told(A, 3)])
    assert [message.offset() for message in taken] == [2]
    assert standing.client.paused == [A]
    assert standing.passage.waiting(()) == [A]
    shares = [standing.passage.stand_ins(A, 4) for _ in range(3)]
    assert [[message.offset() for message in made] for made, _ in shares] == [[3, 4, 5, 6], [7, 8, 9, 10], [11, 12]]
    assert [ends for _, ends in shares] == [False, False, True]
    assert standing.passage.waiting(()) == []
    assert standing.passage.end(A).offset == 13
    assert standing.meters.snapshot()["unreadable_total"] == 10


def test_the_error_comes_again_and_again_and_counts_once(standing):
    """Also while its places are given out, and after the last of them."""
    for _ in range(3):
        standing.passage.take(standing.client, [Told(A, 3)])
    standing.passage.stand_ins(A, 10)
    assert standing.passage.take(standing.client, [Told(A, 3)]) == []
    assert standing.passage.waiting(()) == []


def test_a_new_owner_goes_on_in_the_midst(standing):
    """Where the one before had committed, and not at the batch's first offset, which the error names."""
    standing.passage.begin({A: 9})
    standing.passage.take(standing.client, [Told(A, 3)])
    assert [message.offset() for message in standing.passage.stand_ins(A, 100)[0]] == [9, 10, 11, 12]


def test_what_is_deferred_waits(standing):
    """A partition whose letters have no topic yet is not asked for them every moment."""
    standing.passage.take(standing.client, [Told(A, 3)])
    assert standing.passage.waiting({A: 0.0}) == []


def test_a_broker_that_does_not_answer_is_asked_at_the_next_error(standing):
    """Nothing is passed by a guess."""

    def away(_):
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    standing.model.called = away
    standing.passage.take(standing.client, [Told(A, 3)])
    assert (standing.passage.waiting(()), standing.client.paused) == ([], [])
    standing.model.called = lambda _: None
    standing.passage.take(standing.client, [Told(A, 3)])
    assert standing.passage.waiting(()) == [A]


def test_a_forged_offset_is_seen_when_the_client_has_forgotten_the_end(standing):
    """A broker's answer that an offset is out of range names no end, and the client keeps that; so the broker is asked."""
    standing.client.end = 14
    standing.passage.begin({B: 2})
    standing.passage._look = lambda told: UnreadableBatch(B, 2, 4, "unreadable_batch", "less")
    assert standing.passage.take(standing.client, [Record(*B, 5_000_000, None, b"v")]) == []
    assert standing.passage.waiting(()) == [B]
    standing.passage.stand_ins(B, 10)
    standing.passage.sought(B, 4)
    assert [message.offset() for message in standing.passage.take(standing.client, [Record(*B, 9, None, b"v")])] == [9]


def test_what_was_fetched_behind_a_forged_offset_passes_nothing(standing):
    """The client hands over, in one poll, a truthful record, a forged one, and those of the next batch: the place of the
    forged one has its letter all the same, and the next batch is read again behind it.
    """
    standing.client.end = 14
    standing.passage.begin({B: 2})
    standing.passage._look = lambda told: UnreadableBatch(B, 3, 4, "unreadable_batch", "less")
    polled = [Record(*B, offset, None, b"v") for offset in (2, 5_000_000, 4, 5)]
    assert [message.offset() for message in standing.passage.take(standing.client, polled)] == [2]
    made, passed = standing.passage.stand_ins(B, 10)
    assert ([message.offset() for message in made], passed) == ([3], True)
    standing.passage.sought(B, 4)
    assert [message.offset() for message in standing.passage.take(standing.client, polled[2:])] == [4, 5]


def test_a_forged_offset_that_cannot_be_looked_at_ends_the_worker(standing, monkeypatch):
    """The client would read on behind it, and what stands there would be lost without a letter."""
    standing.client.end = 14
    standing.passage.begin({B: 2})
    standing.passage._look = lambda told: None

    def died(line):
        raise SystemExit(line)

    monkeypatch.setattr(standing.passage, "_parts", SimpleNamespace(die=died))
    with pytest.raises(SystemExit, match=r"in\[1\] cannot be passed now"):
        standing.passage.take(standing.client, [Record(*B, 5_000_000, None, b"v"), Record(*B, 4, None, b"v")])
