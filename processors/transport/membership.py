"""A worker's membership in its stage's consumer group: settings, committed positions, and what makes it stop.

Shared by the sources of both kinds of worker. Everything here is called in the poll thread.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, TopicPartition

from processors.transport.runtime import Die
from processors.transport.specs import WorkerKafka
from schemas.records import Partition
from stores.unreadable import CODES as UNREADABLE_CODES

log = logging.getLogger(__name__)

POSITION_WAIT_S = 5.0
"""How long a new topic may take to get its first committed offsets from whoever created it."""

PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Between two questions for committed offsets. They grow because a coordinator that began to read its log twice starts
over with every write in between: it comes to its end only when it is left alone for as long as it reads."""

PASSING_CODES = frozenset(
    {
        KafkaError._TIMED_OUT,  # noqa: SLF001 - that is how confluent_kafka names client errors
        KafkaError._TRANSPORT,  # noqa: SLF001
        KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
        KafkaError._WAIT_COORD,  # noqa: SLF001
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
    }
)
"""What a broker that is away for a while, or a transaction that is still open, answers."""

TOKEN_BITS = 62

QUIET_CODES = frozenset({KafkaError._PARTITION_EOF})  # noqa: SLF001 - that is how confluent_kafka names client errors


PATIENT_FETCH: dict[str, str | int] = {"fetch.min.bytes": 32 * 1024, "fetch.wait.max.ms": 250}
"""For a stage that nobody waits for: the broker answers when there is something worth it, not for every record."""


@dataclass(frozen=True, slots=True)
class Member:
    """Who a worker is in its stage's group."""

    group: str
    slot: int

    @property
    def name(self) -> str:
        """The static member's id, the client's too."""
        return f"{self.group}-{self.slot}"


def open_consumer(kafka: WorkerKafka, member: Member, fetch: Mapping[str, str | int] | None = None) -> Consumer:
    """A consumer of the stage's group with the slot's static membership; `fetch` are further settings."""
    return Consumer(
        {
            **(fetch or {}),
            **kafka.settings,
            "group.id": member.group,
            "group.instance.id": member.name,
            "client.id": member.name,
            # Eager and round-robin: fewest aborts and shortest silence when workers come and go, and the partitions of
            # many small tenants spread evenly (range gives every tenant's partition 0 to the same worker).
            "partition.assignment.strategy": "roundrobin",
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "session.timeout.ms": 10_000,
            "heartbeat.interval.ms": 3_000,
        },
        logger=logging.getLogger("librdkafka"),
    )


def committed_positions(
    consumer: Consumer, kafka: WorkerKafka, member: Member, partitions: Sequence[TopicPartition], die: Die
) -> list[TopicPartition]:
    """The committed offsets (with metadata) of `partitions`, which a new member begins at.

    Waits for transactions that are still open. None at all where the group no longer knows the member: its next
    heartbeat brings a new assignment. A partition without a committed offset ends the worker.
    """
    deadline: float | None = None
    pauses = iter(PAUSES_S)
    while partitions:
        try:
            found = _proved(consumer, kafka.check_place(member.slot), partitions)
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.UNKNOWN_MEMBER_ID:
                log.warning("the assignment is void before it began: %s", error.args[0].str())
                return []
            if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                die(f"the topic {kafka.check_topic} does not exist; provision the topics, then start again")
            if code not in PASSING_CODES:
                die(f"the committed offsets of group {member.group} cannot be read: {error.args[0].str()}")
            log.warning(
                "the committed offsets of group %s are not to be had yet: %s", member.group, error.args[0].str()
            )
            found = None
        if found is None:
            time.sleep(next(pauses, PAUSES_S[-1]))
            continue
        deadline = deadline or time.monotonic() + POSITION_WAIT_S
        lacking = [place for place in found if place.offset == OFFSET_INVALID]
        if not lacking:
            return found
        if time.monotonic() > deadline:
            gap = lacking[0]
            low, high = consumer.get_watermark_offsets(gap, timeout=10)
            die(
                f"{gap.topic}[{gap.partition}] has no committed offset for group {member.group} "
                f"(it holds offsets {low} to {high}); commit the offset to begin at, then start again"
            )
        time.sleep(0.2)
    return []


