"""Whether Kafka and the warehouse can be reached, told within seconds and by the setting that matters."""

import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaException

from loanstream import reach
from loanstream.installation import Installation
from loanstream.reach import kafka_fault, warehouse_fault, writer_fault
from loanstream.settings import load

BOOTSTRAP, SECURITY, ADMIN = (f"LOANSTREAM_KAFKA_{name}" for name in ("BOOTSTRAP", "SECURITY", "ADMIN_SECURITY"))
URL, WRITER = "LOANSTREAM_WAREHOUSE_URL", "LOANSTREAM_WAREHOUSE_WRITER"


def described(**settings: str) -> Installation:
    return Installation(load(settings))


@pytest.fixture
def rude() -> Iterator[str]:
    """The address of a server that takes connections and answers everything in another language."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                client.recv(1000)
                client.sendall(b"220 what do you want?\r\n")

    threading.Thread(target=answer, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_a_broker_that_is_down_is_told_at_once():
    """Nobody waits until a client has given up; several addresses are tried at once."""
    began = time.monotonic()
    fault = kafka_fault(described(**{BOOTSTRAP: "127.0.0.1:1,127.0.0.1:2,[::1]:1,nonsense"}))
    assert str(fault) == f"{BOOTSTRAP}: 127.0.0.1:1,127.0.0.1:2,[::1]:1,nonsense takes no connections"
    assert time.monotonic() - began < 1.5


def test_a_broker_that_hangs_is_told_within_seconds(mute):
    """It takes connections, as a stopped process does."""
    began = time.monotonic()
    assert str(kafka_fault(described(**{BOOTSTRAP: mute}))) == (
        f"{BOOTSTRAP}: {mute} takes connections, but does not answer within 3 s"
    )
    assert time.monotonic() - began < 4.5


@pytest.mark.parametrize(("given", "told"), [(SECURITY, SECURITY), (ADMIN, ADMIN)])
def test_a_server_without_tls_is_told_by_the_security_settings(rude, given, told):
    """Those of the operator, or the workers' where he has none of his own."""
    fault = kafka_fault(described(**{BOOTSTRAP: rude, given: '{"security.protocol": "SSL"}'}))
    assert fault.variables == (told, BOOTSTRAP)
    assert fault.said.endswith("does not speak TLS")


def test_credentials_that_are_refused_are_told_by_the_security_settings(mute, monkeypatch):
    """A client of Kafka tells it beside its answer, which never comes."""

    class Refused:
        def __init__(self, settings, logger):
            self.heard = settings["error_cb"]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def list_topics(self, timeout):
            time.sleep(timeout / 10)
            raise KafkaException(SimpleNamespace(name=lambda: "_TRANSPORT"))

        def poll(self, _):
            self.heard(SimpleNamespace(name=lambda: "_AUTHENTICATION"))

    monkeypatch.setattr(reach, "AdminClient", Refused)
    fault = kafka_fault(described(**{BOOTSTRAP: mute, ADMIN: '{"sasl.password": "hunter2"}'}))
    assert str(fault) == f"{ADMIN}, {BOOTSTRAP}: {mute} refuses the credentials"


@pytest.mark.parametrize("setting", ["security.protocol", "no.such.setting"])
def test_settings_that_librdkafka_does_not_take_are_named_without_their_value(mute, setting):
    """The name is enough; the value may be a secret."""
    fault = kafka_fault(described(**{BOOTSTRAP: mute, SECURITY: f'{{"{setting}": "hunter2"}}'}))
    assert str(fault) == f"{SECURITY}: librdkafka does not take {setting} as it is set"


def test_a_warehouse_that_is_down_is_told_by_its_url():
    """Once, and nobody logs in."""
    installation = described(**{URL: "http://127.0.0.1:1"})
    assert str(warehouse_fault(installation)) == f"{URL}: http://127.0.0.1:1 does not answer"
    assert writer_fault(installation) == warehouse_fault(installation)


def test_a_writer_who_does_not_get_in_is_told_by_his_settings(empty):
    """The server's own words, and the variables that hold account and password."""
    right = {URL: empty.url, WRITER: "writer", f"{WRITER}_PASSWORD": empty.passwords["writer"]}
    assert writer_fault(described(**right)) is None
    assert str(writer_fault(described(**right | {f"{WRITER}_PASSWORD": "stale"}))) == (
        f"{WRITER}, {WRITER}_PASSWORD: writer does not get in: "
        "the user or the password is wrong (AUTHENTICATION_FAILED)"
    )
