"""Who is refused at the guarded broker, by what a client sees and by what is in the log afterwards."""

import base64
import hashlib
import hmac
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from confluent_kafka.admin._acl import AclBinding, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from joserfc import jwt
from joserfc.jwk import ECKey

from loanstream.dlq.post import KafkaPost
from loanstream.doctor import look_at
from loanstream.install import grants, topics
from loanstream.installation import Installation
from loanstream.reach import kafka_fault, operator
from loanstream.settings import environment_of, load
from loanstream.sight import need_sight, sight_fault
from loanstream.stack.kafka.broker import EmbeddedKafka
from loanstream.stack.kafka.guard import (
    AUDIENCE,
    OAUTH_CONNECTIONS,
    PRINCIPALS,
    Guard,
    by_subject,
)
from loanstream.stack.pki import CLIENT, Pki
from loanstream.stack.probe import page
from loanstream.worker import _free_port as free_port
from registry.publish import activations, send
from schemas.access import BANKS_KINDS, CLUSTER, access, principal_of, stage_principal
from schemas.operations import Activation
from schemas.problem import Problem
from schemas.stages import STAGES
from schemas.topics import TOPICS
from stores.keys import KeyFiles
from stores.private_files import write_private
from stores.topics import KafkaTopics

BANKS = ("bank-a", "bank-b")
ISSUER = "https://localhost:29443"
TOPIC, GROUP, TRANSACTION, CLUSTER_CODE = 29, 30, 53, 31
"""Kafka's codes for what one has no right to."""
NOT_BELIEVED = KafkaError._AUTHENTICATION
TABLE = access(BANKS)
NAMES = sorted({topic.name(bank) if topic.per_tenant else topic.name() for topic in TOPICS.values() for bank in BANKS})


class Guarded:
    """The broker, and an issuer of tokens beside it."""

    def __init__(self, broker: EmbeddedKafka, guard: Guard) -> None:
        self.broker, self.guard = broker, guard
        self.key = ECKey.generate_key("P-256", {"kid": "first"})
        self.publish(self.key)
        self.installation = self.installed(BANKS)

    def installed(self, banks: tuple[str, ...]) -> Installation:
        values = {
            "kafka_bootstrap": self.broker.bootstrap,
            "kafka_admin_security": self.broker.security,
            "kafka_principals": PRINCIPALS,
            "tenants": banks,
        }
        return Installation(load(environment_of(values)))

    def publish(self, *keys: ECKey) -> None:
        write_private(self.guard.jwks, json.dumps({"keys": [key.as_dict(private=False) for key in keys]}).encode())

    def claims(self, client_id: str | None = "bank-a-producer", **other) -> dict[str, Any]:
        now = int(time.time())
        found = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "1",
            "client_id": client_id,
            "iat": now,
            "exp": now + 300,
        } | other
        return {name: value for name, value in found.items() if value is not None}

    def token(self, client_id: str | None = "bank-a-producer", key: ECKey | None = None, kid="first", **other) -> str:
        header = {"alg": "ES256", "typ": "at+jwt", "kid": kid}
        return jwt.encode(header, self.claims(client_id, **other), key or self.key)

    def with_token(self, token: str, **other) -> dict[str, Any]:
        """Settings of a client that shows this token."""
        return {
            "bootstrap.servers": self.broker.oauth,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(self.guard.pki.ca),
            "sasl.mechanisms": "OAUTHBEARER",
            "oauth_cb": lambda _: (token, time.time() + 250),
            **QUICK,
            **other,
        }

    def as_(self, kind: str) -> dict[str, Any]:
        """Settings of a kind of the table of access."""
        if kind.startswith(("producer:", "consumer:")):
            return self.with_token(self.token(principal_of(kind)))
        return {"bootstrap.servers": self.broker.bootstrap, **self.guard.client(principal_of(kind)), **QUICK}

    def ends(self) -> dict[str, int]:
        """How many records each topic has been given."""
        consumer = Consumer({**self.installation.admin_settings, "group.id": "ends"})
        try:
            return {
                name: sum(
                    consumer.get_watermark_offsets(TopicPartition(name, number), timeout=10)[1]
                    for number in range(len(found.partitions))
                )
                for name, found in consumer.list_topics(timeout=10).topics.items()
                if name in NAMES
            }
        finally:
            consumer.close()

    def said(self) -> str:
        return self.broker.log.read_text()


