"""Makes the broker ready for tenants: topics from the table, and a committed offset for every stage on every partition.

A partition without a committed offset would let a stage start at "latest" and lose what came before: so there is none.
Everything here may run again, and while workers run.
"""

import secrets
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import MaxTimestampSpec
from confluent_kafka.admin._metadata import ClusterMetadata, TopicMetadata
from confluent_kafka.cimpl import NewTopic

from processors.transport import CHECK_PARTITIONS, CHECK_TOPIC
from processors.transport.membership import PASSING_CODES, TOKEN_BITS
from schemas.access import PROVISION
from schemas.problem import Problem
from schemas.stages import STAGES, Stage
from schemas.topics import SHARED_TOPICS, TENANT_TOPICS, TOPICS, Topic

REQUEST_S = 30.0
RETRY_S = 0.05
TRIES, STUCK_AFTER_S = 4, 20.0
"""A transaction of first offsets takes a second; on a busy machine several."""
_COMPACTED = {"cleanup.policy": "compact", "segment.bytes": "104857600"}
BROKER_TOPICS: dict[str, dict[str, str]] = {
    # The broker would make them at the first group's and the first transaction's request, and the clients' waits for
    # that cost 3 s of the start. The settings are those it gives them itself.
    "__consumer_offsets": _COMPACTED | {"compression.type": "producer"},
    "__transaction_state": _COMPACTED | {"compression.type": "uncompressed", "min.insync.replicas": "1"},
}
BROKER_TOPIC_PARTITIONS = 8
"""As in the embedded broker's properties; a broker of yours has its own by the time its topics are provisioned."""
USUAL_COPIES = 3
SAFE_COPIES = 2
"""With more copies than this, so many must have a record before it is confirmed: a broker may be lost, no record."""
SAFE_CONFIG = {"min.insync.replicas": str(SAFE_COPIES), "unclean.leader.election.enable": "false"}
QUIET = {"log_level": 3}
"""What goes wrong raises here; the client's own notes would stand between the lines of a start."""
Client = dict[str, str | int | float | bool]


def provision(
    bootstrap: str,
    tenants: Iterable[str],
    security: Mapping[str, str] | None = None,
    replication: int | None = None,
    *,
    broker_topics: bool = False,
) -> None:
    """Create the shared topics and those of `tenants`, commit offset 0 where a stage has none, check the input stamps.

    What is created has `replication` copies: as many as there are brokers, three at most, where it is None. With
    `broker_topics` also those topics that the broker would make itself. Problem naming the topic that is wrong;
    KafkaException where the broker does not answer.
    """
    client: Client = {"bootstrap.servers": bootstrap, **QUIET, **(security or {})}
    names = tuple(tenants)
    copies = replication or usual_copies(client)
    if broker_topics:
        _create_broker_topics(client)
    create(client, names, copies)
    commit_first_offsets(client, names)
    check_stamps(client, names)


def create(client: Client, tenants: tuple[str, ...], copies: int) -> None:
    """Create what does not exist, outputs before inputs: no application arrives where its decision has no place."""
    with AdminClient(dict(client) | QUIET) as admin:
        existing = admin.list_topics(timeout=REQUEST_S).topics
        safe = SAFE_CONFIG if copies > SAFE_COPIES else {}
        if CHECK_TOPIC not in existing:
            _create(admin, [NewTopic(CHECK_TOPIC, CHECK_PARTITIONS, copies)])
        for _, rows in groupby(named_topics(tenants), key=lambda row: row[1].input):
            wanted = [
                NewTopic(name, topic.partitions, copies, config=topic.config | safe)
                for name, topic in rows
                if name not in existing
            ]
            _create(admin, wanted)
    for line in _other_partitions(existing, tenants):
        raise Problem(f"{line}; another number would break the order per application")


def differences(client: Client, tenants: tuple[str, ...]) -> list[str]:
    """What the broker has otherwise than the table: topics that are absent or have another number of partitions."""
    existing = _cluster(client).topics
    absent = [f"topic {name} is absent" for name, _ in named_topics(tenants) if name not in existing]
    return [*absent, *_other_partitions(existing, tenants)]


def not_installed(client: Client, tenants: tuple[str, ...]) -> list[str]:
    """Those of `tenants` that lack a topic which a stage reads; KafkaException."""
    existing = _cluster(client).topics
    own = [key for stage in STAGES.values() for key in stage.reads if TOPICS[key].per_tenant]
    return [tenant for tenant in tenants if any(TOPICS[key].name(tenant) not in existing for key in own)]


