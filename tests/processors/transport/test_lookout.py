"""What a worker looks up beside its reading: whatever happens there, the reading goes on."""

import threading
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.transport.lookout import BROKERS, REST_SHARE, Lookout
from processors.transport.reach import ASK_EVERY_S, Reach
from processors.transport.specs import METADATA_REFRESH_S, WorkerKafka


def lookout(look):
    return Lookout(WorkerKafka("127.0.0.1:9"), {"what the group reads": look}, 0.0, Reach())


@pytest.mark.parametrize(
    ("raised", "again", "said"),
    [
        (KafkaException(KafkaError(KafkaError._TRANSPORT, "no broker")), METADATA_REFRESH_S, "no broker"),
        (TimeoutError(), METADATA_REFRESH_S, "no answer"),
        (KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), None, "the broker does not allow it"),
        (ValueError("Jane Canary"), METADATA_REFRESH_S, "ValueError at "),
    ],
    ids=["no broker", "no answer", "no right", "a bug"],
)
def test_a_look_that_fails_ends_nothing(caplog, raised, again, said):
    """It is taken again later, and given up only where the broker does not allow it; the text of an error stays inside."""

    def fail(_):
        raise raised

    with caplog.at_level("INFO"):
        assert lookout(fail).take("what the group reads", None) == again
    assert said in caplog.text
    assert "Canary" not in caplog.text


class Broker:
    """Stands for the operator's client: it answers, or it does not; counts how often it was asked."""

    silent, asked = False, 0

    def list_topics(self, topic, timeout):
        self.asked += 1
        if self.silent:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return SimpleNamespace(topics={})


@pytest.fixture
def broker(monkeypatch):
    made = Broker()
    monkeypatch.setattr("processors.transport.lookout.AdminClient", lambda *_, **__: nullcontext(made))
    return made


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


def test_while_no_broker_answers_nothing_else_is_asked(broker, monkeypatch):
    """Every other look would last until its own patience ends, and the answer would be noticed late."""
    monkeypatch.setattr("processors.transport.lookout.ASK_EVERY_S", 0.001)
    silences = []

    def look(_):
        silences.append(watched._reach.silent_s)
        return 0.0

    watched = lookout(look)
    watched.start()
    watched.watch()
    until(lambda: silences)
    broker.silent = True
    before = broker.asked
    until(lambda: broker.asked > before + 20)
    broker.silent = False
    before = len(silences)
    until(lambda: len(silences) > before)
    watched.stop()
    watched._thread.join(10)
    assert not any(silences)


def test_a_silent_broker_is_noticed_after_one_look_that_waited_for_it(broker, monkeypatch):
    """However many looks are overdue by then: each would wait as long as the one before it."""
    monkeypatch.setattr("processors.transport.lookout.ASK_EVERY_S", 0.2)
    taken = []

    def look(_):
        taken.append(watched._reach.silent_s)
        if broker.silent:
            time.sleep(0.3)
            raise TimeoutError
        return 0.01

    watched = Lookout(WorkerKafka("127.0.0.1:9"), dict.fromkeys("abcdef", look), 0.0, Reach())
    watched.start()
    watched.watch()
    until(lambda: len(taken) > 12)
    broker.silent = True
    before = len(taken)
    until(lambda: watched._reach.silent_s)
    watched.stop()
    watched._thread.join(10)
    assert len(taken) <= before + 2


def test_it_asks_often_whether_a_broker_answers():
    """However long its last answer took: what the worker says of it must not be old."""
    watched = lookout(lambda _: 0.0)
    assert watched.take(BROKERS, Broker()) == ASK_EVERY_S


@pytest.mark.parametrize(("answers", "again"), [(True, 4.0 * REST_SHARE), (False, METADATA_REFRESH_S)])
def test_a_look_that_takes_long_is_taken_seldom_and_one_without_an_answer_soon(clock, monkeypatch, answers, again):
    """Of many partitions the first; after an outage nobody waits for what the outage made slow."""
    monkeypatch.setattr("processors.transport.lookout.time", SimpleNamespace(monotonic=clock))

    def look(_):
        clock.now += 4.0
        if not answers:
            raise TimeoutError
        return METADATA_REFRESH_S

    assert lookout(look).take("what the group reads", None) == again


def test_it_looks_again_and_again_until_it_is_stopped(broker):
    """Each look says when the next one is due."""
    seen, looks = threading.Event(), []

    def look(_):
        looks.append(1)
        if len(looks) == 3:
            seen.set()
        return 0.0

    watched = lookout(look)
    watched.start()
    until(lambda: broker.asked)
    assert looks == []  # before there is an assignment the group is described as it was before
    watched.watch()
    watched.watch()  # a second assignment begins nothing new
    assert seen.wait(10)
    watched.stop()
    watched._thread.join(10)
    assert not watched._thread.is_alive()
