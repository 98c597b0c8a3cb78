"""The control topic's reader: what it has surely seen, whatever this machine's clock says; and it never waits in silence."""

import asyncio
import threading
import time
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError
from control_records import activation

from registry import control
from registry.control import ControlReader
from registry.history import ActivationHistory, InForce, NothingActive
from registry.port import MemoryActivations
from schemas.operations import ACTIVATION_LEAD_MS

B = [f"sha256:{digit * 64}" for digit in "0123"]
NOW_MS = 1_780_000_000_000
HOUR_NS = 3600 * 10**9
UNNAMEABLE_MS = NOW_MS + 7
"""The stamp of records whose headers cannot be read."""


FIRST = activation(bundle=B[0], policy=B[1])
SECOND = activation(policy=B[2], tenant="bank-b")
WITHDRAWAL = activation(withdraws=SECOND.activation_id)


class Topic:
    """The control topic in memory: records, and places that hold none (a transaction's marker)."""

    def __init__(self, *published):
        self.log = []
        self.gate = threading.Event()
        self.gate.set()
        for change, at_ms in published:
            self.publish(change, at_ms)

    def publish(self, change, at_ms):
        self.log.append((change.model_dump_json().encode(), at_ms))

    def mark(self):
        self.log.append(None)

    def poison(self, count):
        """Records in one batch that the client library cannot unpack."""
        self.log += [len(self.log)] * count

    def consumer(self, *_, **__):
        return TopicConsumer(self)


class TopicConsumer:
    """Delivers records as librdkafka does: markers never, the end of the partition as an event."""

    def __init__(self, topic):
        self._topic, self._at, self._told = topic, None, False

    def get_watermark_offsets(self, _, timeout=0, *, cached=False):
        self._topic.gate.wait()
        return 0, len(self._topic.log)

    def assign(self, places):
        self._at, self._told = max(places[0].offset, 0), False

    def unassign(self):
        self._at = None

    def poll(self, timeout):
        while self._at is not None and self._at < len(self._topic.log):
            found, offset = self._topic.log[self._at], self._at
            if isinstance(found, int):
                return record(found, None, 0, KafkaError(KafkaError._BAD_COMPRESSION))
            self._at += 1
            if found is not None:
                return record(offset, found[0], found[1], None)
        if self._at is not None and not self._told:
            self._told = True
            return record(self._at, None, 0, KafkaError(KafkaError._PARTITION_EOF))
        time.sleep(0.01)
        return None

    def close(self):
        pass


def record(offset, value, at_ms, error):
    def headers():
        if at_ms == UNNAMEABLE_MS:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a header's name")

    says = {
        "error": error,
        "topic": "loan.control.v1",
        "partition": 0,
        "offset": offset,
        "key": None,
        "value": value,
        "timestamp": (2, at_ms),
    }
    return SimpleNamespace(headers=headers, **{name: lambda found=found: found for name, found in says.items()})


@pytest.fixture
def reading(monkeypatch):
    """Readers of a topic in memory, ended after the test."""
    readers = []

    def of(topic):
        monkeypatch.setattr(control, "Consumer", topic.consumer)
        reader = ControlReader("unused", {}, lambda error: pytest.fail(f"the reading ended: {error}"))
        readers.append((topic, reader))
        reader.start()
        return reader

    yield of
    for topic, reader in readers:
        topic.gate.set()
        reader.stop()


def wait(activations, accepted_ms, within_s=3.0):
    """Whether everything in force at that moment was seen within so many seconds."""

    async def waited():
        async with asyncio.timeout(within_s):
            await activations.wait_for(accepted_ms)

    try:
        asyncio.run(waited())
    except TimeoutError:
        return False
    return True


@pytest.fixture(params=["control topic", "memory"])
def activations_of(request, reading):
    """Both sides of the port, over the same records."""

    def of(*published):
        if request.param == "control topic":
            return reading(Topic(*published))
        history = ActivationHistory()
        for change, at_ms in published:
            history.add(change, at_ms)
        return MemoryActivations(history)

    return of


def test_what_is_published_decides_for_whom_it_names(activations_of):
    """A later activation for one bank, and none for the others."""
    activations = activations_of((FIRST, NOW_MS), (SECOND, NOW_MS))
    accepted_ms = NOW_MS + ACTIVATION_LEAD_MS
    assert wait(activations, accepted_ms)
    assert activations.in_force("bank-a", accepted_ms) == InForce(B[0], B[1])
    assert activations.in_force("bank-b", accepted_ms) == InForce(B[0], B[2])
    assert activations.in_force("bank-b", accepted_ms - 1) == InForce(B[0], B[1])


