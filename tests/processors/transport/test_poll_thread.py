"""The life of a poll thread, with a consumer in memory: how it begins, serves its group, and ends."""

import threading
from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException, TopicPartition
from memory_kafka import Clock

from processors.transport import poll_thread
from processors.transport.parts import WorkerParts
from processors.transport.poll_thread import MARKERS_S, PollThread, Turns
from processors.transport.specs import RangeSpec, WorkerKafka
from processors.transport.standstill import POSITIONS_S
from schemas.records import MemoryMessage

A, B = ("in", 0), ("in", 1)
STRAY = type("Record", (MemoryMessage,), {"error": lambda _: None})("in", 0, 7)


class Consumer:
    """Notes what it is told; gives out `found`, and at `changes` a new assignment first; it has read so far: `gave`."""

    def __init__(self):
        self.told, self.found, self.changes, self.gave = [], [], False, {}

    def subscribe(self, topics, **callbacks):
        self.on_assign, self.on_revoke = callbacks["on_assign"], callbacks["on_revoke"]
        self.told.append("subscribe")

    def poll(self, timeout):
        if self.changes:
            self.on_revoke(self, [TopicPartition(*A)])
            self.on_assign(self, [TopicPartition(*B)])
        found = self.found.pop() if self.found else None
        if found and found.error() is None:
            self.gave[found.topic(), found.partition()] = found.offset() + 1
        return found

    def position(self, places):
        gave = [self.gave.get((place.topic, place.partition), OFFSET_INVALID) for place in places]
        return [TopicPartition(place.topic, place.partition, at) for place, at in zip(places, gave, strict=True)]

    def commit(self, offsets, asynchronous):
        (self.token,) = offsets

    def committed(self, places, timeout):
        return [*(TopicPartition(place.topic, place.partition, 5) for place in places[:-1]), self.token]

    def get_watermark_offsets(self, place, cached):
        return 0, 100

    def close(self):
        self.told.append("close")

    def note(self, what):
        return lambda places: self.told.append((what, [(place.topic, place.partition) for place in places]))

    def __getattr__(self, name):
        return self.note(name)


class Polling:
    """A poll thread whose turn is `turn`; what ends the worker is in `died`."""

    def __init__(self, monkeypatch):
        self.consumer, self.died, self.ended = Consumer(), [], threading.Event()
        self.turn = lambda: None
        monkeypatch.setattr(poll_thread, "open_consumer", lambda *_: self.consumer)
        spec = RangeSpec("record", ("in",), lambda *_: None)
        parts = WorkerParts.of(spec, WorkerKafka("127.0.0.1:9"), 0, self.die)
        note = self.consumer.note
        turns = Turns(
            self.take_turn,
            note("assigned"),
            lambda: note("revoked")([]),
            lambda: note("lost")([]),
            lambda ends: self.consumer.told.append(("read over", ends)),
            lambda: 0,
        )
        self.thread = PollThread(parts, spec.topics, turns)
        self.progress = parts.progress

    def take_turn(self):
        self.turn()

    def die(self, line):
        self.died.append(line)
        self.ended.set()

    def reading(self):
        """As it stands when A and B are assigned."""
        self.thread.consumer, self.thread.starts = self.consumer, {A: 5, B: 5}
        self.consumer.subscribe((), on_assign=self.thread._on_assign, on_revoke=self.thread._on_revoke)
        self.consumer.told.clear()
        return self.thread


@pytest.fixture
def polling(monkeypatch):
    made = Polling(monkeypatch)
    yield made
    made.thread.stop()


def test_it_subscribes_when_it_may_and_leaves_before_it_closes(polling):
    """Former holders of the slot are fenced first; at the end open work is finished while the member still is one."""
    may, turned = threading.Event(), threading.Event()
    polling.turn = turned.set
    polling.thread.start(lambda _: may.wait(0.01))
    assert not turned.wait(0.05)
    assert polling.consumer.told == []
    may.set()
    assert turned.wait(10)
    polling.thread.stop()
    assert polling.consumer.told == ["subscribe", ("revoked", []), "close"]
    assert polling.died == []


