"""The short version of the chaos suite: processes are killed and restarted under load, and nothing is lost or doubled.

`make chaos` is the long version: every fault many times over, two workers a stage, a verifier of its own.
"""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from http.client import OK

import pytest
from confluent_kafka.admin import AdminClient

from loanstream.ask.reconcile import reconcile
from loanstream.ask.replay import replay
from loanstream.stack import ports
from loanstream.stack.kafka.node import is_ready
from loanstream.stack.probe import answers, page
from loanstream.stack.running import RunningStack
from producers.synthetic.broken import bomb
from schemas.stages import STAGES
from schemas.values import rfc3339_of_ms

TENANT = "faults"
RATE = 100


class Load(threading.Thread):
    """Publishes applications at a steady rate until told to stop."""

    def __init__(self, bank, example, run) -> None:
        super().__init__(daemon=True)
        self._bank, self._example, self._run = bank, example, run
        self._stop_asked = threading.Event()
        self.sent: list[str] = []

    def run(self) -> None:
        while not self._stop_asked.is_set():
            name = f"{self._run}-{len(self.sent)}"
            event = self._example | {"tenant": TENANT, "application_id": name}
            # Now and then one that cannot be read: it must be a dead letter exactly once, too.
            value = json.dumps(event) if len(self.sent) % 50 else "{"
            self._bank.publish(TENANT, name, value.encode())
            self.sent.append(name)
            time.sleep(1 / RATE)

    def stop(self) -> None:
        self._stop_asked.set()
        self.join()
        self._bank.flush()


def process_id(running: RunningStack, name: str) -> int:
    """Of a process as stack.json names it now."""
    return next(p["pid"] for p in RunningStack.at(running.layout.state).stack["processes"] if p["name"] == name)


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def works(running: RunningStack, name: str) -> bool:
    """Whether a process answers as one that does its work: a worker has its partitions, a store takes requests."""
    if name == "kafka":
        return is_ready(running.bootstrap, running.security)
    port = json.loads(running.layout.ports.read_text())[name]
    return answers(f"http://{ports.LOOPBACK}:{port}{'/ping' if name == 'warehouse' else '/readyz'}")


def kill_and_wait(running: RunningStack, name: str) -> None:
    """Kill a process of the stack and wait until stack.json names its successor, and until that works or 4 s more."""
    before = process_id(running, name)
    os.kill(before, signal.SIGKILL)
    until(lambda: process_id(running, name) != before)
    since = time.monotonic()
    while not works(running, name) and time.monotonic() < since + 4:
        time.sleep(0.1)


def members(admin: AdminClient, group: str) -> int:
    """How many members the broker counts in a group."""
    return len(admin.describe_consumer_groups([group])[group].result(60).members)


@pytest.fixture(scope="module")
def published(stack):
    """How many records the tenant's applications topic got so far, over the tests of this module."""
    return []


@pytest.mark.parametrize("victim", ["verify-0", "verify-slow-0", "score-0", "record-0", "warehouse", "kafka"])
def test_a_killed_process_loses_and_doubles_nothing(stack, bank, published, victim, shipped_example):
    """Under load, kill -9: every record ends as exactly one decision or dead letter."""
    load = Load(bank, shipped_example, f"kill-{victim}")
    load.start()
    time.sleep(1)
    kill_and_wait(stack, victim)
    time.sleep(1)
    load.stop()
    published += load.sent
    decisions, letters = bank.outcomes(TENANT, len(published), patience_s=120)
    ids = [decision["application_id"] for decision in decisions]
    assert len(ids) == len(set(ids)), "decided twice"
    bad = {letter["key_base64"] for letter in letters}
    assert len(bad) == len(letters), "dead-lettered twice"
    assert len(ids) + len(letters) == len(published), "lost"


def test_a_frozen_worker_wakes_up_fenced_and_nothing_is_doubled(stack, bank, published, shipped_example):
    """SIGSTOP past the session timeout: the worker's partitions go on without it, and its late commit is refused."""
    load = Load(bank, shipped_example, "freeze")
    load.start()
    time.sleep(1)
    frozen = process_id(stack, "score-0")
    with AdminClient({**stack.admin_settings, "log_level": 2}) as admin:
        assert members(admin, "score") == 1
        os.kill(frozen, signal.SIGSTOP)
        until(lambda: members(admin, "score") == 0)
        os.kill(frozen, signal.SIGCONT)
    time.sleep(2)
    load.stop()
    published += load.sent
    decisions, letters = bank.outcomes(TENANT, len(published), patience_s=120)
    ids = [decision["application_id"] for decision in decisions]
    assert len(ids) == len(set(ids))
    assert len(ids) + len(letters) == len(published)