def missing(client: Client, tenants: tuple[str, ...]) -> list[str]:
    """What `provision` would make, a line each. Problem naming the topic that is wrong.

    Makes nothing; of the offsets it believes what the coordinator says at once.
    """
    existing = _cluster(client).topics
    for line in _other_partitions(existing, tenants):
        raise Problem(f"{line}; another number would break the order per application")
    check_stamps(client, tenants, existing)
    names = [CHECK_TOPIC, *(name for name, _ in named_topics(tenants))]
    lines = [f"topic {name}" for name in names if name not in existing]
    for stage in STAGES.values():
        there = [place for place in read_by(stage, tenants) if place.topic in existing]
        without = len(_without_offset(client, stage.group, there, None)) if there else 0
        lines += [f"first offsets of {stage.name} on {without} partitions"] if without else []
    return lines


def without_offset(client: Client, tenants: tuple[str, ...]) -> Iterator[str]:
    """A line for each topic of `tenants` that a stage's group has no committed offset on; KafkaException."""
    existing = _cluster(client).topics
    for stage in STAGES.values():
        there = [place for place in read_by(stage, tenants) if place.topic in existing]
        lacking = _without_offset(client, stage.group, there, None) if there else []
        for topic in dict.fromkeys(place.topic for place in lacking):
            yield f"{topic} has no committed offset of group {stage.group}"


def exists(client: Client, name: str) -> bool:
    """Whether the broker has this topic."""
    return name in _cluster(client).topics


def newest_stamps(client: Client, tenants: tuple[str, ...]) -> dict[int, int]:
    """The newest stamp that each broker gave a record of an input topic (ms), by the id of who leads its partition now.

    A broker that leads no partition with a record is not named. KafkaException where the broker does not answer.
    """
    with AdminClient(dict(client) | QUIET) as admin:
        inputs = {name for name, topic in named_topics(tenants) if topic.input}
        found = admin.list_topics(timeout=REQUEST_S).topics
        leaders = {
            TopicPartition(name, number): partition.leader
            for name in inputs & found.keys()
            for number, partition in found[name].partitions.items()
        }
        spec: Any = MaxTimestampSpec  # its constructor has no types
        asked = admin.list_offsets({place: spec() for place in leaders}, request_timeout=REQUEST_S)
        newest: dict[int, int] = {}
        for place, future in asked.items():
            stamp = future.result(REQUEST_S).timestamp
            if stamp >= 0:  # of a partition without records it is negative
                newest[leaders[place]] = max(stamp, newest.get(leaders[place], 0))
        return newest


def unserved(client: Client, tenants: Iterable[str]) -> list[str]:
    """Tenants that have topics on the broker and are not among `tenants`."""
    existing = _cluster(client).topics
    found = {tenant for name in existing if (tenant := TOPICS["applications"].tenant_of(name)) is not None}
    return sorted(found.difference(tenants))


def _create_broker_topics(client: Client) -> None:
    with AdminClient(dict(client) | QUIET) as admin:
        existing = admin.list_topics(timeout=REQUEST_S).topics
        rows = [NewTopic(name, BROKER_TOPIC_PARTITIONS, 1, config=config) for name, config in BROKER_TOPICS.items()]
        _create(admin, [row for row in rows if row.topic not in existing])


def _create(admin: AdminClient, wanted: list[NewTopic]) -> None:
    for name, future in (admin.create_topics(wanted) if wanted else {}).items():
        _created(name, future.exception(REQUEST_S))


def usual_copies(client: Client) -> int:
    """How many copies a new topic gets where nobody says otherwise: as many as there are brokers, three at most."""
    return min(USUAL_COPIES, len(_cluster(client).brokers))


def _cluster(client: Client) -> ClusterMetadata:
    with AdminClient(dict(client) | QUIET) as admin:
        return admin.list_topics(timeout=REQUEST_S)


def commit_first_offsets(client: Client, tenants: tuple[str, ...]) -> None:
    """Commit offset 0 for each stage's group on each partition it reads and has no offset on.

    In transactions: the broker takes them for a group whose workers are running too (a plain commit it would refuse).
    A call that never returns (docs/measured/kafka-client.md) is left alone, and everything done again by a new client,
    which the broker lets take the other's place. Problem where that is of no use; KafkaException.
    """
    for _ in range(TRIES):
        done = _beside(lambda: _commit_first_offsets(client, tenants))
        try:
            return done.result(STUCK_AFTER_S)
        except TimeoutError:
            if done.done():  # it was raised, not waited for
                raise
    raise Problem("Kafka's transaction coordinator does not answer; look at the brokers, then run it again")


