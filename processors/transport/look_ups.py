"""What an operator's client tells of groups and partitions: nothing here reads records or joins a group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import ConsumerGroupState, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from schemas.records import Partition

ANSWER_S = 4.0


@dataclass(frozen=True, slots=True)
class GroupSight:
    """A consumer group as its coordinator describes it: its members, and which partitions they have."""

    members: int
    read: frozenset[Partition]


def look_at_groups(admin: AdminClient, groups: Sequence[str], within_s: float = ANSWER_S) -> dict[str, GroupSight]:
    """The groups that stand still, by name; one that is changing at the moment is not among them. KafkaException."""
    asked = admin.describe_consumer_groups(list(groups), request_timeout=within_s)
    found = {group: future.result(within_s) for group, future in asked.items()}
    return {
        group: GroupSight(
            len(told.members),
            frozenset(
                (place.topic, place.partition)
                for member in told.members
                for place in (member.assignment.topic_partitions if member.assignment else ())
            ),
        )
        for group, told in found.items()
        if told.state in {ConsumerGroupState.STABLE, ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD}
    }


def last_stable_offsets(
    admin: AdminClient, places: Iterable[Partition], within_s: float = ANSWER_S
) -> dict[Partition, int]:
    """Up to where a read_committed consumer could read each partition; KafkaException."""
    spec: Any = OffsetSpec  # it has no types
    asked = {TopicPartition(*place): spec.latest() for place in places}
    if not asked:
        return {}
    found = admin.list_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=within_s)
    return {(at.topic, at.partition): future.result(within_s).offset for at, future in found.items()}
