"""Whether a stage's group reads every partition it is for, and what a worker does where it does not: it joins anew.

Topics come while workers run: the client looks for them every `METADATA_REFRESH_S` and joins anew by itself. That does
not help a static member that comes back: the coordinator gives it its old assignment, whatever it subscribes to, and to
the client nothing has changed since. So each worker looks whether its group leaves a partition unread. A member that
joins anew gets a new assignment made only where it is the group's leader, which no member knows of itself: all of them
do it (docs/measured/kafka-client.md).
"""

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from confluent_kafka.admin import AdminClient

from processors.transport.look_ups import ANSWER_S, look_at_groups
from processors.transport.membership import Member
from processors.transport.specs import METADATA_REFRESH_S
from schemas.records import Partition

log = logging.getLogger(__name__)

UNSETTLED_S = 0.5
"""Between two looks while the group is changing."""
STAGGER_S, STAGGERED = 1.0, 8
"""Workers that come back together look one after the other: where an earlier one leads, the later ones see no gap any
more, and nobody joins while others are in the midst of an assignment."""
REST_S = 2 * METADATA_REFRESH_S
"""Between two attempts of one worker: within it the others' looks have come, the leader's too."""
TOLD = 3


def partitions_for(topics: Sequence[str], metadata: Mapping[str, Iterable[int]]) -> frozenset[Partition]:
    r"""The partitions of a subscription, of those that the broker has (`metadata`: topic -> its partitions).

    >>> sorted(partitions_for(("^loan\\.a", "loan.b"), {"loan.a.x": (0, 1), "loan.b": (0,), "loan.bb": (0,)}))
    [('loan.a.x', 0), ('loan.a.x', 1), ('loan.b', 0)]
    """
    return frozenset((name, number) for name, numbers in metadata.items() if takes(topics, name) for number in numbers)


def takes(topics: Sequence[str], name: str) -> bool:
    """Whether a subscription takes the topic `name`: as a pattern anchored by `^`, or word for word."""
    return any(re.search(topic, name) if topic.startswith("^") else topic == name for topic in topics)


class Gap:
    """What the group leaves unread, look by look, and when to join anew because of it. No Kafka in it.

    A topic that was not there at the look before is left to the client, which is about to see it itself.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._known: frozenset[str] | None = None
        self._joined = float("-inf")
        self.unread: frozenset[Partition] = frozenset()

    def saw(self, wanted: frozenset[Partition], read: frozenset[Partition]) -> bool:
        """The stage is for `wanted`, the group reads `read`; whether to join anew."""
        self.unread = wanted - read
        topics = frozenset(topic for topic, _ in wanted)
        known, self._known = topics if self._known is None else self._known, topics
        if self._now() - self._joined < REST_S or not any(topic in known for topic, _ in self.unread):
            return False
        self._joined = self._now()
        return True


class Coverage:
    """Looks at the group of a worker, and remembers that it is to join anew. A look of the worker's `Lookout`."""

    def __init__(self, member: Member, topics: Sequence[str]) -> None:
        self._group, self._topics = member.group, topics
        self._gap = Gap()
        self._wanted = threading.Event()

    def wants_to_join(self) -> bool:
        """Whether the worker is to join its group anew; said once."""
        wanted = self._wanted.is_set()
        if wanted:
            self._wanted.clear()
        return wanted

    def look(self, admin: AdminClient) -> float:
        """One look; seconds until the next."""
        found = admin.list_topics(timeout=ANSWER_S).topics
        wanted = partitions_for(self._topics, {name: topic.partitions for name, topic in found.items()})
        group = look_at_groups(admin, [self._group]).get(self._group)
        if group is None or not group.members:
            return UNSETTLED_S
        if self._gap.saw(wanted, group.read):
            unread = sorted(self._gap.unread)
            names = ", ".join(f"{topic}[{number}]" for topic, number in unread[:TOLD])
            more = f" and {len(unread) - TOLD} more" if len(unread) > TOLD else ""
            log.warning("group %s leaves %s%s unread: this worker joins it anew", self._group, names, more)
            self._wanted.set()
        return METADATA_REFRESH_S


def first_look_s(member: Member) -> float:
    """How long after its first assignment a worker takes its first look."""
    return UNSETTLED_S + STAGGER_S * (member.slot % STAGGERED)
