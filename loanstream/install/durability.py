"""Settings of a Kafka with which records are lost: a table of what must hold, held against what the brokers say.

A record that is confirmed lies in the logs of two brokers or more, and stays until its topic's retention is over.
Whatever breaks that promise is a line here: the setting, what was found, what is expected, what is lost otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._metadata import ClusterMetadata

from loanstream.install.topics import QUIET, REQUEST_S, SAFE_COPIES, USUAL_COPIES, Client, named_topics
from schemas.topics import RECORD_MAX_BYTES, TOPICS, Topic

FOR_EVER = -1
MINUTE_MS = 60_000
COPIES = "replication factor"
"""No setting of a topic, but told beside them: how many brokers have each record."""
LONGEST_MINUTES = max(topic.retention_ms for topic in TOPICS.values()) // MINUTE_MS
"""The longest that a topic with an end keeps its records."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One row: what `setting` must hold, and what can be `lost` where it does not."""

    setting: str
    expected: str
    holds: Callable[[str], bool]
    lost: str


def _at_least(setting: str, least: int, lost: str) -> Demand:
    return Demand(setting, f"{least} or more", lambda found: int(found) >= least, lost)


def _exactly(setting: str, value: str, lost: str) -> Demand:
    return Demand(setting, value, lambda found: found == value, lost)


def _of(topic: Topic) -> Iterator[Demand]:
    """The rows that differ from topic to topic."""
    if topic.cleanup == "delete":
        yield _exactly("cleanup.policy", "delete", "of several records of an application only the last stays")
    else:
        yield _exactly("cleanup.policy", topic.cleanup, "it grows, and is read whole at every start of a gateway")
    if topic.retention_ms == FOR_EVER:
        yield _exactly("retention.ms", str(FOR_EVER), "records go that are needed for ever")
        return
    yield Demand(
        "retention.ms",
        f"{topic.retention_ms} or more, or {FOR_EVER}",
        lambda found: int(found) == FOR_EVER or int(found) >= topic.retention_ms,
        "records go before their time",
    )


OF_NEW_TOPICS = (_at_least(COPIES, USUAL_COPIES, "a second broker that fails takes records with it"),)
"""Of a topic that is still to be made: all else is made as it should be."""
OF_TOPICS = (
    *OF_NEW_TOPICS,
    _at_least("min.insync.replicas", SAFE_COPIES, "a record is confirmed when one broker has it, and goes with it"),
    _exactly("unclean.leader.election.enable", "false", "a broker that lags may lead, and what it lacks is gone"),
    _exactly("retention.bytes", str(FOR_EVER), "records go before their time when many come"),
    _at_least("max.message.bytes", RECORD_MAX_BYTES, "a large decision has no place, and becomes a dead letter"),
)
OF_BROKERS = (
    _at_least("transaction.state.log.replication.factor", USUAL_COPIES, "transactions go with their broker"),
    _at_least("transaction.state.log.min.isr", SAFE_COPIES, "transactions go with their broker"),
    _at_least("offsets.topic.replication.factor", USUAL_COPIES, "what was read is forgotten with its broker"),
    Demand(
        "offsets.retention.minutes",
        f"more than {LONGEST_MINUTES}, which is how long topics keep their records",
        lambda found: int(found) > LONGEST_MINUTES,
        "a stage that stood still for that long has forgotten where it was",
    ),
)


def losses(client: Client, tenants: tuple[str, ...], copies: int | None = None) -> list[str]:
    """A line for each setting with which records can be lost; `copies` are those of topics that are still to be made.

    KafkaException where the brokers do not answer.
    """
    rows = dict(named_topics(tenants))
    with AdminClient(dict(client) | QUIET) as admin:
        cluster = admin.list_topics(timeout=REQUEST_S)
        there = {name: topic for name, topic in rows.items() if name in cluster.topics}
        found = _described(admin, there, cluster.brokers)
    subjects: list[tuple[str, tuple[Demand, ...], Mapping[str, str]]] = []
    if len(there) < len(rows):
        wanted = min(USUAL_COPIES, len(cluster.brokers)) if copies is None else copies
        subjects.append(("a new topic", OF_NEW_TOPICS, {COPIES: str(wanted)}))
    for name, topic in there.items():
        has = found[name] | {COPIES: str(_copies(cluster, name))}
        subjects.append((f"topic {name}", (*OF_TOPICS, *_of(topic)), has))
    subjects += [(f"broker {broker}", OF_BROKERS, found[str(broker)]) for broker in cluster.brokers]
    return told(subjects)


def told(subjects: Iterable[tuple[str, tuple[Demand, ...], Mapping[str, str]]]) -> list[str]:
    """A line for each thing that is wrong: with many topics it is one thing, said of the first and how many more."""
    wrong: dict[str, list[str]] = {}
    for subject, demands, found in subjects:
        for row in broken(demands, found):
            line = f"{row.setting} {found[row.setting]}, expected {row.expected}: {row.lost}"
            wrong.setdefault(line, []).append(subject)
    return [f"{_some(subjects)} {'has' if len(subjects) == 1 else 'have'} {line}" for line, subjects in wrong.items()]


def broken(demands: Iterable[Demand], found: Mapping[str, str]) -> Iterator[Demand]:
    """The rows that do not hold for the settings `found`; one that a broker does not name cannot break."""
    return (row for row in demands if row.setting in found and not row.holds(found[row.setting]))


def _some(subjects: list[str]) -> str:
    return subjects[0] if len(subjects) == 1 else f"{subjects[0]} and {len(subjects) - 1} more"


def _copies(cluster: ClusterMetadata, name: str) -> int:
    return min(len(partition.replicas) for partition in cluster.topics[name].partitions.values())


def _described(admin: AdminClient, topics: Iterable[str], brokers: Iterable[int]) -> dict[str, dict[str, str]]:
    """The settings in force, by the name of the topic or the number of the broker."""
    resources = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics]
    resources += [ConfigResource(ConfigResource.Type.BROKER, str(broker)) for broker in brokers]
    return {
        resource.name: {name: entry.value for name, entry in future.result(REQUEST_S).items()}
        for resource, future in admin.describe_configs(resources).items()
    }
