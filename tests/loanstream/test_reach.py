"""Whether Kafka and the warehouse can be reached, told within seconds and by the setting that matters."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaException

from loanstream import reach
from loanstream.cli.main import main
from loanstream.installation import Installation
from loanstream.reach import Fault, kafka_fault, operator, producer, warehouse_fault, worker, writer_fault
from loanstream.settings import SETTINGS, load
from loanstream.stack.pki import AUTH, Pki
from loanstream.worker import _tell_what_is_wrong
from schemas.problem import Problem
from stores.keys import KeyFiles

BOOTSTRAP, SECURITY, ADMIN = (f"LOANSTREAM_KAFKA_{name}" for name in ("BOOTSTRAP", "SECURITY", "ADMIN_SECURITY"))
URL, WRITER = "LOANSTREAM_WAREHOUSE_URL", "LOANSTREAM_WAREHOUSE_WRITER"


EXAMPLE = Path(__file__).resolve().parents[2] / "schemas" / "examples" / "loan.application.submitted.json"


def described(**settings: str) -> Installation:
    return Installation(load(settings))


def operator_of(**settings: str):
    return operator(described(**settings))


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
    fault = kafka_fault(operator_of(**{BOOTSTRAP: "127.0.0.1:1,127.0.0.1:2,[::1]:1"}))
    assert str(fault) == f"{BOOTSTRAP}: 127.0.0.1:1,127.0.0.1:2,[::1]:1 takes no connections"
    assert time.monotonic() - began < 1.5


def test_a_broker_that_hangs_is_told_within_seconds(mute):
    """It takes connections, as a stopped process does."""
    began = time.monotonic()
    assert str(kafka_fault(operator_of(**{BOOTSTRAP: mute}))) == (
        f"{ADMIN}, {BOOTSTRAP}: {mute} takes connections, but does not answer within 3 s: "
        "it hangs, or expects other security"
    )
    assert time.monotonic() - began < 5.5


@pytest.fixture(scope="module")
def guarded(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """A listener that speaks TLS alone and wants to see a client's certificate, and the file of who signs its own."""
    state = tmp_path_factory.mktemp("guarded")
    pki = Pki(state / "keys", state / "tls")
    pki.make()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.leaf(AUTH))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(pki.ca)
    server = socket.create_server(("127.0.0.1", 0))

    def greet(client: socket.socket) -> None:
        with client, suppress(OSError):
            context.wrap_socket(client, server_side=True).recv(1)

    def answer() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=greet, args=server.accept()[:1], daemon=True).start()

    threading.Thread(target=answer, daemon=True).start()
    yield f"127.0.0.1:{server.getsockname()[1]}", str(pki.ca)
    server.shutdown(socket.SHUT_RDWR)
    server.close()