QUICK = {"log_level": 0, "message.timeout.ms": 5000, "topic.metadata.propagation.max.ms": 500}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A guarded broker with the topics and the rights of two banks, and a record on each topic."""
    state = tmp_path_factory.mktemp("guarded")
    pki = Pki(state / "keys", state / "tls")
    pki.make()
    guard = Guard(pki, state / "jwks.json", ISSUER)
    guard.jwks.write_text('{"keys": []}')
    with EmbeddedKafka(state / "kafka", guard) as broker:
        made = Guarded(broker, guard)
        grants.make(made.installation)
        topics.provision(broker.bootstrap, BANKS, broker.security)
        assert set(written(made.installation.admin_settings, NAMES).values()) == {None}
        yield made


def written(settings: dict[str, Any], names: list[str]) -> dict[str, int | None]:
    """Sends a record to each topic; the code of what came of it, None for a confirmed one."""
    codes: dict[str, int | None] = {}
    producer = Producer(settings)

    def told(name: str) -> Callable[[Any, Any], None]:
        return lambda error, _: codes.update({name: None if error is None else error.code()})

    for name in names:
        producer.produce(name, b"v", b"k", on_delivery=told(name))
    assert producer.flush(20) == 0
    return codes


def read(
    settings: dict[str, Any], names: list[str], group: str, want: int = 1, within_s: float = 8
) -> tuple[set[str], set[int]]:
    """Subscribes; the topics that records came of, and the codes of errors, once so many of the two are there."""
    consumer = Consumer(
        {
            **without_deliveries(settings),
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe(names)
    came, codes = set(), set()
    until = time.monotonic() + within_s
    try:
        while len(came) + len(codes) < want and time.monotonic() < until:
            message = consumer.poll(0.2)
            if message is None:
                continue
            if message.error():
                codes.add(message.error().code())
            else:
                came.add(message.topic())
    finally:
        consumer.close()
    return came, codes


def without_deliveries(settings: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in settings.items()
        if name not in {"message.timeout.ms", "topic.metadata.propagation.max.ms"}
    }


LETTERS = (
    "applications_dlq",
    "applications_slow_dlq",
    "verifications_dlq",
    "decisions_dlq",
    "outcomes_dlq",
    "control_dlq",
    "metrics_dlq",
    "letters_handled_dlq",
)
MAY: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # kind: the rows of `schemas.topics` that it writes, and those that it reads; a bank's kinds those of their bank alone
    "producer": (("applications", "outcomes"), ()),
    "consumer": ((), ("decisions", "rejections", "outcomes")),
    "gateway": (("applications", "outcomes", "claims", "metrics"), ("decisions", "rejections", "claims", "control")),
    "stage:verify": (
        ("applications_slow", "verifications", "applications_dlq", "rejections", "metrics"),
        ("applications",),
    ),
    "stage:verify-slow": (("verifications", "applications_slow_dlq", "metrics"), ("applications_slow",)),
    "stage:score": (("decisions", "verifications_dlq", "metrics"), ("verifications", "control")),
    "stage:record": (
        (*LETTERS, "rejections", "metrics"),
        (*LETTERS, "applications", "verifications", "decisions", "outcomes", "control", "metrics", "letters_handled"),
    ),
}
"""Written down once more, and not taken from the table of access: a row too many there is a row too many at the broker."""


def names_with(kind: str, operation: str) -> set[str]:
    """The topics that a kind may write or read."""
    role, _, bank = kind.partition(":")
    banks = (bank,) if role in BANKS_KINDS else BANKS
    rows = MAY[role if role in BANKS_KINDS else kind][("WRITE", "READ").index(operation)]
    return {TOPICS[key].name(each) if TOPICS[key].per_tenant else TOPICS[key].name() for key in rows for each in banks}


KINDS = [kind for kind in TABLE if kind != "admin"]


@pytest.mark.parametrize("kind", KINDS)
def test_each_writes_what_the_table_says_and_nothing_else(guarded: Guarded, kind: str) -> None:
    """Of all topics a principal fills those that are its own; every other record is refused at once with 29 and is nowhere."""
    before = guarded.ends()
    began = time.monotonic()
    codes = written(guarded.as_(kind), NAMES)
    assert time.monotonic() - began < 4, "a refusal comes at once, not when the time for a delivery is over"
    own = names_with(kind, "WRITE")
    assert codes == {name: None if name in own else TOPIC for name in NAMES}
    after = guarded.ends()
    assert {name: after[name] - before[name] for name in NAMES} == {name: int(name in own) for name in NAMES}


@pytest.mark.parametrize("kind", KINDS)
def test_each_sees_the_topics_of_its_rows_alone(guarded: Guarded, kind: str) -> None:
    """Who asks for another one is refused with 29, whether it exists or not."""
    client = Consumer({**without_deliveries(guarded.as_(kind)), "group.id": "none"})
    try:
        seen = set(client.list_topics(timeout=10).topics)
        assert seen & set(NAMES) == names_with(kind, "READ") | names_with(kind, "WRITE")
        hidden = min(set(NAMES) - seen)
        for name in (hidden, f"{hidden}.absent"):
            assert client.list_topics(name, timeout=10).topics[name].error.code() == TOPIC
    finally:
        client.close()


@pytest.mark.parametrize("bank", BANKS)
def test_a_consumer_reads_what_is_written_for_its_bank(guarded: Guarded, bank: str) -> None:
    """In a group of its own name it gets decisions and outcomes; another bank's topic is refused with 29."""
    other = next(name for name in BANKS if name != bank)
    own = sorted(names_with(f"consumer:{bank}", "READ"))
    settings = guarded.as_(f"consumer:{bank}")
    assert read(settings, own, f"{bank}.sink", want=len(own)) == (set(own), set())
    for foreign in (f"loan.decisions.v1.{other}", f"loan.verifications.v1.{bank}", f"loan.decisions.v1.{bank}.dlq"):
        assert read(settings, [foreign], f"{bank}.sink") == (set(), {TOPIC})


