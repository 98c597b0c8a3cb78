"""Records that go back, and notes of what was done, in transactions: a port, Kafka behind it, its twin in memory."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from confluent_kafka import Consumer, Producer, TopicPartition

from loanstream.dlq.redrive_position import RedrivePosition
from schemas.access import LETTER_KEEPERS
from schemas.problem import Problem
from schemas.records import LOG_APPEND_TIME, MemoryMessage, Partition
from schemas.topics import RECORD_MAX_BYTES, TOPICS
from stores.topics import TO_THE_END, MemoryTopics, TopicsUnreadable

GROUP = LETTER_KEEPERS
"""The transactional id of all who handle letters, so that a second one ends the first; and the group under which
versions before noted what was sent back.
"""
HANDLED = TOPICS["letters_handled"].name()
ANSWER_S = 15.0
COMMIT_S = 30.0


class Record(NamedTuple):
    """A record to be written."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class Post(Protocol):
    """Where letters are handled."""

    def topics(self) -> Sequence[str]:
        """The names of all topics there are."""
        ...

    def noted(self, partitions: Sequence[Partition]) -> Mapping[Partition, RedrivePosition]:
        """What versions before noted of letters that were sent back."""
        ...

    def open(self) -> None:
        """From here on nobody else handles letters: whoever was about to fails. Problem where nothing can be noted."""
        ...

    def send(self, records: Sequence[Record]) -> None:
        """Write all of them, or none."""
        ...

    def close(self) -> None:
        """Let go of the broker."""
        ...


class KafkaPost:
    """A broker's post."""

    def __init__(self, bootstrap: str, security: Mapping[str, str]) -> None:
        self._connection: dict[str, Any] = {**security, "bootstrap.servers": bootstrap, "log_level": 2}
        self._consumer: Any = Consumer({**self._connection, "group.id": GROUP, **TO_THE_END})
        self._producer: Any = None

    def topics(self) -> Sequence[str]:
        """Their names, sorted. KafkaException where the broker does not answer."""
        return sorted(self._consumer.list_topics(timeout=ANSWER_S).topics)

    def noted(self, partitions: Sequence[Partition]) -> Mapping[Partition, RedrivePosition]:
        """The group's offsets, and what stands beside them. Raises `TopicsUnreadable`."""
        places = [TopicPartition(*place) for place in partitions]
        found = self._consumer.committed(places, timeout=ANSWER_S) if places else []
        return {(place.topic, place.partition): _position(place) for place in found}

    def open(self) -> None:
        """Problem where the topic of what was done is absent: an installation of a version before."""
        if HANDLED not in self.topics():
            raise Problem(
                f"topic {HANDLED} is absent, so nothing can be noted; "
                "`loanstream install` makes it (your own stack: start `loanstream up` anew)"
            )
        self._producer = Producer(
            {
                **self._connection,
                "transactional.id": GROUP,
                "message.max.bytes": RECORD_MAX_BYTES,
                "retry.backoff.ms": 5,
            }
        )
        self._producer.init_transactions(COMMIT_S)

    def send(self, records: Sequence[Record]) -> None:
        """One transaction. KafkaException where it fails: nothing was sent."""
        self._producer.begin_transaction()
        try:
            for record in records:
                self._producer.produce(record.topic, key=record.key, value=record.value, headers=record.headers)
                self._producer.poll(0)
            self._producer.commit_transaction(COMMIT_S)
        except Exception:
            self._producer.abort_transaction(COMMIT_S)
            raise

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def _position(place: TopicPartition) -> RedrivePosition:
    try:
        return RedrivePosition.read(place.offset, place.metadata)
    except ValueError:
        raise TopicsUnreadable(f"group {GROUP} has a foreign note on {place.topic}/{place.partition}") from None


class MemoryPost:
    """The twin in memory: it writes to the partition 0 of topics in memory."""

    def __init__(self, topics: MemoryTopics, notes: Mapping[Partition, RedrivePosition] | None = None) -> None:
        self._topics, self._notes = topics, notes or {}
        self._topics.records.setdefault((HANDLED, 0), [])
        self.opened = 0
        self.sent: list[Record] = []

    def topics(self) -> Sequence[str]:
        """Those that have a partition."""
        return sorted({topic for topic, _ in self._topics.records})

    def noted(self, partitions: Sequence[Partition]) -> Mapping[Partition, RedrivePosition]:
        """As they were given."""
        return {place: self._notes[place] for place in partitions if place in self._notes}

    def open(self) -> None:
        """Count it."""
        self.opened += 1

    def send(self, records: Sequence[Record]) -> None:
        """Append each to its topic."""
        if not self.opened:
            raise RuntimeError("the post is not open")
        for record in records:
            held = self._topics.records.setdefault((record.topic, 0), [])
            headers = [(name, value or b"") for name, value in record.headers]
            stamp = (LOG_APPEND_TIME, 1 + (held[-1].timestamp()[1] if held else 0))
            offset = held[-1].offset() + 1 if held else 0
            held.append(MemoryMessage(record.topic, 0, offset, record.key, record.value, headers, stamp))
        self.sent += records

    def close(self) -> None:
        """Nothing is held."""
