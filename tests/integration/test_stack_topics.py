"""Topics and first offsets, on the embedded broker."""

import time

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.cimpl import NewTopic, TopicPartition

from loanstream.install import topics
from loanstream.stack.kafka.broker import EmbeddedKafka
from schemas.problem import Problem
from schemas.stages import STAGES
from schemas.topics import SHARED_TOPICS, TENANT_TOPICS, TOPICS


@pytest.fixture(scope="module")
def bootstrap(bare_broker: EmbeddedKafka) -> str:
    topics.provision(bare_broker.bootstrap, ["bank-a"])
    return bare_broker.bootstrap


def _committed(bootstrap: str, group: str, names: list[str]) -> list[int]:
    asker = Consumer({"bootstrap.servers": bootstrap, "group.id": group})
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        metadata = admin.list_topics(timeout=10)
    wanted = [TopicPartition(name, number) for name in names for number in metadata.topics[name].partitions]
    found = [at.offset for at in asker.committed(wanted, timeout=10)]
    asker.close()
    return found


def _read_by(stage: str, tenant: str) -> list[str]:
    rows = [TOPICS[key] for key in STAGES[stage].reads]
    return [row.name(tenant) if row.per_tenant else row.name() for row in rows]


def test_creates_every_topic_of_the_table(bootstrap: str) -> None:
    """A tenant has every topic of the table with its partitions, and the shared ones exist once."""
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        found = admin.list_topics(timeout=10).topics
    wanted = {row.name(): row.partitions for row in SHARED_TOPICS}
    wanted |= {row.name("bank-a"): row.partitions for row in TENANT_TOPICS}
    assert {name: len(found[name].partitions) for name in wanted} == wanted


def test_tells_the_newest_stamp_of_each_broker(bootstrap: str) -> None:
    """Of input topics alone, which brokers stamp; before there is a record no broker is named."""
    client: topics.Client = {"bootstrap.servers": bootstrap}
    assert topics.newest_stamps(client, ("bank-a",)) == {}
    producer = Producer(client)
    producer.produce("loan.decisions.v1.bank-a", b"x", timestamp=4_000_000_000_000)
    producer.produce("loan.applications.v1.bank-a", b"x", timestamp=4_000_000_000_000)
    began_ms = time.time_ns() // 1_000_000
    assert producer.flush(30) == 0
    ((_, newest_ms),) = topics.newest_stamps(client, ("bank-a",)).items()
    assert began_ms - 1000 <= newest_ms <= time.time_ns() // 1_000_000


def test_commits_a_first_offset_for_every_stage(bootstrap: str) -> None:
    """Each stage's group has offset 0 on every partition it reads, before any worker ran."""
    for stage in STAGES:
        offsets = _committed(bootstrap, STAGES[stage].group, _read_by(stage, "bank-a"))
        assert offsets
        assert set(offsets) == {0}


def test_keeps_offsets_that_stand(bootstrap: str) -> None:
    """Provisioning again moves no offset that a stage has committed."""
    topic = TOPICS["verifications"].name("bank-a")
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "score"})
    reader.commit(offsets=[TopicPartition(topic, 2, 7)], asynchronous=False)
    reader.close()
    topics.provision(bootstrap, ["bank-a"])
    assert _committed(bootstrap, "score", [topic]) == [0, 0, 7, 0]


def test_takes_a_new_tenant_while_workers_run(bootstrap: str) -> None:
    """A tenant is added while a stage's group has members, which keep their partitions' offsets."""
    member = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "verify", "group.instance.id": "verify-0"}
        | {"partition.assignment.strategy": "roundrobin", "session.timeout.ms": 6000}
    )
    member.subscribe([TOPICS["applications"].name("bank-a")])
    while not member.assignment():
        member.poll(0.1)
    topics.provision(bootstrap, ["bank-a", "bank-new"])
    assert _committed(bootstrap, "verify", [TOPICS["applications"].name("bank-new")]) == [0, 0, 0, 0]
    member.close()