def test_a_consumer_that_assigns_itself_another_banks_topic_gets_nothing(guarded: Guarded) -> None:
    """An assignment asks no coordinator: no record comes of a neighbour's topic which holds some, and the log names him.

    No error comes either: after many denials the next line comes more seldom, so the log is asked for a while.
    """
    before, until = len(guarded.said()), time.monotonic() + 60
    consumer = Consumer({**without_deliveries(guarded.as_("consumer:bank-a")), "group.id": "bank-a.sink"})
    denied = "Principal = User:bank-a-consumer is Denied"
    try:
        consumer.assign([TopicPartition("loan.decisions.v1.bank-b", number, 0) for number in range(4)])
        came = [message for message in consumer.consume(10, 3) if message.error() is None]
        while not (lines := [line for line in guarded.said()[before:].splitlines() if denied in line]):
            assert time.monotonic() < until
            came += [message for message in consumer.consume(10, 0.5) if message.error() is None]
        assert came == []
        assert any("Topic:LITERAL:loan.decisions.v1.bank-b" in line for line in lines)
    finally:
        consumer.close()


@pytest.mark.parametrize("kind", ["consumer:bank-a", "producer:bank-a", "stage:verify"])
@pytest.mark.parametrize("group", ["bank-b.sink", "bank-ab.sink", "score", "verify-slow", "nobody"])
def test_nobody_joins_a_foreign_group(guarded: Guarded, kind: str, group: str) -> None:
    """A group that is not one's own is refused with 30, whoever's it is: nobody's offsets are moved."""
    own = sorted(names_with(kind, "READ")) or ["loan.decisions.v1.bank-a"]
    assert read(guarded.as_(kind), own[:1], group) == (set(), {GROUP})


@pytest.mark.parametrize(
    ("kind", "name", "code"),
    [
        ("producer:bank-a", "bank-a.core", None),
        ("producer:bank-a", "bank-b.core", TRANSACTION),
        ("producer:bank-a", "bank-ab.core", TRANSACTION),
        ("producer:bank-a", "score-0", TRANSACTION),
        ("consumer:bank-a", "bank-a.core", TRANSACTION),
        ("stage:verify", "verify-31", None),
        ("stage:verify", "verify-slow-0", TRANSACTION),
        ("stage:verify-slow", "verify-slow-0", None),
        ("stage:verify-slow", "verify-0", TRANSACTION),
        ("stage:record", "score-0", TRANSACTION),
    ],
)
def test_nobody_takes_a_foreign_transactional_id(guarded: Guarded, kind: str, name: str, code: int | None) -> None:
    """A neighbour or another stage could fence its holder: it is refused with 53."""
    producer = Producer({**guarded.as_(kind), "transactional.id": name})
    if code is None:
        producer.init_transactions(20)
        return
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(20)
    assert refused.value.args[0].code() == code