def test_what_is_withdrawn_decides_nothing(activations_of):
    """From the moment the withdrawal has been seen."""
    activations = activations_of((FIRST, NOW_MS), (SECOND, NOW_MS), (WITHDRAWAL, NOW_MS + 1))
    accepted_ms = NOW_MS + ACTIVATION_LEAD_MS
    assert wait(activations, accepted_ms)
    assert activations.in_force("bank-b", accepted_ms) == InForce(B[0], B[1])


def test_where_nothing_is_published_nothing_is_in_force(activations_of):
    """It was seen that there is nothing, and the bank is named."""
    activations = activations_of()
    assert wait(activations, NOW_MS)
    with pytest.raises(NothingActive, match="bank-a"):
        activations.in_force("bank-a", NOW_MS)


def test_a_worker_whose_clock_is_ahead_waits_for_what_it_has_not_seen(reading, monkeypatch):
    """An hour ahead, and the control topic out of reach since an activation was published: a record accepted after its
    lead is not decided by the former one.
    """
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + HOUR_NS)
    now_ms = real() // 1_000_000
    topic = Topic((FIRST, now_ms - 60_000))
    reader = reading(topic)
    assert wait(reader, now_ms)
    topic.gate.clear()
    time.sleep(1.2)  # the next look has begun and gets no answer
    topic.publish(SECOND, now_ms)
    accepted_ms = now_ms + ACTIVATION_LEAD_MS
    assert not wait(reader, accepted_ms, within_s=0.3)
    topic.gate.set()
    assert wait(reader, accepted_ms)
    assert reader.in_force("bank-b", accepted_ms) == InForce(B[0], B[2])


def test_a_worker_whose_clock_is_behind_does_not_wait_for_it(reading, monkeypatch):
    """The moments of brokers are compared with one another, never with ours."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - HOUR_NS)
    assert wait(reading(Topic((FIRST, NOW_MS))), real() // 1_000_000)


def test_the_first_record_after_a_silence_waits_for_one_look_and_not_for_the_next_second(reading, monkeypatch):
    """A look is begun for it at once."""
    monkeypatch.setattr(control, "LOOK_EVERY_S", 60.0)
    reader = reading(Topic((FIRST, NOW_MS)))
    assert wait(reader, NOW_MS)
    assert wait(reader, NOW_MS + 3_600_000, within_s=1.0)


def test_a_transactions_marker_at_the_end_of_the_topic_is_passed(reading):
    """It is never delivered: a reader that counted records would wait for it for ever."""
    topic = Topic((FIRST, NOW_MS))
    topic.mark()
    reader = reading(topic)
    assert wait(reader, NOW_MS)
    topic.publish(SECOND, NOW_MS)
    topic.mark()
    assert wait(reader, NOW_MS + ACTIVATION_LEAD_MS)
    assert reader.in_force("bank-b", NOW_MS + ACTIVATION_LEAD_MS) == InForce(B[0], B[2])


@pytest.mark.parametrize("count", [1, 2, 11])
def test_control_records_that_cannot_be_unpacked_are_passed_and_seen(reading, count, caplog):
    """The reader of every worker passes them alike, and says where they stand; what follows decides."""
    topic = Topic((FIRST, NOW_MS))
    topic.poison(count)
    topic.publish(SECOND, NOW_MS)
    topic.poison(count)
    reader = reading(topic)
    assert wait(reader, NOW_MS + ACTIVATION_LEAD_MS)
    assert reader.in_force("bank-b", NOW_MS + ACTIVATION_LEAD_MS) == InForce(B[0], B[2])
    assert f"control records 1 to {count} cannot be read" in caplog.text


def test_an_activation_whose_headers_cannot_be_read_decides_nothing(reading):
    """Record makes a dead letter of it: what decides is what the warehouse knows of, for every worker."""
    topic = Topic((FIRST, NOW_MS), (SECOND, UNNAMEABLE_MS), (FIRST, NOW_MS + 8))
    reader = reading(topic)
    assert wait(reader, NOW_MS + ACTIVATION_LEAD_MS)
    assert reader.in_force("bank-b", NOW_MS + 2 * ACTIVATION_LEAD_MS) == InForce(B[0], B[1])


def test_what_new_records_need_is_known(reading):
    """So that it is kept loaded."""
    reader = reading(Topic((FIRST, NOW_MS), (SECOND, NOW_MS)))
    assert wait(reader, NOW_MS + ACTIVATION_LEAD_MS)
    reader.in_force("bank-b", NOW_MS)
    assert reader.needed() == {InForce(B[0], B[2])}


def test_a_reader_that_fails_says_so():
    """Otherwise score would wait for ever for a moment that nobody sees any more."""
    told, ended = [], threading.Event()

    def failed(error):
        told.append(type(error).__name__)
        ended.set()

    ControlReader("127.0.0.1:1", {"no.such.setting": "x"}, failed).start()
    assert ended.wait(10)
    assert told == ["KafkaException"]
