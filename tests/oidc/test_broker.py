"""A broker that believes Keycloak's tokens, by an issuer and an address of keys: settings, and no code for it."""

import time
from collections.abc import Iterator

import pytest
from confluent_kafka import KafkaError, Producer

from loanstream.install import grants, topics
from loanstream.installation import Installation
from loanstream.settings import environment_of, load
from loanstream.stack.kafka.broker import EmbeddedKafka
from loanstream.stack.kafka.guard import PRINCIPALS, Guard, by_token
from loanstream.stack.pki import Pki
from tests.oidc.keycloak import Keycloak

BANKS = ("bank-a", "bank-b")
REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED
NOT_BELIEVED = KafkaError._AUTHENTICATION


@pytest.fixture(scope="module")
def broker(keycloak: Keycloak, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """Guarded by Keycloak's keys, with the topics and rights of two banks."""
    root = tmp_path_factory.mktemp("guarded")
    pki = Pki(root / "keys", root / "tls")
    pki.make()
    guard = Guard(pki, root / "jwks.json", keycloak.issuer(), keycloak.jwks_uri())
    with EmbeddedKafka(root / "kafka", guard) as started:
        values = {
            "kafka_bootstrap": started.bootstrap,
            "kafka_admin_security": started.security,
            "kafka_principals": PRINCIPALS,
            "tenants": BANKS,
        }
        grants.make(Installation(load(environment_of(values))))
        topics.provision(started.bootstrap, BANKS, started.security)
        yield started


def _sent(keycloak: Keycloak, broker: EmbeddedKafka, bank: str, realm: str = "loanstream") -> int | None:
    """What bank-a's producer hears when it sends to a bank's topic: a code of Kafka's, None where it is confirmed."""
    assert broker.guard is not None
    heard: list[int] = []
    told: list[int | None] = []
    settings = by_token(
        broker.oauth,
        broker.guard.pki.ca,
        keycloak.token_endpoint(realm),
        "bank-a-producer",
        keycloak.secrets["bank-a-producer"],
    )
    producer = Producer(
        settings | {"message.timeout.ms": 15_000, "log_level": 0, "error_cb": lambda error: heard.append(error.code())}
    )

    def reported(error: KafkaError | None, _: object) -> None:
        told.append(None if error is None else error.code())

    producer.produce(f"loan.applications.v1.{bank}", b"{}", on_delivery=reported)
    until = time.monotonic() + 30
    while not told and time.monotonic() < until:
        producer.poll(0.1)
    producer.purge()
    producer.flush(5)
    return NOT_BELIEVED if told[0] is not None and NOT_BELIEVED in heard else told[0]


def test_a_bank_writes_its_own_topic_and_no_other(keycloak: Keycloak, broker: EmbeddedKafka) -> None:
    """The client's id is the principal, and the table of access decides."""
    assert _sent(keycloak, broker, "bank-a") is None
    assert _sent(keycloak, broker, "bank-b") == REFUSED


def test_a_token_of_another_realm_is_not_believed(keycloak: Keycloak, broker: EmbeddedKafka) -> None:
    """The same server, the same client, other keys and another issuer."""
    assert _sent(keycloak, broker, "bank-a", "stranger") == NOT_BELIEVED


def test_a_rotation_of_its_keys_is_survived(keycloak: Keycloak, broker: EmbeddedKafka) -> None:
    """A token of the new key is believed within the client's own retries, and nothing has to be told to the broker."""
    keycloak.rotate()
    assert _sent(keycloak, broker, "bank-a") is None