@pytest.mark.parametrize("kind", ["producer:bank-a", "consumer:bank-a", "stage:score"])
def test_nobody_but_the_operator_changes_the_broker(guarded: Guarded, kind: str) -> None:
    """Making and deleting topics is refused with 29, making rights for oneself with 31; ACLs are not shown."""
    with AdminClient(without_deliveries(guarded.as_(kind))) as admin:
        asked = {
            "create": admin.create_topics([NewTopic("loan.applications.v1.bank-a.mine", 1, 1)]),
            "delete": admin.delete_topics(["loan.applications.v1.bank-a"]),
            "grant": admin.create_acls([_everything(f"User:{principal_of(kind)}")]),
        }
        codes = {}
        for name, futures in asked.items():
            for future in futures.values():
                with pytest.raises(KafkaException) as refused:
                    future.result(10)
                codes[name] = refused.value.args[0].code()
        assert codes == {"create": TOPIC, "delete": TOPIC, "grant": CLUSTER_CODE}
        with pytest.raises(Problem, match="does not let the operator see and make ACLs"):
            grants._held(admin)
    with AdminClient(guarded.installation.admin_settings) as admin:
        assert "loan.applications.v1.bank-a" in admin.list_topics(timeout=10).topics
    assert grants.change(guarded.installation) == grants.NONE


def _everything(principal: str) -> AclBinding:
    return AclBinding(
        ResourceType.BROKER,
        CLUSTER,
        ResourcePatternType.LITERAL,
        principal,
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )


def _unsigned(guarded: Guarded) -> str:
    parts = [json.dumps({"alg": "none", "kid": "first"}).encode(), json.dumps(guarded.claims()).encode(), b""]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _signed_with_the_public_key(guarded: Guarded) -> str:
    """HS256 with what everybody knows as its secret."""
    header = json.dumps({"alg": "HS256", "kid": "first"}).encode()
    said = ".".join(
        base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, json.dumps(guarded.claims()).encode())
    )
    made = hmac.new(guarded.key.as_pem(private=False), said.encode(), hashlib.sha256).digest()
    return f"{said}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


TOKENS: dict[str, Callable[[Guarded], str]] = {
    "expired": lambda guarded: guarded.token(exp=int(time.time()) - 60),
    "without an end": lambda guarded: guarded.token(exp=None),
    "for somebody else": lambda guarded: guarded.token(aud="loanstream-gateway"),
    "for nobody": lambda guarded: guarded.token(aud=None),
    "of another issuer": lambda guarded: guarded.token(iss="https://localhost:1"),
    "without an issuer": lambda guarded: guarded.token(iss=None),
    "of no client": lambda guarded: guarded.token(None),
    "signed by another key of that name": lambda guarded: guarded.token(key=ECKey.generate_key("P-256")),
    "of an unknown key": lambda guarded: guarded.token(kid="none", key=ECKey.generate_key("P-256")),
    "unsigned": _unsigned,
    "signed with the public key": _signed_with_the_public_key,
    "not yet good": lambda guarded: guarded.token(nbf=int(time.time()) + 120),
    "no token at all": lambda _: "opaque-" + "x" * 60,
}


def refusal(settings: dict[str, Any], within_s: float = 5) -> int | None:
    """The code a client is told while it tries to log in; None where it gets in."""
    told: list[int] = []
    client = Producer({**settings, "error_cb": lambda error: told.append(error.code())})
    until = time.monotonic() + within_s
    while not told and time.monotonic() < until:
        try:
            client.list_topics(timeout=0.2)
        except KafkaException:
            client.poll(0.1)
        else:
            return None
    return told[0] if told else KafkaError._TIMED_OUT


@pytest.mark.parametrize("what", TOKENS)
def test_a_token_that_proves_nothing_is_refused(guarded: Guarded, what: str) -> None:
    """Its client is told so within a second or two; the log has one line a try, with the reason, and no token."""
    before = len(guarded.said())
    token = TOKENS[what](guarded)
    assert refusal(guarded.with_token(token)) == NOT_BELIEVED
    lines = guarded.said()[before:].splitlines()
    assert lines
    assert all(" OAuthBearerValidatorCallbackHandler " in line and "-OAUTH-SASL_SSL-" in line for line in lines), lines
    assert not any(part in line for line in lines for part in token.split(".") if len(part) > 20)
    assert not any("claims->" in line or "\tat " in line for line in lines)