def test_refuses_an_input_that_producers_stamp(bootstrap: str) -> None:
    """A business input without LogAppendTime stops the start: accepted_at would be the producer's claim."""
    name = TOPICS["applications"].name("bank-claims")
    stamped_by_producers = NewTopic(name, 4, 1, config={"message.timestamp.type": "CreateTime"})
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        admin.create_topics([stamped_by_producers])[name].result(10)
    with pytest.raises(Problem, match=f"{name} has message.timestamp.type=CreateTime"):
        topics.provision(bootstrap, ["bank-claims"])


def test_refuses_another_number_of_partitions(bootstrap: str) -> None:
    """A topic with other partitions than the table's stops the start: it would break the order per application."""
    name = TOPICS["decisions"].name("bank-split")
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        admin.create_topics([NewTopic(name, 3, 1)])[name].result(10)
    with pytest.raises(Problem, match=f"{name} has 3 partitions, expected 4"):
        topics.provision(bootstrap, ["bank-split"])


def test_more_copies_than_brokers_are_refused(bootstrap: str) -> None:
    """A replication factor that the brokers cannot hold stops the start with the topic's name, and makes no topic."""
    with pytest.raises(Problem, match=r"cannot create topic loan.*replication factor"):
        topics.provision(bootstrap, ["bank-copies"], replication=2)
    assert not topics.exists({"bootstrap.servers": bootstrap}, TOPICS["decisions"].name("bank-copies"))


def test_tells_what_a_provision_would_make(bootstrap: str) -> None:
    """Nothing for a tenant that has all; for another every topic; and first offsets where these alone are missing."""
    client: topics.Client = {"bootstrap.servers": bootstrap}
    assert topics.missing(client, ("bank-a",)) == []
    named = [row.name("bank-half") for row in TENANT_TOPICS]
    assert sorted(topics.missing(client, ("bank-half",))) == sorted(f"topic {name}" for name in named)
    topics.create(client, ("bank-half",), 1)
    while topics.differences(client, ("bank-half",)):
        time.sleep(0.05)
    found = topics.missing(client, ("bank-half",))
    assert "first offsets of verify on 4 partitions" in found
    assert not [line for line in found if line.startswith("topic")]
    topics.provision(bootstrap, ["bank-half"])
    assert topics.missing(client, ("bank-half",)) == []


def test_tells_topics_that_are_otherwise_than_the_table(bootstrap: str) -> None:
    """What a tenant lacks is told by name, and so is a topic with another number of partitions; nothing is made."""
    client: topics.Client = {"bootstrap.servers": bootstrap}
    assert topics.differences(client, ("bank-a",)) == []
    name = TOPICS["decisions"].name("bank-lacks")
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        admin.create_topics([NewTopic(name, 3, 1)])[name].result(10)
        while name not in admin.list_topics(timeout=10).topics:
            time.sleep(0.05)
    for _ in range(2):
        found = topics.differences(client, ("bank-a", "bank-lacks"))
        assert len(found) == len(TENANT_TOPICS)
        assert f"topic {name} has 3 partitions, expected 4" in found
        assert f"topic {TOPICS['applications'].name('bank-lacks')} is absent" in found


def test_the_broker_stamps_applications(bootstrap: str) -> None:
    """The stamp of an application is the broker's clock, whatever its producer claims."""
    name = TOPICS["applications"].name("bank-a")
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(name, b"v", partition=0, timestamp=1_000)
    producer.flush(10)
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader"})
    reader.assign([TopicPartition(name, 0, 0)])
    message = reader.poll(10)
    reader.close()
    assert message is not None
    assert message.timestamp()[1] > 1_000_000_000_000


def test_remembers_offsets_longer_than_any_record(bootstrap: str) -> None:
    """A group's offsets outlive every topic's records, so that a long pause loses no place."""
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    with AdminClient({"bootstrap.servers": bootstrap}) as admin:
        found = admin.describe_configs([resource])[resource].result(10)["offsets.retention.minutes"].value
    assert int(found) * 60_000 > max(row.retention_ms for row in TOPICS.values())