def _event(code):
    return SimpleNamespace(error=lambda: KafkaError(code))


def test_a_group_that_is_refused_is_asked_ever_more_seldom(polling, monkeypatch, caplog):
    """Readiness names the refusal; each attempt is another consumer's, after a pause that grows until it is let in."""
    pauses, opened, let_in = [], [], threading.Event()

    def opens(*_):
        opened.append(polling.consumer)
        polling.consumer.found = [_event(KafkaError.GROUP_AUTHORIZATION_FAILED)] if len(opened) < 8 else []
        return polling.consumer

    def turn():
        polling.thread.poll(0, 1)
        if len(opened) == 8:
            assert polling.progress.waits_for().why == (
                "the broker refuses this worker's account group record (GROUP_AUTHORIZATION_FAILED): "
                "see LOANSTREAM_KAFKA_SECURITY"
            )
            polling.consumer.on_assign(polling.consumer, [TopicPartition(*A)])
            polling.thread.halt()
            let_in.set()

    clock = Clock()
    monkeypatch.setattr(poll_thread, "open_consumer", opens)
    monkeypatch.setattr(poll_thread, "time", clock)
    monkeypatch.setattr(polling.thread, "rest", clock.sleep)
    polling.turn = turn
    polling.thread.start()
    assert let_in.wait(10)
    polling.thread.stop()
    pauses = [line for line in caplog.messages if "is asked again" in line]
    assert pauses == [f"group record is asked again in {seconds} s" for seconds in (2, 4, 8, 15, 30, 30, 30)]
    assert polling.consumer.told.count("close") == 8
    assert polling.progress.waits_for() is None or "refuses" not in polling.progress.waits_for().why
    assert polling.died == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "the broker refuses this worker's account a topic that it reads"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "topics to be read are absent, or this account may not see them"),
    ],
)
def test_a_topic_that_is_refused_or_absent_is_told_in_words(polling, caplog, code, line):
    """The client's own sentence names a pattern alone; the other topics are read on."""
    thread = polling.reading()
    polling.consumer.found = [_event(code)]
    assert thread.poll(0, 1) == []
    assert caplog.messages[-1].startswith(line)
    assert "refuses" not in str(polling.progress.waits_for())


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        (ValueError("Jane Canary"), "the poll thread failed: ValueError at "),
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "no broker")), "the consumer failed: no broker"),
    ],
    ids=["bug", "consumer"],
)
def test_a_turn_that_fails_ends_the_worker(polling, raised, line):
    """A thread that ended quietly would leave a worker that does nothing and looks alive; the text stays inside."""

    def fail():
        raise raised

    polling.turn = fail
    polling.thread.start()
    assert polling.ended.wait(10)
    assert polling.died[0].startswith(line)
    assert "Canary" not in polling.died[0]


def test_what_is_polled_while_the_assignment_changes_is_read_again(polling):
    """It may be older than the assignment; nothing of it is given out."""
    thread = polling.reading()
    polling.consumer.changes, polling.consumer.found = True, [STRAY]
    assert thread.poll(0.2, 1) is None
    assert thread.starts == {B: 5}
    assert polling.consumer.told[-1] == ("assign", [B])  # once by the group, and once to begin again
    assert polling.consumer.told.count(("assign", [B])) == 2


def test_while_the_group_is_served_nothing_is_read_but_what_comes_all_the_same(polling):
    """Afterwards reading goes on, except where it is to wait longer."""
    thread, rounds = polling.reading(), iter([False, False, True])
    polling.consumer.found = [STRAY]
    assert list(thread.keep_alive(lambda: next(rounds), paused={B})) == [[STRAY], []]
    assert polling.consumer.told == [("pause", [A, B]), ("resume", [A])]