def test_the_log_names_whose_token_was_refused(guarded: Guarded) -> None:
    """Of a token whose signature was good its client stands there, and what was wrong."""
    before = len(guarded.said())
    assert refusal(guarded.with_token(guarded.token("bank-b-producer", exp=1))) == NOT_BELIEVED
    assert "of client bank-b-producer rejected" in guarded.said()[before:]
    assert "no longer valid" in guarded.said()[before:]


@pytest.mark.parametrize(
    "alg",
    [
        '(claims->"client_id":"a"' * 400,
        "(claims->" * 1000,
        "(claims->) rejected" * 500,
        "(" * 9000,
        "ab." * 3000,
        "x\n" * 4500,
    ],
    ids=["clients", "claims", "rejections", "brackets", "a run of letters", "lines"],
)
def test_no_token_keeps_the_broker_from_the_next_client(guarded: Guarded, alg: str) -> None:
    """Whatever a client without any proof makes the log repeat, its line is written and a good token gets in at once."""
    before, began = len(guarded.said()), time.monotonic()
    parts = [json.dumps({"alg": alg}).encode(), json.dumps(guarded.claims()).encode(), b"none"]
    token = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
    assert refusal(guarded.with_token(token)) == NOT_BELIEVED
    assert refusal(guarded.with_token(guarded.token())) is None
    assert time.monotonic() - began < 4
    assert all(len(line) < 700 for line in guarded.said()[before:].splitlines())


def _take(guarded: Guarded, transactional_id: str) -> None:
    with pytest.raises(KafkaException):
        Producer({**guarded.as_("producer:bank-a"), "transactional.id": transactional_id}).init_transactions(20)


def _allow_himself_everything(guarded: Guarded) -> None:
    asked = _everything("User:bank-a-producer")
    with AdminClient(without_deliveries(guarded.as_("producer:bank-a"))) as admin, pytest.raises(KafkaException):
        admin.create_acls([asked])[asked].result(10)


DENIED: dict[str, tuple[Callable[[Guarded], Any], str, str]] = {
    # of what: who tries it, as whom, what the line names
    "topic": (
        lambda guarded: written(guarded.as_("producer:bank-a"), ["loan.applications.v1.bank-b"]),
        "bank-a-producer",
        "Topic:LITERAL:loan.applications.v1.bank-b",
    ),
    "group": (
        lambda guarded: read(guarded.as_("consumer:bank-a"), ["loan.decisions.v1.bank-a"], "bank-b.sink"),
        "bank-a-consumer",
        "Group:LITERAL:bank-b.sink",
    ),
    "transactional id": (
        lambda guarded: _take(guarded, "bank-b.core"),
        "bank-a-producer",
        "TransactionalId:LITERAL:bank-b.core",
    ),
    "cluster": (_allow_himself_everything, "bank-a-producer", "Cluster:LITERAL:kafka-cluster"),
}


@pytest.mark.parametrize("what", DENIED)
def test_the_log_names_who_was_denied_what(guarded: Guarded, what: str) -> None:
    """A denial is one line with principal, operation, and the topic, group or transactional id."""
    attempt, name, resource = DENIED[what]
    lines = said_after(guarded, lambda: attempt(guarded), resource)
    assert all(f"Principal = User:{name} is Denied operation = " in line for line in lines)


def said_after(guarded: Guarded, attempt: Callable[[], Any], what: str) -> list[str]:
    """The lines that the log has of it: after many refusals the next are told more seldom, so it is tried again."""
    before, until = len(guarded.said()), time.monotonic() + 60
    while not (lines := [line for line in guarded.said()[before:].splitlines() if what in line]):
        assert time.monotonic() < until, guarded.said()[before:]
        attempt()
        time.sleep(0.2)
    return lines


def test_a_good_token_gets_in(guarded: Guarded) -> None:
    """What the refused ones differ from."""
    assert refusal(guarded.with_token(guarded.token())) is None


def test_a_clients_name_makes_nobody_an_operator(guarded: Guarded) -> None:
    """A client that is called what the operator, the broker or a stage is has no right of theirs."""
    for name in ("platform-admin", "broker", stage_principal("score")):
        assert written(guarded.with_token(guarded.token(name)), ["loan.decisions.v1.bank-a"]) == {
            "loan.decisions.v1.bank-a": TOPIC
        }