def test_workers_whose_broker_is_away_are_not_ready_and_stay_healthy(stack):
    """They say what they wait for and since when; once the broker answers they are ready again, by themselves."""
    known = json.loads(stack.layout.ports.read_text())
    workers = [name for name in known if name.rpartition("-")[0] in STAGES]
    assert len(workers) == len(STAGES)

    def bodies(path):
        return [page(f"http://{ports.LOOPBACK}:{known[name]}{path}") for name in workers]

    def pages(path):
        return [(answer.status, json.loads(answer.body)) for answer in bodies(path)]

    def silent_s():
        return [
            float(re.search(rb"^loanstream_broker_silent_seconds\{.*\} ([0-9.e+]+)$", answer.body, re.MULTILINE)[1])
            for answer in bodies("/metrics")
        ]

    def ready():
        return [status == OK for status, _ in pages("/readyz")]

    until(lambda: all(ready()))
    before = rfc3339_of_ms(int(time.time() * 1000) - 3000)
    broker = process_id(stack, "kafka")
    os.kill(broker, signal.SIGSTOP)
    try:
        until(lambda: not any(ready()), 12)
        told = [said for _, said in pages("/readyz")]
        assert all("no broker has answered for " in said["why"] and said["since"] > before for said in told), told
        time.sleep(4)
        assert [status for status, _ in pages("/healthz")] == [OK] * len(workers)
        assert min(silent_s()) > 4
    finally:
        os.kill(broker, signal.SIGCONT)
    until(lambda: all(ready()), 20)
    assert [status for status, _ in pages("/healthz")] == [OK] * len(workers)
    assert silent_s() == [0.0] * len(workers)


def test_a_document_store_that_goes_away_holds_up_and_heals(stack, bank, shipped_example):
    """While the store is away no outcome is invented; when it is back, the application is decided."""
    tenant = "bombs"
    sha256 = stack.documents.put(tenant, b"%PDF-1.4 not much of a document")
    ref = {"kind": "payslip", "sha256": sha256, "media_type": "application/pdf", "size": 31}
    event = shipped_example | {"tenant": tenant, "application_id": "waits", "documents": [ref]}
    root = stack.layout.documents
    away = root.with_name("documents-away")
    root.rename(away)
    try:
        bank.publish(tenant, "waits", json.dumps(event).encode())
        bank.flush()
        time.sleep(4)
        decisions, letters = bank.outcomes(tenant, 1, patience_s=1)
        assert (decisions, letters) == ([], [])
    finally:
        away.rename(root)
    decisions, letters = bank.outcomes(tenant, 1, patience_s=60)
    assert [decision["application_id"] for decision in decisions] == ["waits"]
    assert letters == []


def test_after_all_that_the_warehouse_equals_the_topics_and_replay_is_equal(stack, published):
    """Reconcile finds no difference, and every decision is made again bit for bit."""
    assert reconcile(stack, [TENANT]).differences == []
    totals = replay(stack, tenant=TENANT).totals
    assert set(totals) == {"equal"}
    assert totals["equal"] > 0


def test_bombs_of_one_bank_do_not_hold_up_another(stack, bank, shipped_example):
    """While one tenant's hostile documents are still being worked off, everything another sends is decided, a document
    of its own that takes seconds included.
    """
    bombs = 8

    def send_bomb(tenant, number):
        data = bomb(number)
        sha256 = stack.documents.put(tenant, data)
        ref = {"kind": "payslip", "sha256": sha256, "media_type": "application/pdf", "size": len(data)}
        name = f"bomb-{number}"
        event = shipped_example | {"tenant": tenant, "application_id": name, "documents": [ref]}
        bank.publish(tenant, name, json.dumps(event).encode())

    earlier, _ = bank.so_far("bombs")
    for number in range(bombs):
        send_bomb("bombs", number)
    bank.flush()
    before, _ = bank.so_far("beside")
    quiet = [f"quiet-{number}" for number in range(100)]
    for name in quiet:
        bank.publish(
            "beside", name, json.dumps(shipped_example | {"tenant": "beside", "application_id": name}).encode()
        )
        time.sleep(0.02)
    send_bomb("beside", bombs)
    bank.flush()
    decided, _ = bank.outcomes("beside", len(before) + len(quiet), patience_s=15)
    assert {decision["application_id"] for decision in decided} >= set(quiet)
    decided, _ = bank.outcomes("beside", len(before) + len(quiet) + 1, patience_s=40)
    assert f"bomb-{bombs}" in {decision["application_id"] for decision in decided}
    already, _ = bank.so_far("bombs")
    assert sum(decision["application_id"].startswith("bomb-") for decision in already) < bombs
    ended, letters = bank.outcomes("bombs", len(earlier) + bombs, patience_s=120)
    verdicts = {d["verification_result"] for d in ended if d["application_id"].startswith("bomb-")}
    assert (verdicts, letters) == ({"unreadable"}, [])
