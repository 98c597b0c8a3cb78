"""Committed offsets are believed only of a coordinator that has read its whole log."""

from collections.abc import Callable
from typing import cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from processors.transport import CHECK_PARTITIONS, CHECK_SLOTS, WorkerKafka
from processors.transport.membership import Member, committed_positions

PLACE = TopicPartition("in", 0)
KAFKA = WorkerKafka("127.0.0.1:9")


class Coordinator:
    """Stands for a consumer and its group coordinator, which has read `read` records of its log, or all of it (None)."""

    def __init__(self, log: list[tuple[str, int, int]], read: int | None, learns: Callable[[int], bool]) -> None:
        self.log, self.read, self._learns = log, read, learns
        self.asked = 0

    def commit(self, *, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert not asynchronous
        self.log += [(place.topic, place.partition, place.offset) for place in offsets]

    def committed(self, partitions: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        self.asked += 1
        known = self.log if self.read is None else self.log[: self.read]
        if self._learns(self.asked):
            self.read = None
        last = {(topic, number): offset for topic, number, offset in known}
        return [TopicPartition(at.topic, at.partition, last.get((at.topic, at.partition), -1001)) for at in partitions]


def ask(coordinator: Coordinator) -> list[int]:
    found = committed_positions(cast(Consumer, coordinator), KAFKA, Member("g", 0), [PLACE], pytest.fail)
    return [place.offset for place in found]


def test_an_answer_without_the_token_is_asked_for_again() -> None:
    """A coordinator that knows the first of three commits is asked until it knows them all."""
    history = [("in", 0, 7), ("in", 0, 8), ("in", 0, 9)]
    coordinator = Coordinator(history, read=1, learns=lambda asked: asked == 3)
    assert ask(coordinator) == [9]
    assert coordinator.asked == 4


def test_an_older_token_proves_nothing() -> None:
    """What an earlier holder of the slot committed does not count for a proof."""
    check = KAFKA.check_place(0)
    history = [("in", 0, 7), (check.topic, check.partition, 5), ("in", 0, 9)]
    assert ask(Coordinator(history, read=2, learns=lambda asked: asked == 1)) == [9]


def test_slots_have_places_of_their_own() -> None:
    """Neighbouring slots do not disturb each other's check; all places exist."""
    places = [KAFKA.check_place(slot).partition for slot in range(20)]
    assert len(set(places[:CHECK_SLOTS])) == CHECK_SLOTS
    assert max(places) < CHECK_PARTITIONS - 1  # the last one is not a slot's


def refused(code: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    coordinator = Coordinator([("in", 0, 7)], read=None, learns=lambda _: False)

    def refuse(**_: object) -> None:
        raise KafkaException(KafkaError(code))

    monkeypatch.setattr(coordinator, "commit", refuse)
    return ask(coordinator)


def test_a_member_that_is_no_longer_known_begins_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """It joins anew with its next heartbeat; until then it has no positions."""
    assert refused(KafkaError.UNKNOWN_MEMBER_ID, monkeypatch) == []


@pytest.mark.parametrize(
    ("code", "says"),
    [
        # librdkafka joins again on neither of these in the midst of an assignment: nobody would read the partitions.
        (KafkaError.ILLEGAL_GENERATION, "cannot be read"),
        (KafkaError.REBALANCE_IN_PROGRESS, "cannot be read"),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, "loan.coordinator-check.v1 does not exist"),
    ],
)
def test_what_does_not_mend_itself_ends_the_worker(code: int, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that held partitions without reading them would look healthy."""
    with pytest.raises(pytest.fail.Exception, match=says):
        refused(code, monkeypatch)
