"""Partitions in which records have waited for long while the group's committed offset does not move, by the broker.

It asks the broker alone: what workers say of themselves is another line of the doctor's.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from loanstream.install.topics import read_by
from loanstream.installation import Installation
from processors.transport.look_ups import last_stable_offsets
from schemas.records import Partition
from schemas.stages import STAGES
from stores.topics import TO_THE_END

WAITED_S = 60.0
"""A record that has waited for so long is looked at: quick stages take less, and who is behind moves."""
MOVES_WITHIN_S, BUSY_WITHIN_S = 3.0, 20.0
ANSWER_S = 10.0

_SILENT = logging.getLogger("loanstream.doctor.standing.silent")
_SILENT.disabled = True


def standing_still(installation: Installation) -> Iterator[str]:
    """A line for each partition that stands still; KafkaException. Takes seconds where records wait long."""
    client = {**installation.admin_settings, "log_level": 0}
    with AdminClient(client, logger=_SILENT) as admin:
        existing = admin.list_topics(timeout=ANSWER_S).topics
        for stage in STAGES.values():
            places = [at for at in read_by(stage, installation.tenants) if at.topic in existing]
            asker = Consumer(
                {**client, "group.id": stage.group, **TO_THE_END, "auto.offset.reset": "earliest"}, logger=_SILENT
            )
            try:
                yield from _of_group(admin, asker, stage.group, places)
            finally:
                asker.close()


def _of_group(admin: AdminClient, asker: Consumer, group: str, places: list[TopicPartition]) -> Iterator[str]:
    before = committed_of(asker, places)
    ends = last_stable_offsets(admin, before, ANSWER_S)
    waiting = {place: at for place, at in before.items() if at < ends.get(place, 0)}
    now_ms = time.time_ns() // 1_000_000
    waited = {place: (now_ms - stamp) / 1000 for place, stamp in stamps(asker, waiting).items()}
    long = {place: seconds for place, seconds in waited.items() if seconds > WAITED_S}
    for topic, number in sorted(unmoved(set(long), before, lambda: committed_of(asker, places))):
        at, seconds = before[topic, number], long[topic, number]
        yield f"{topic}[{number}] stands still at offset {at} of group {group}, a record waits for {seconds:.0f} s"


def unmoved(
    places: set[Partition],
    before: Mapping[Partition, int],
    committed: Callable[[], Mapping[Partition, int]],
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> set[Partition]:
    """Those of `places` whose committed offset stays as it was `before`: for three seconds where nothing of the group
    moves, for twenty where something does, for then it may be another's turn.
    """
    left, began, within_s = set(places), now(), MOVES_WITHIN_S
    while left and now() - began < within_s:
        sleep(1.0)
        after = committed()
        moved = {place for place, at in before.items() if after.get(place) != at}
        left -= moved
        if moved:
            within_s = BUSY_WITHIN_S
    return left


def committed_of(asker: Consumer, places: Iterable[TopicPartition]) -> dict[Partition, int]:
    """The committed offsets of the asker's group, of places that have one; KafkaException."""
    found = asker.committed(list(places), timeout=ANSWER_S) if places else []
    return {(at.topic, at.partition): at.offset for at in found if at.offset >= 0}


def stamps(asker: Consumer, starts: Mapping[Partition, int]) -> dict[Partition, int]:
    """The timestamp (ms) of the first record at or behind each start; of a partition without one, none."""
    asker.assign([TopicPartition(*place, start) for place, start in starts.items()])
    left, stamps = set(starts), {}
    until = time.monotonic() + ANSWER_S
    while left and time.monotonic() < until:
        for message in asker.consume(500, 0.2):
            place, error = (message.topic(), message.partition()), message.error()
            if place in left and (error is None or error.code() == KafkaError._PARTITION_EOF):  # noqa: SLF001 - its name
                left.discard(place)
                if error is None:
                    stamps[place] = message.timestamp()[1]
    asker.unassign()
    return stamps