def _beside(work: Callable[[], None]) -> "Future[None]":
    """`work` in a thread that nobody has to wait for, not even the interpreter at its end."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="first offsets", daemon=True).start()
    return done


def _commit_first_offsets(client: Client, tenants: tuple[str, ...]) -> None:
    producer = Producer(dict(client) | {"transactional.id": PROVISION, "retry.backoff.ms": 50, "log_level": 3})
    producer.init_transactions(REQUEST_S)
    places = {stage.group: read_by(stage, tenants) for stage in STAGES.values()}
    # A coordinator that still reads its log may know of no offsets where there are some: a token, last in that log,
    # tells whether it has read all (docs/measured.md).
    token = TopicPartition(CHECK_TOPIC, CHECK_PARTITIONS - 1, secrets.randbits(TOKEN_BITS))
    _commit(producer, client, {group: [token] for group in places})
    with ThreadPoolExecutor(len(places)) as pool:
        found = pool.map(lambda group: _without_offset(client, group, places[group], token), places)
        gaps = dict(zip(places, found, strict=True))
    if any(gaps.values()):
        _commit(producer, client, gaps)


def _commit(producer: Producer, client: Client, offsets: Mapping[str, list[TopicPartition]]) -> None:
    producer.begin_transaction()
    for group, partitions in offsets.items():
        if partitions:
            outsider = Consumer(dict(client) | QUIET | {"group.id": group})
            producer.send_offsets_to_transaction(partitions, outsider.consumer_group_metadata(), REQUEST_S)
            outsider.close()
    producer.commit_transaction(REQUEST_S)


def check_stamps(client: Client, tenants: tuple[str, ...], existing: Container[str] | None = None) -> None:
    """Problem for a business input (of those `existing`) whose records are not stamped by the broker: `accepted_at` is
    that stamp.
    """
    names = [name for name, topic in named_topics(tenants) if topic.input and (existing is None or name in existing)]
    if not names:
        return
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
    with AdminClient(dict(client) | QUIET) as admin:
        for resource, future in admin.describe_configs(resources).items():
            found = future.result(REQUEST_S)["message.timestamp.type"].value
            if found != "LogAppendTime":
                raise Problem(
                    f"topic {resource.name} has message.timestamp.type={found}, expected LogAppendTime: "
                    "accepted_at would be the producer's claim"
                )


def _other_partitions(existing: Mapping[str, TopicMetadata], tenants: tuple[str, ...]) -> Iterator[str]:
    for name, topic in named_topics(tenants):
        if name in existing and len(existing[name].partitions) != topic.partitions:
            yield f"topic {name} has {len(existing[name].partitions)} partitions, expected {topic.partitions}"


def named_topics(tenants: tuple[str, ...]) -> Iterator[tuple[str, Topic]]:
    """Every topic of these tenants, in the order of creation: outputs first."""
    rows = [(topic.name(), topic) for topic in SHARED_TOPICS]
    rows += [(topic.name(tenant), topic) for tenant in tenants for topic in TENANT_TOPICS]
    return iter(sorted(rows, key=lambda row: row[1].input))


def read_by(stage: Stage, tenants: tuple[str, ...]) -> list[TopicPartition]:
    """The partitions that a stage is for, those of shared topics among them."""
    read = {TOPICS[key].stem for key in stage.reads}
    return [
        TopicPartition(name, number)
        for name, topic in named_topics(tenants)
        if topic.stem in read
        for number in range(topic.partitions)
    ]


def _without_offset(
    client: Client, group: str, partitions: list[TopicPartition], token: TopicPartition | None
) -> list[TopicPartition]:
    asker = Consumer(dict(client) | QUIET | {"group.id": group})
    try:
        committed = _committed(asker, partitions, token)
    finally:
        asker.close()
    return [TopicPartition(at.topic, at.partition, 0) for at in committed if at.offset < 0]


def _committed(asker: Consumer, partitions: list[TopicPartition], token: TopicPartition | None) -> list[TopicPartition]:
    until = time.monotonic() + REQUEST_S
    while True:
        try:
            if token is None:
                return asker.committed(partitions, timeout=REQUEST_S)
            *found, echo = asker.committed([*partitions, token], timeout=REQUEST_S)
        except KafkaException as error:
            # A coordinator that is still loading says so; the client passes that on instead of asking again.
            if error.args[0].code() not in PASSING_CODES or time.monotonic() > until:
                raise
        else:
            if echo.offset == token.offset:
                return found
            if time.monotonic() > until:
                raise Problem("the group coordinator does not know its last offset: start the broker again")
        time.sleep(RETRY_S)


def _created(name: str, error: BaseException | None) -> None:
    if error is None:
        return
    if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
        # Another start of the same stack was quicker.
        return
    raise Problem(f"cannot create topic {name}: {error}") from error
