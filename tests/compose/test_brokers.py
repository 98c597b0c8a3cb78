"""The brokers of docker-compose.yml, held against what `install` asks of brokers and what the embedded broker is."""

from collections.abc import Mapping

import pytest

from loanstream.deploy.certificates import SERVICES
from loanstream.install.durability import COPIES, OF_BROKERS, OF_NEW_TOPICS, OF_TOPICS, Demand, broken, told
from loanstream.install.topics import SAFE_COPIES, USUAL_COPIES
from loanstream.settings import load
from loanstream.stack.kafka.guard import PRINCIPALS, PROPERTIES, by_subject
from loanstream.stack.kafka.jars import KAFKA_VERSION
from schemas.access import ADMIN_NAME
from schemas.topics import RECORD_MAX_BYTES
from tests.compose.files import Files

BROKERS = ("kafka-1", "kafka-2", "kafka-3")
NOT_PROPERTIES = {"KAFKA_HEAP_OPTS", "KAFKA_LOG4J_OPTS", "KAFKA_OPTS"}
"""What the image takes for itself (`Constants` of its KafkaDockerWrapper)."""
TOPIC_DEFAULTS = {
    # a topic's setting, and the broker's setting that a topic has where it says nothing
    "min.insync.replicas": "min.insync.replicas",
    "unclean.leader.election.enable": "unclean.leader.election.enable",
    "max.message.bytes": "message.max.bytes",
    COPIES: "default.replication.factor",
}


def properties(broker: str) -> dict[str, str]:
    """`server.properties` as the image makes it of its variables."""
    environment = Files.shipped().services[broker]["environment"]
    mine = {name: value for name, value in environment.items() if name.startswith("KAFKA_")}
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in mine.items()
        if name not in NOT_PROPERTIES
    }


def losses(found: Mapping[str, str]) -> list[str]:
    """What `install` would say of a cluster of such brokers, and of a topic that somebody else makes there."""
    topic = {name: found[source] for name, source in TOPIC_DEFAULTS.items() if source in found}
    return told([("a broker", OF_BROKERS, found), ("a topic", (*OF_NEW_TOPICS, *OF_TOPICS), topic)])


@pytest.mark.parametrize("broker", BROKERS)
def test_no_record_is_lost_with_these_brokers(broker: str) -> None:
    """Install's own table finds nothing to refuse, and no row of it is left to a default that may change."""
    found = properties(broker)
    assert losses(found) == []
    assert {row.setting for row in OF_BROKERS} <= found.keys()
    assert set(TOPIC_DEFAULTS.values()) <= found.keys()


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *((row.setting, "1") for row in OF_BROKERS),
        ("min.insync.replicas", str(SAFE_COPIES - 1)),
        ("default.replication.factor", str(USUAL_COPIES - 1)),
        ("unclean.leader.election.enable", "true"),
        ("message.max.bytes", str(RECORD_MAX_BYTES - 1)),
    ],
)
def test_a_broker_that_loses_records_is_seen(setting: str, value: str) -> None:
    """One such setting in the compose file, and the table names it."""
    assert len(losses(properties("kafka-1") | {setting: value})) == 1


def test_there_are_as_many_brokers_as_copies() -> None:
    """A topic has its three copies at once, and stays writable while one broker is away."""
    services = Files.shipped().services
    assert tuple(name for name in services if services[name]["image"].startswith("apache/kafka:")) == BROKERS
    assert len(BROKERS) == USUAL_COPIES > SAFE_COPIES
    assert [properties(broker)["node.id"] for broker in BROKERS] == ["1", "2", "3"]
    voters = ",".join(f"{n}@{broker}:9093" for n, broker in enumerate(BROKERS, 1))
    assert {properties(broker)["controller.quorum.voters"] for broker in BROKERS} == {voters}


def test_the_brokers_run_the_kafka_that_the_tests_run() -> None:
    """The image's version is that of the embedded broker's jars."""
    (version,) = {Files.shipped().services[broker]["image"].partition(":")[2] for broker in BROKERS}
    assert version == KAFKA_VERSION


@pytest.mark.parametrize("broker", BROKERS)
def test_a_broker_is_guarded_as_the_embedded_one_is(broker: str) -> None:
    """Listeners, rights and tokens are the embedded broker's; super users are the brokers and the operator alone."""
    found = properties(broker)
    expected = dict(PROPERTIES) | {
        "super.users": ";".join(by_subject(name) for name in (*BROKERS, ADMIN_NAME)),
    }
    assert {name: found.get(name) for name in expected} == expected


def test_the_listener_for_tokens_believes_this_keycloak_alone() -> None:
    """Keys come from the address that the JVM is allowed to ask; the issuer is what Keycloak calls itself outside."""
    services = Files.shipped({"PUBLIC_HOST": "bank.example"}).services
    for broker in BROKERS:
        environment = services[broker]["environment"]
        keys = environment["KAFKA_SASL_OAUTHBEARER_JWKS_ENDPOINT_URL"]
        assert f"allowed.urls={keys} " in environment["KAFKA_OPTS"]
        assert keys == services["gateway"]["environment"]["LOANSTREAM_GATEWAY_JWKS_URI"]
        issuer = environment["KAFKA_SASL_OAUTHBEARER_EXPECTED_ISSUER"]
        assert issuer == f"{services['keycloak']['environment']['KC_HOSTNAME']}/realms/loanstream"
        assert issuer == services["gateway"]["environment"]["LOANSTREAM_GATEWAY_ISSUER"]
        assert "bank.example" in issuer


def test_clients_find_each_broker_from_outside() -> None:
    """What a broker says it is called for banks is a port of this machine that leads to it."""
    services = Files.shipped({"PUBLIC_HOST": "bank.example"}).services
    for broker in BROKERS:
        advertised = services[broker]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
        (port,) = services[broker]["ports"]
        outside, inside = port.split(":")
        assert advertised == f"INTERNAL://{broker}:9094,OAUTH://bank.example:{outside}"
        assert f"OAUTH://:{inside}" in services[broker]["environment"]["KAFKA_LISTENERS"]


def test_everybody_is_called_by_his_certificate() -> None:
    """Install grants rights to the names that the certificates give."""
    environment = Files.shipped().services["install"]["environment"]
    settings = load({"LOANSTREAM_KAFKA_PRINCIPALS": environment["LOANSTREAM_KAFKA_PRINCIPALS"]})
    assert settings.kafka_principals == dict(PRINCIPALS)
    assert set(settings.kafka_principals.values()) <= {by_subject(service.name) for service in SERVICES.values()}


def test_a_row_that_is_not_named_cannot_break() -> None:
    """Which is why each row's setting has to be named above."""
    never = Demand("anything", "more", lambda _: False, "all")
    assert list(broken([never], {})) == []