def test_an_old_key_is_refused_and_a_new_one_believed_at_once(guarded: Guarded) -> None:
    """After a rotation a token of the key that was taken away is worth nothing, one of the new key lets in."""
    old, new = guarded.key, ECKey.generate_key("P-256", {"kid": "second"})
    try:
        guarded.publish(old, new)
        assert refusal(guarded.with_token(guarded.token(key=new, kid="second"))) is None
        assert refusal(guarded.with_token(guarded.token())) is None
        guarded.publish(new)
        assert refusal(guarded.with_token(guarded.token())) == NOT_BELIEVED
        assert refusal(guarded.with_token(guarded.token(key=new, kid="second"))) is None
    finally:
        guarded.publish(old)


ASKED_PLAINLY = bytes.fromhex("0000000a 0012 0000 5ea1edd0 ffff")
"""Kafka's first question, which versions there are (its length, 18, version 0, a number that the answer repeats, no name):
a listener without TLS answers it before anybody has proved anything.
"""


def answer_to(sent: bytes, address: str) -> bytes:
    """The first bytes that come back on a connection without TLS."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as plain:
        plain.sendall(sent)
        try:
            return plain.recv(4096)
        except ConnectionError:
            return b""


def test_nothing_gets_in_without_tls(guarded: Guarded) -> None:
    """A plaintext client gets no answer at either port, and leaves nothing; the log says from where it came."""
    before = guarded.ends()
    for address in (guarded.broker.bootstrap, guarded.broker.oauth):
        assert ASKED_PLAINLY[8:12] not in answer_to(ASKED_PLAINLY, address)
        lines = said_after(guarded, partial(answer_to, ASKED_PLAINLY, address), "SSL handshake failed")
        assert all("with /127.0.0.1 " in line for line in lines)
        settings = {"bootstrap.servers": address, **QUICK, "message.timeout.ms": 1500}
        assert written(settings, ["loan.applications.v1.bank-a"]) != {"loan.applications.v1.bank-a": None}
    assert guarded.ends() == before


@pytest.mark.parametrize("place", ["internal", "controller"])
def test_the_inner_listeners_take_nobody_without_a_certificate_of_ours(
    guarded: Guarded, place: str, tmp_path: Path
) -> None:
    """No certificate, or one of another CA, ends the handshake."""
    other = Pki(tmp_path / "keys", tmp_path / "tls")
    other.make()
    properties = dict(
        line.split("=", 1) for line in (guarded.broker.directory / "server.properties").read_text().splitlines()
    )
    listening = dict(part.lower().split("://") for part in properties["listeners"].split(","))
    for leaf, gets_in in (
        (None, False),
        (other.leaf("platform-admin"), False),
        (guarded.guard.pki.leaf("broker"), True),
    ):
        assert handshake(listening[place], guarded.guard.pki.ca, leaf) is gets_in


def handshake(address: str, ca: Path, leaf: Path | None) -> bool:
    """Whether the server goes on after the handshake. (In TLS 1.3 a refused certificate is told with the first read.)"""
    host, _, port = address.partition(":")
    context = ssl.create_default_context(cafile=ca)
    if leaf is not None:
        context.load_cert_chain(leaf)
    try:
        with (
            socket.create_connection((host, int(port)), 5) as raw,
            context.wrap_socket(raw, server_hostname=host) as secured,
        ):
            secured.settimeout(0.5)
            return secured.recv(1) != b""
    except TimeoutError:
        return True  # it waits for a request
    except OSError:
        return False


def test_a_certificate_is_no_token_and_a_token_no_certificate(guarded: Guarded) -> None:
    """Each listener takes its own kind of proof: the operator's certificate opens no door at OAUTH, a token none inside."""
    by_certificate = {**guarded.as_("stage:score"), "bootstrap.servers": guarded.broker.oauth}
    assert refusal(by_certificate, within_s=3) is not None
    by_token = guarded.with_token(guarded.token(), **{"bootstrap.servers": guarded.broker.bootstrap})
    assert refusal(by_token, within_s=3) is not None