SPEAKS_TLS = "speaks TLS, and security.protocol is neither SSL nor SASL_SSL"
WANTS_A_CERTIFICATE = "asks for a certificate of the client, and gets none that it trusts"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (None, SPEAKS_TLS),
        ({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "a"}, SPEAKS_TLS),
        ({"security.protocol": "SSL"}, WANTS_A_CERTIFICATE),
    ],
    ids=["no security", "none on the wire", "no certificate"],
)
@pytest.mark.parametrize(
    ("who", "variable"),
    [
        (operator, ADMIN),
        (worker, SECURITY),
        (lambda here: producer(here, "bank-a"), "LOANSTREAM_KAFKA_PRODUCER_SECURITY"),
    ],
    ids=["operator", "worker", "producer"],
)
def test_security_that_is_missing_is_no_dead_network(guarded, given, told, who, variable):
    """Whoever asks: one line within seconds with the address, and with the variable that holds his security."""
    place, ca = guarded
    settings = {BOOTSTRAP: place}
    if given is not None:
        own = given | {"ssl.ca.location": ca, "sasl.password": "hunter2"}
        settings[variable] = json.dumps({"bank-a": own} if who not in {operator, worker} else own)
    elif variable not in {ADMIN, SECURITY}:
        variable = ADMIN  # without settings of its own a bank's producer is the operator
    began = time.monotonic()
    fault = kafka_fault(who(described(**settings)))
    assert str(fault) == f"{variable}, {BOOTSTRAP}: {place} {told}"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "arguments",
    [("history",), ("reconcile",), ("dlq", "list"), ("rollback", "--reason", "a test"), ("submit", str(EXAMPLE))],
    ids=" ".join,
)
def test_a_command_tells_missing_security_within_seconds(guarded, arguments, tmp_path, monkeypatch, capsys):
    """No command of Kafka's waits until a client has given up."""
    KeyFiles(tmp_path).make_column()
    settings = {BOOTSTRAP: guarded[0], "LOANSTREAM_TENANTS": "bank-a", URL: "http://127.0.0.1:1"}
    settings |= {"LOANSTREAM_KEYS": str(tmp_path), "LOANSTREAM_ARTEFACTS_URL": tmp_path.as_uri()}
    for row in SETTINGS:
        monkeypatch.delenv(row.variable, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    began = time.monotonic()
    assert main(arguments) == 1
    assert capsys.readouterr().err == f"loanstream: {ADMIN}, {BOOTSTRAP}: {guarded[0]} {SPEAKS_TLS}\n"
    assert time.monotonic() - began < 8


def test_a_worker_says_at_its_start_what_is_wrong_with_its_security(guarded, monkeypatch, caplog):
    """One line in its log, with both variables; a stack's own worker, whose broker is there, does not look."""
    here = described(**{BOOTSTRAP: guarded[0]})
    _tell_what_is_wrong(here, here.settings)
    assert caplog.messages == [f"{SECURITY}, {BOOTSTRAP}: {guarded[0]} {SPEAKS_TLS}"]
    own = described(**{BOOTSTRAP: guarded[0], "LOANSTREAM_WAIT_FOR": "/tmp"})
    _tell_what_is_wrong(own, own.settings)
    assert len(caplog.messages) == 1


@pytest.mark.parametrize(("given", "told"), [(SECURITY, SECURITY), (ADMIN, ADMIN)])
def test_a_server_without_tls_is_told_by_the_security_settings(rude, given, told):
    """Those of the operator, or the workers' where he has none of his own."""
    fault = kafka_fault(operator_of(**{BOOTSTRAP: rude, given: '{"security.protocol": "SSL"}'}))
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
            self.heard(SimpleNamespace(name=lambda: "_AUTHENTICATION", str=lambda: "not hunter2"))

    monkeypatch.setattr(reach, "AdminClient", Refused)
    fault = kafka_fault(operator_of(**{BOOTSTRAP: mute, ADMIN: '{"sasl.password": "hunter2"}'}))
    assert str(fault) == f"{ADMIN}, {BOOTSTRAP}: {mute} refuses the credentials"


def test_a_broker_that_comes_back_in_time_is_waited_for(monkeypatch):
    """A sender need not know of a restart; other faults are told at once, and one that lasts at its end."""
    away, refused = Fault("k:1 takes no connections", ("X",)), Fault("k:1 refuses the credentials", ("X",))
    for told, patience_s, raises in (([away, away, None], 5, False), ([refused], 5, True), ([away, away], 0, True)):
        answers = iter(told)
        monkeypatch.setattr(reach, "kafka_fault", lambda _, answers=answers: next(answers))
        monkeypatch.setattr(reach.time, "sleep", lambda _: None)
        with pytest.raises(Problem, match=r"X: k:1") if raises else nullcontext():
            reach.need_kafka(SimpleNamespace(), patience_s)


def test_a_token_that_is_refused_once_is_no_fault(mute, monkeypatch):
    """While keys are rotated a good one is refused for a moment; the next attempt gets in."""

    class Rotating:
        asked = 0

        def __init__(self, settings, logger):
            self.heard = settings["error_cb"]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def list_topics(self, timeout):
            self.asked += 1
            if self.asked < 3:
                raise KafkaException(SimpleNamespace(name=lambda: "_TRANSPORT"))
            return SimpleNamespace(brokers={1: "here"})

        def poll(self, _):
            self.heard(SimpleNamespace(name=lambda: "_AUTHENTICATION", str=lambda: "unknown key"))

    monkeypatch.setattr(reach, "AdminClient", Rotating)
    assert kafka_fault(operator_of(**{BOOTSTRAP: mute, ADMIN: '{"security.protocol": "SASL_SSL"}'})) is None


@pytest.mark.parametrize("setting", ["security.protocol", "no.such.setting"])
def test_settings_that_librdkafka_does_not_take_are_named_without_their_value(mute, setting):
    """The name is enough; the value may be a secret."""
    fault = kafka_fault(operator_of(**{BOOTSTRAP: mute, SECURITY: f'{{"{setting}": "hunter2"}}'}))
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
