"""Downstream services on a real broker: the helper, the page's example as it stands, and settings for other clients."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer

from loanstream.install.topics import provision
from loanstream.stack.kafka import jars
from producers.decisions import DecisionConsumer
from producers.errors import PermissionRefusedError
from schemas.topics import TOPICS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "consume-decisions.md").read_text("utf-8")
(EXAMPLE,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
JAVA, LIBRDKAFKA = re.findall(r"^```properties\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
(KCAT,) = re.findall(r"^```\n(kcat .*?)^```", PAGE, re.MULTILINE | re.DOTALL)
MADE = json.loads((ROOT / "schemas" / "examples" / "loan.decision.made.json").read_text())
TENANT = "decided"
PATIENCE_S = 60.0


def until(happened):
    end = time.monotonic() + PATIENCE_S
    while not happened() and time.monotonic() < end:
        time.sleep(0.1)
    assert happened()


@pytest.fixture(scope="module")
def bare(bare_broker):
    provision(bare_broker.bootstrap, ["shares", "open-ended", "stumbles"])
    return bare_broker.bootstrap


def made(producer, tenant, name, number, revision=1):
    event = MADE | {"tenant": tenant, "application_id": name, "revision": revision}
    event["decision_id"] = f"00000000-0000-5000-8000-{number:012d}"
    producer.produce(TOPICS["decisions"].name(tenant), json.dumps(event).encode(), name)


class Service(threading.Thread):
    """A process of a downstream service, in a thread."""

    def __init__(self, bootstrap, tenant, handle):
        super().__init__(daemon=True)
        self.consumer = DecisionConsumer({"bootstrap.servers": bootstrap}, tenant, f"{tenant}.core")
        self.handle, self.stopping = handle, threading.Event()
        self.start()

    def run(self):
        with self.consumer:
            self.consumer.run(self.handle, until=self.stopping.is_set)

    def stop(self):
        self.stopping.set()
        self.join(30)
        assert not self.is_alive()


def test_processes_that_come_and_go_lose_no_decision_and_repeat_none(bare):
    """A second process joins and the first one leaves while decisions come: each is handled, and, as none of them is
    killed, once.
    """
    producer, handled = Producer({"bootstrap.servers": bare}), []
    first = Service(bare, "shares", lambda one: handled.append(("first", one.application_id)))
    names = [f"a-{number}" for number in range(300)]
    for number, name in enumerate(names[:100]):
        made(producer, "shares", name, number)
    producer.flush(30)
    until(lambda: len(handled) >= 100)
    second = Service(bare, "shares", lambda one: handled.append(("second", one.application_id)))
    for number, name in enumerate(names[100:200], 100):
        made(producer, "shares", name, number)
        producer.flush(30)
        time.sleep(0.02)
    until(lambda: {name for _, name in handled} >= set(names[:200]))
    first.stop()
    for number, name in enumerate(names[200:], 200):
        made(producer, "shares", name, number)
    producer.flush(30)
    until(lambda: {name for _, name in handled} >= set(names))
    second.stop()
    assert {who for who, _ in handled} == {"first", "second"}
    third_saw = []
    third = Service(bare, "shares", third_saw.append)
    made(producer, "shares", "a-last", 1000)
    producer.flush(30)
    until(lambda: third_saw)
    third.stop()
    assert [one.application_id for one in third_saw] == ["a-last"]
    assert len(handled) == len({name for _, name in handled})


def test_a_decision_in_a_transaction_that_was_taken_back_never_was(bare):
    """Whoever reads uncommitted records would pay out what nobody decided."""
    producer = Producer({"bootstrap.servers": bare, "transactional.id": "open-ended"})
    producer.init_transactions(30)
    for name, end in (("aborted", producer.abort_transaction), ("committed", producer.commit_transaction)):
        producer.begin_transaction()
        made(producer, "open-ended", name, 1)
        producer.flush(30)
        end(30)
    found = []
    service = Service(bare, "open-ended", found.append)
    until(lambda: found)
    service.stop()
    assert [one.application_id for one in found] == ["committed"]


def test_a_service_that_goes_on_after_a_failure_gets_the_same_decision_again(bare):
    """Nothing is committed past what was not handled, in this process and in the next."""
    producer, handled, failed = Producer({"bootstrap.servers": bare}), [], []
    for number in range(20):
        made(producer, "stumbles", "a-1", number, revision=number + 1)
    producer.flush(30)

    def handle(one):
        if one.revision in (3, 17) and failed.count(one.revision) < 2:
            failed.append(one.revision)
            raise RuntimeError("the ledger is down")
        handled.append(one.revision)

    ends = time.monotonic() + PATIENCE_S
    with DecisionConsumer({"bootstrap.servers": bare}, "stumbles", "stumbles.core") as reader:
        while len(handled) < 20 and time.monotonic() < ends:
            try:
                reader.step(handle)
            except RuntimeError:
                assert handled == list(range(1, failed[-1]))
    assert (handled, failed) == (list(range(1, 21)), [3, 3, 17, 17])


def test_a_tenant_that_there_is_not_is_told(bare):
    """A misspelt name, as a missing right, comes out within seconds and names the topic."""
    ends = time.monotonic() + PATIENCE_S
    with (
        DecisionConsumer({"bootstrap.servers": bare}, "nobody", "nobody.core") as reader,
        pytest.raises(PermissionRefusedError, match=r"loan\.(decisions|outcomes)\.v1\.nobody"),
    ):
        reader.run(lambda _: None, until=lambda: time.monotonic() > ends)


def test_the_pages_example_runs_as_it_stands(stack, bank, shipped_example, tmp_path):
    """A service hears of a decision and of the person who overrules it, stops in order, and remembers when it is started
    again: the same decision is no news, the next revision is.
    """
    example = EXAMPLE.replace('"bank-a"', f'"{TENANT}"')
    environment = os.environ | {"LOANSTREAM_STATE": str(stack.layout.state), "PYTHONPATH": str(ROOT)}

    def service():
        return subprocess.Popen(
            [sys.executable, "-c", example], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=tmp_path, env=environment,
        )  # fmt: skip

    def submit(revision):
        event = shipped_example | {"tenant": TENANT, "application_id": "a-1", "revision": revision}
        bank.publish(TENANT, "a-1", json.dumps(event).encode())
        bank.flush()

    def stopped(process):
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=30)
        assert process.returncode == 0, error[-2000:]

    submit(1)
    first = service()
    said = first.stdout.readline().split()
    assert said[:3] == ["a-1", "1", "current"], said or first.stderr.read()
    overruled = {"approve": "decline"}.get(said[3], "approve")
    outcome = {
        "tenant": TENANT, "application_id": "a-1", "at": "2026-11-29T12:00:00Z", "kind": "human_decision",
        "decision": overruled, "actor": "j.doe", "reason": "seen in person",
    }  # fmt: skip
    producer = Producer({**stack.admin_settings, "log_level": 2})
    producer.produce(TOPICS["outcomes"].name(TENANT), json.dumps(outcome).encode(), "a-1")
    producer.flush(30)
    assert first.stdout.readline().split() == ["a-1", "1", "current", overruled]
    stopped(first)
    submit(1)
    submit(2)
    second = service()
    assert second.stdout.readline().split()[:3] == ["a-1", "2", "current"]
    stopped(second)


def test_the_settings_for_java_are_settings_of_javas_client():
    """Every name and class on the page is one that the client of the broker's version has."""
    home = jars.broker_home()
    (client,) = [jar.file_name for jar in jars.pinned() if jar.artifact == "kafka-clients"]
    names = dict(line.split("=", 1) for line in JAVA.splitlines() if line)
    path = jars.class_path(home)
    said = subprocess.run(
        [jars.java(), "-cp", path, "org.apache.kafka.clients.consumer.ConsumerConfig"],
        check=True, capture_output=True, text=True, timeout=60,
    ).stdout  # fmt: skip
    assert {name for name in names if f'"consumerconfigs_{name}"' not in said} == set()
    with zipfile.ZipFile(home / "jars" / client) as packed:
        held = set(packed.namelist())
    classes = re.findall(r"org\.apache\.kafka\.[\w.]+", " ".join(names.values()))
    assert len(classes) == 4
    assert {name for name in classes if f"{name.replace('.', '/')}.class" not in held} == set()
    assert names["isolation.level"] == "read_committed"


def test_the_settings_for_kcat_are_settings_of_its_library():
    """The client library, which is Python's too, takes each of them, and OAuth's address and secret among them."""
    words = shlex.split(KCAT)
    assert words[:2] == ["kcat", "-F"]  # what stands on a command line, every user of the machine sees
    settings = dict(line.split("=", 1) for line in LIBRDKAFKA.splitlines() if line)
    assert settings["isolation.level"] == "read_committed"
    certificate = {"ssl.ca.location": None, "https.ca.location": None}  # a path of the reader's own machine
    taken = {name: value for name, value in settings.items() if name not in certificate}
    Consumer(
        {**taken, "bootstrap.servers": "127.0.0.1:1", "group.id": words[words.index("-G") + 1], "log_level": 0}
    ).close()
    with pytest.raises(Exception, match="No such configuration property"):
        Consumer({**taken, "group.id": "x", "sasl.oauthbearer.secret": "x"})