def test_idle_connections_at_one_listener_leave_the_others_theirs(guarded: Guarded) -> None:
    """Whoever fills the listener for tokens without proving anything keeps no stage out, and when he goes banks are back;
    whoever holds as many at the stages' own keeps no bank out, and no stage.
    """
    bank, stage = guarded.with_token(guarded.token()), guarded.as_("stage:score")
    with connections(guarded.broker.oauth, OAUTH_CONNECTIONS + 8):
        assert refusal(bank, within_s=2) is not None
        assert refusal(stage) is None
    assert refusal(bank) is None
    with connections(guarded.broker.bootstrap, OAUTH_CONNECTIONS + 8):
        assert refusal(bank) is None
        assert refusal(stage) is None


@contextmanager
def connections(address: str, many: int) -> Iterator[None]:
    """So many connections that say one byte, and then nothing."""
    host, _, port = address.rpartition(":")
    held = []
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(few, many + 512), most))
    try:
        for _ in range(many):
            held.append(socket.create_connection((host, int(port)), timeout=10))
            held[-1].send(b"\x16")
        yield
    finally:
        for each in held:
            each.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))


def test_a_broker_of_another_ca_is_not_believed(guarded: Guarded, tmp_path: Path) -> None:
    """A client with the stack's CA talks to nobody else: one with another CA does not talk to the broker."""
    other = Pki(tmp_path / "keys", tmp_path / "tls")
    other.make()
    settings = guarded.with_token(guarded.token(), **{"ssl.ca.location": str(other.ca)})
    assert refusal(settings) == KafkaError._SSL


def test_rights_follow_the_table(guarded: Guarded) -> None:
    """A bank that is served no more loses its rights at once, on open connections too; the rest and others' stay."""
    open_producer = Producer(guarded.as_("producer:bank-b"))
    codes: list[int | None] = []

    def send() -> int | None:
        open_producer.produce(
            "loan.applications.v1.bank-b", b"v", on_delivery=lambda error, _: codes.append(error and error.code())
        )
        open_producer.flush(10)
        return codes[-1]

    foreign = AclBinding(
        ResourceType.TOPIC,
        "payments.v1",
        ResourcePatternType.LITERAL,
        "User:bank-b-producer",
        "*",
        AclOperation.READ,
        AclPermissionType.ALLOW,
    )
    left = access(("bank-a",), ("bank-b",))
    losers = {
        guarded.installation.principal(kind) for kind, rows in TABLE.items() if set(rows) - set(left.get(kind, ()))
    }
    assert {"User:bank-b-producer", "User:bank-b-consumer"} <= losers
    with AdminClient(guarded.installation.admin_settings) as admin:
        admin.create_acls([foreign])[foreign].result(10)
    assert send() is None
    try:
        done = grants.make(guarded.installed(("bank-a",)))
        assert done.lacking == ()
        assert {held.principal for held in done.stale} == losers
        assert send() == TOPIC
        assert written(guarded.as_("stage:score"), ["loan.decisions.v1.bank-b"]) == {"loan.decisions.v1.bank-b": None}
        with AdminClient(guarded.installation.admin_settings) as admin:
            held = grants._held(admin)
        assert ("User:bank-b-producer", "payments.v1") in {(one.principal, one.grant.name) for one in held}
    finally:
        assert {held.principal for held in grants.make(guarded.installation).lacking} == losers
    assert grants.change(guarded.installation) == grants.NONE


def test_every_stage_has_a_certificate_of_its_own(guarded: Guarded) -> None:
    """No two stages share one, so that what one may do none of the others can."""
    leaves = {guarded.guard.pki.leaf(stage_principal(stage)).read_bytes() for stage in STAGES}
    assert len(leaves) == len(STAGES)


