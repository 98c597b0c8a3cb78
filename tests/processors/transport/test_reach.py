"""A worker that no broker answers says so: it is not ready, it stays healthy, and it is ready again by itself."""

from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.transport.reach import Reach
from processors.transport.runtime import TURN_LIMIT_S, TURN_OF_OTHERS, Progress

PATIENCE_S = 30
PLACE = ("in", 2)


class Broker:
    """Stands for the operator's client: every question ends with `raised`, where there is one."""

    raised, refused = None, ()

    def __init__(self):
        self.asked = []

    def list_topics(self, topic, timeout):
        self.asked.append(topic)
        if self.raised is not None:
            raise KafkaException(KafkaError(self.raised))
        code = KafkaError.TOPIC_AUTHORIZATION_FAILED if topic in self.refused else None
        return SimpleNamespace(topics={topic: SimpleNamespace(error=code and KafkaError(code))} if topic else {})


@pytest.fixture
def progress(clock):
    """Of a worker that reads one partition and is asked for its health again and again."""
    made = Progress(PATIENCE_S, clock)
    made.reassigned({PLACE: 5})
    made.looped(0)
    return made


def pass_time(clock, progress, seconds, *, open_batches=0, answers=True):
    for _ in range(seconds):
        clock.now += 1
        progress.looped(open_batches)
        progress.reach.answered() if answers else progress.reach.silent()


@pytest.mark.parametrize(
    ("raised", "silent"),
    [
        (None, False),
        (KafkaError._TRANSPORT, True),
        (KafkaError._TIMED_OUT, True),
        (KafkaError._AUTHENTICATION, True),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, False),
    ],
)
def test_whoever_refuses_answers_too(clock, raised, silent):
    """Only what the client itself says is silence."""
    reach, broker = Reach(clock), Broker()
    broker.raised = raised
    clock.now = 4
    reach.ask(broker, "check")
    assert reach.silent_s == (4 if silent else 0)


def test_a_topic_that_is_refused_is_not_asked_for_again(clock):
    """Each such question is a line in the broker's log; a broker answers all the same, and its silence is noticed."""
    reach, broker = Reach(clock), Broker()
    broker.refused = ("check",)
    for _ in range(3):
        reach.ask(broker, "check")
    assert broker.asked == ["check", None, None]
    assert reach.silent_s == 0
    clock.now, broker.raised = 9, KafkaError._TRANSPORT
    reach.ask(broker, "check")
    assert reach.silent_s == 9


def test_a_worker_that_its_group_refuses_says_so_until_it_is_let_in(clock, progress):
    """Whatever it was before: it is not ready, by the broker's refusal and not by waiting, since the first of them."""
    progress.refused("the broker refuses this worker's account group g")
    clock.now = 40
    progress.refused("the broker refuses this worker's account group g")
    progress.looped(0)
    assert progress.waits_for() == ("the broker refuses this worker's account group g", 40)
    assert progress.complaint() is None
    progress.reach.silent()
    assert progress.waits_for().why.startswith("no broker has answered")
    progress.reach.answered()
    progress.refused(None)
    assert progress.ready


def test_a_long_wait_is_told_and_a_starts_is_not(clock):
    """Every worker waits for its group for some seconds."""
    progress = Progress(PATIENCE_S, clock)
    clock.now = 9
    assert progress.long_wait() is None
    clock.now = 10
    assert progress.long_wait() == "it waits for its group to give it partitions"


def test_without_a_broker_a_worker_is_not_ready_and_says_since_when(clock, progress):
    """It counts from the last answer, not from when the silence was noticed; the next answer ends it."""
    assert progress.ready
    pass_time(clock, progress, 7)
    pass_time(clock, progress, 12, answers=False)
    assert progress.waits_for() == ("no broker has answered for 12 s", 12)
    assert not progress.ready
    pass_time(clock, progress, 1)
    assert progress.ready


def test_before_its_first_partitions_a_worker_says_what_it_waits_for(clock):
    """Who looks at a worker that is started learns more than that it is not ready."""
    progress = Progress(PATIENCE_S, clock)
    clock.now = 3
    assert progress.waits_for() == ("it waits for its group to give it partitions", 3)
    progress.reach.silent()
    assert progress.waits_for() == ("no broker has answered for 3 s", 3)


def test_without_a_broker_a_worker_stays_healthy(clock, progress):
    """Whatever is open cannot be committed, and what waits cannot be read: to start it anew would mend neither."""
    progress.standstill.grew({PLACE: 9})
    progress.standstill.read({PLACE: 5})
    pass_time(clock, progress, 10 * PATIENCE_S, open_batches=1, answers=False)
    assert progress.complaint() is None
    assert progress.stuck() == []


def test_after_a_broker_is_back_a_worker_has_its_whole_patience(clock, progress):
    """What stood still because of the broker is no complaint; what goes on standing still is."""
    progress.standstill.grew({PLACE: 9})
    progress.standstill.read({PLACE: 5})
    pass_time(clock, progress, 100, open_batches=1, answers=False)
    pass_time(clock, progress, PATIENCE_S, open_batches=1)
    assert progress.complaint() is None
    pass_time(clock, progress, 2, open_batches=1)
    assert progress.complaint() == "input has been waiting for 131 s and nothing was committed"
    progress.committed()
    assert progress.complaint() is None
    pass_time(clock, progress, PATIENCE_S * (TURN_OF_OTHERS - 1))
    assert progress.complaint().startswith("in[2] stands still at offset 5 for 162 s")


def test_a_poll_thread_may_take_longer_while_no_broker_answers(clock, progress):
    """Its calls wait for the broker; one that does not come back ends the worker, whatever the broker does."""
    pass_time(clock, progress, 1, answers=False)
    clock.now += TURN_LIMIT_S
    assert progress.complaint() is None
    clock.now += 1
    assert progress.complaint() == "the poll thread has not turned for 61 s"