def test_serving_the_group_ends_with_the_assignment(polling):
    """The new one is not paused, and the old one's partitions are others' by now."""
    thread = polling.reading()
    polling.consumer.changes = True
    assert list(thread.keep_alive(lambda: False)) == []
    assert ("resume", [A, B]) not in polling.consumer.told


@pytest.fixture
def looking_out(polling, monkeypatch):
    """A poll thread with an assignment, whose lookout looks at nothing; the client has read A to 7, and B not at all."""
    thread = polling.reading()
    thread.generation = 1
    polling.progress.reassigned(thread.starts)
    monkeypatch.setattr(thread._lookout, "watch", lambda: polling.consumer.told.append("watch"))
    polling.consumer.gave = {A: 7}
    return thread


def test_it_joins_anew_when_its_group_leaves_something_unread(looking_out, polling):
    """Once, and in the poll thread: nothing else touches the consumer."""
    looking_out._coverage._wanted.set()
    looking_out._look_out()
    looking_out._look_out()
    assert polling.consumer.told == ["watch", "subscribe", "watch"]


def test_before_there_is_an_assignment_nothing_is_looked_at(looking_out, polling):
    """The group still describes the worker as it was before it came back."""
    looking_out.generation = 0
    looking_out._look_out()
    assert polling.consumer.told == []


def test_it_tells_how_far_the_client_has_read(looking_out, polling):
    """What waits beyond that is seen; a partition that is empty and one that was read to its end have nothing."""
    standstill = polling.progress.standstill
    standstill.grew({A: 7, B: 5})
    looking_out._look_out()
    assert standstill.waiting == 0
    standstill.grew({A: 7, B: 9})
    looking_out._positions_due = 0.0
    looking_out._look_out()
    assert standstill.waiting == 4


def test_what_is_given_out_waits_until_it_is_committed(looking_out, polling):
    """A record that nobody commits is seen although the client has read it."""
    polling.consumer.found = [STRAY]
    assert looking_out.poll(0.2, 1) == [STRAY]
    looking_out._look_out()
    assert polling.progress.standstill.waiting == 3
    polling.progress.committed({A: 8})
    assert polling.progress.standstill.waiting == 0


def test_while_a_range_is_written_what_waits_is_told_all_the_same(looking_out, polling, monkeypatch):
    """The warehouse may hang for hours: what comes to stand behind its range meanwhile is seen, every five seconds."""
    clock, standstill = Clock(), polling.progress.standstill
    monkeypatch.setattr(poll_thread, "time", clock)
    told = []

    def written():
        told.append(standstill.waiting)
        clock.now += POSITIONS_S / 2
        standstill.grew({A: 7, B: 5 + len(told)})
        return len(told) == 5

    assert list(looking_out.keep_alive(written)) == [[]] * 4
    assert told == [0, 1, 1, 3, 3]


def test_ends_behind_markers_are_committed_seldom(looking_out, polling, monkeypatch):
    """Not with each batch, nor while a client that was assigned anew may still tell how far it had read before."""
    clock = Clock()
    monkeypatch.setattr(poll_thread, "time", clock)
    looking_out._reassigned([TopicPartition(*A, 5), TopicPartition(*B, 5)])
    told = []
    polling.progress.standstill.grew({A: 7, B: 5})
    for _ in range(4):
        looking_out._look_out()
        told.append([what for what in polling.consumer.told if what[0] == "read over"])
        polling.consumer.told.clear()
        clock.now += MARKERS_S / 2
    assert told == [[], [], [("read over", {A: 7})], []]


def test_what_the_client_has_read_of_an_unreadable_partition_is_not_committed(looking_out, polling):
    """It reads on behind a forged batch whose records are still to be given out."""
    polling.progress.standstill.grew({A: 7, B: 5})
    looking_out._passage._batches[A] = None
    looking_out._markers_due = 0.0
    looking_out._look_out()
    assert polling.consumer.told == ["watch"]