def test_an_operator_with_the_rights_of_his_rows_installs_and_looks_after(guarded: Guarded) -> None:
    """Who is no super user makes another bank ready, publishes what decides, keeps letters, and finds all well."""
    pki = guarded.guard.pki
    pki._make_leaf("operator", (CLIENT,), pki._authority())
    values = {
        "kafka_bootstrap": guarded.broker.bootstrap,
        "kafka_admin_security": guarded.guard.client("operator"),
        "kafka_principals": {**PRINCIPALS, "admin": by_subject("operator")},
        "tenants": (*BANKS, "bank-c"),
    }
    here = Installation(load(environment_of(values)))
    with pytest.raises(Problem, match=r"does not let the operator see and make ACLs.*--leave-grants"):
        grants.change(here)
    assert "may not see topic" in sight_fault(here).said
    first = Installation(here.settings.model_copy(update={"kafka_admin_security": guarded.broker.security}))
    grants.make(first)
    assert grants.make(here).lines == []  # what the operator of before still holds is told, and left
    topics.provision(here.bootstrap, here.tenants, here.security)
    assert topics.missing(here.admin_settings, here.tenants) == []
    assert list(topics.without_offset(here.admin_settings, here.tenants)) == []
    example = Path(__file__).resolve().parents[2] / "schemas" / "examples" / "loan.activation.published.json"
    send(here.bootstrap, here.security, Activation.model_validate_json(example.read_bytes()))
    assert len(activations(here.bootstrap, here.security)) == 1
    post = KafkaPost(here.bootstrap, here.security)
    post.open()
    post.close()
    assert [
        look(here)[0]
        for look in (look_at.kafka, look_at.operators_sight, look_at.topics, look_at.rights, look_at.clocks)
    ] == [True] * 5
    with closing(KafkaTopics(here.bootstrap, here.security)) as reader:
        assert {topic for topic, _ in reader.bounds(NAMES)} == set(NAMES)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stages_account_is_no_operators(guarded: Guarded, stage: str) -> None:
    """Somebody else's certificate in the operator's place is told as that within seconds, and no topic is called absent."""
    values = {
        "kafka_bootstrap": guarded.broker.bootstrap,
        "kafka_admin_security": guarded.guard.client(stage_principal(stage)),
        "tenants": BANKS,
    }
    here = Installation(load(environment_of(values)))
    began = time.monotonic()
    assert kafka_fault(operator(here)) is None
    fault = sight_fault(here)
    assert time.monotonic() - began < 8
    assert fault is not None
    assert fault.variables == ("LOANSTREAM_KAFKA_ADMIN_SECURITY",)
    assert fault.said.startswith("the operator may not see topic ")
    with pytest.raises(Problem, match=r"the operator may not see .*access\.md"):
        need_sight(here)


def test_security_that_is_missing_is_told_at_each_listener(guarded: Guarded) -> None:
    """A client without TLS, and one without a certificate, learn what the broker's listener wants of them."""
    for own, said in (
        ({}, "speaks TLS, and security.protocol is neither SSL nor SASL_SSL"),
        (
            {"security.protocol": "SSL", "ssl.ca.location": str(guarded.guard.pki.ca)},
            "asks for a certificate of the client, and gets none that it trusts",
        ),
    ):
        values = {"kafka_bootstrap": guarded.broker.bootstrap, "kafka_admin_security": own}
        fault = kafka_fault(operator(Installation(load(environment_of(values)))))
        assert fault is not None
        assert fault.said == f"{guarded.broker.bootstrap} {said}"


def test_a_worker_without_a_right_to_its_group_says_so_and_asks_seldom(guarded: Guarded, tmp_path: Path) -> None:
    """Its readiness and its log name the refusal; the broker's log has a few lines of it, and not one a second."""
    KeyFiles(tmp_path).make_column()
    port = free_port()
    values = {
        "kafka_bootstrap": guarded.broker.bootstrap,
        "kafka_security": guarded.guard.client(stage_principal("score")),
        "tenants": BANKS,
        "warehouse_url": "http://127.0.0.1:1",
        "keys": tmp_path,
        "slots": tmp_path / "slots",
        "port": port,
    }
    command = [sys.executable, "-m", "loanstream.worker", "record"]
    with (tmp_path / "log").open("w") as log:
        worker = subprocess.Popen(command, env={**os.environ, **environment_of(values)}, stderr=log)
    try:
        until = time.monotonic() + 40
        answer = None
        while time.monotonic() < until and (answer is None or b"refuses" not in answer.body):
            time.sleep(0.2)
            answer = page(f"http://127.0.0.1:{port}/readyz")
        assert answer is not None
        assert b"the broker refuses this worker's account group record" in answer.body, answer.body
        before = guarded.said().count("record")
        time.sleep(10)
        assert guarded.said().count("record") - before < 8
        well = page(f"http://127.0.0.1:{port}/healthz")
        assert well is not None
        assert well.status == 200
        assert "group record is asked again in 4 s" in (tmp_path / "log").read_text()
    finally:
        worker.terminate()
        assert worker.wait(20) == 0