def _proved(
    consumer: Consumer, check: TopicPartition, partitions: Sequence[TopicPartition]
) -> list[TopicPartition] | None:
    """The committed offsets by a coordinator that knows its whole log; None from one that does not prove it.

    After a broker's restart Kafka's coordinator can answer while it still reads its log: with offsets of long ago
    (docs/measured.md). So a token is committed first, which becomes the last record of that log, and only an answer
    that holds the token counts: whatever read the log that far read the offsets before it.
    """
    check.offset = secrets.randbits(TOKEN_BITS)
    consumer.commit(offsets=[check], asynchronous=False)
    *found, echo = consumer.committed([*partitions, check], timeout=10)
    if echo.offset == check.offset:
        return found
    log.warning("the coordinator does not know what it has just been told: it is asked again")
    return None


REFUSED_CODES = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED})
ABSENT_CODES = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC})  # noqa: SLF001 - see above

Refused = Callable[[KafkaError], None]
"""Is told that the broker refuses this member its group or a topic."""


def refusal(member: Member, error: KafkaError) -> str:
    """What the broker refuses, for whoever reads why a worker waits."""
    what = f"group {member.group}" if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED else "a topic that it reads"
    return f"the broker refuses this worker's account {what} ({error.name()}): see LOANSTREAM_KAFKA_SECURITY"


def poll_records(consumer: Consumer, timeout: float, limit: int, die: Die, refused: Refused) -> list[Any]:
    """At most `limit` records: waits `timeout` seconds for the first, then takes what is there.

    (`consume(N, timeout)` would wait the whole timeout for N records.) Among them are the errors that say where nothing
    can be read on. Other events of the client are logged; a fenced member ends the worker.
    """
    first = consumer.poll(timeout)
    if first is None:
        return []
    polled = [first, *(consumer.consume(limit - 1, 0) if limit > 1 else ())]
    return [message for message in polled if _is_of_a_place(message, die, refused)]


def is_out_of_range(message: Any) -> bool:
    """Whether what the client gave says that a partition does not hold the offset to be read next."""
    error: KafkaError | None = message.error()
    return error is not None and error.code() == KafkaError._AUTO_OFFSET_RESET  # noqa: SLF001 - see above


def _is_of_a_place(message: Any, die: Die, refused: Refused) -> bool:
    error: KafkaError | None = message.error()
    if error is None or error.code() in UNREADABLE_CODES or is_out_of_range(message):
        return True
    # A fenced static member gets this code, and `fatal()` says no of it.
    if error.fatal() or error.code() == KafkaError._FATAL:  # noqa: SLF001 - see above
        die(f"the group member was fenced or failed for good: {error.str()}")
    if error.code() in REFUSED_CODES:
        refused(error)
    elif error.code() in ABSENT_CODES:
        log.warning("topics to be read are absent, or this account may not see them: %s", error.str())
    elif error.code() not in QUIET_CODES:
        log.warning("the broker says: %s", error.str())
    return False


def gap(consumer: Consumer, group: str, partition: Partition, error: KafkaError) -> str:
    """The offsets that a partition no longer holds, or not yet, in one line."""
    place = TopicPartition(*partition)
    name = f"{place.topic}[{place.partition}]"
    try:
        low, high = consumer.get_watermark_offsets(place, timeout=10)
        at = consumer.committed([place], timeout=10)[0].offset
    except KafkaException:
        return f"{name}: group {group} cannot read on: {error.str()}"
    lost = f"offsets {at} to {low - 1} are gone" if at < low else f"it ends at {high}"
    return f"{name}: group {group} is at offset {at}, the topic holds {low} to {high}: {lost}"
