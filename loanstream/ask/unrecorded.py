"""What the topics hold that the warehouse does not know yet: how much, and whether an application's record is there."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from loanstream.installation import Installation
from processors.stages.record.rows import RECORDINGS
from schemas.problem import Problem
from schemas.records import Message, place
from schemas.topics import TENANT_TOPICS
from stores.topics import Bounds, KafkaTopics, RetentionMoved, TopicReader

ANSWER_S = 4.0
"""So long Kafka may take for an answer: whoever asks the warehouse is told when that does not answer, either."""

WITHIN_S = 3.0
"""So long records are looked through; a warehouse that is hours behind has more."""


@dataclass(slots=True)
class Unrecorded:
    """`records` of the topics of `tenants` are not recorded yet (at least: where `whole` is False there are more).

    `of_it` tells of those of the application asked for what each is (a topic's family) and where it stands.
    """

    tenants: tuple[str, ...]
    records: int = 0
    whole: bool = True
    of_it: list[tuple[str, str]] = field(default_factory=list)


def unrecorded_of(installation: Installation, tenants: Sequence[str], application_id: str) -> Unrecorded | None:
    """What is not recorded yet; None where Kafka does not tell."""
    try:
        topics = KafkaTopics(installation.bootstrap, installation.security, ANSWER_S)
        with closing(topics):
            return unrecorded(topics, tenants, application_id)
    except Problem:
        return None


def unrecorded(
    topics: TopicReader, tenants: Sequence[str], application_id: str, within_s: float = WITHIN_S
) -> Unrecorded:
    """What `topics` hold behind the record stage's offsets. Raises `TopicsUnreadable`."""
    found, until = Unrecorded(tuple(tenants)), time.monotonic() + within_s
    recorded = [topic for topic in reversed(TENANT_TOPICS) if topic.key in RECORDINGS]  # what comes first is told first
    families = {topic.name(tenant): topic.key for topic in recorded for tenant in tenants}
    for message in _behind(topics, list(families)):
        found.records += 1
        if message.key() == application_id.encode():
            found.of_it.append((families[message.topic()], place(message)))
        if time.monotonic() > until:
            found.whole = False
            break
    return found


def _behind(topics: TopicReader, names: Sequence[str]) -> Iterator[Message]:
    bounds = topics.bounds(names)
    recorded = topics.recorded(list(bounds))
    for partition, within in bounds.items():
        at = max(within.low, recorded.get(partition, within.low))
        try:
            yield from topics.read(partition, Bounds(at, within.end))
        except RetentionMoved:
            continue  # what is gone is recorded by nobody any more
