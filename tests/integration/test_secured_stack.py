"""`loanstream up --secure`: everything works as without, and by proofs alone."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient

from loanstream.demo.run import stack as running_stack
from loanstream.install import grants
from loanstream.stack.layout import read_stack
from loanstream.stack.running import RunningStack

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
DECIDED_WITHIN_S = 90


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A secured stack of one bank."""
    state = tmp_path_factory.mktemp("secured") / "state"
    with running_stack(state, "--secure", "--tenants", "bank-a") as (running, _):
        yield running


@pytest.fixture
def run(secured: RunningStack, loanstream):
    def command(*arguments: object, code: int = 0) -> SimpleNamespace:
        return loanstream(*arguments, "--state", secured.layout.state, code=code)

    return command


def decided(run) -> set[str]:
    return {row["application_id"] for row in json.loads(run("decisions", "--json").stdout)}


def wait_for(run, application_id: str) -> None:
    until = time.monotonic() + DECIDED_WITHIN_S
    while application_id not in decided(run):
        assert time.monotonic() < until
        time.sleep(0.5)


def test_an_application_is_decided_recorded_and_reconciled(run) -> None:
    """Each stage has the rights that it needs: documents are read, the decision is made, and the warehouse has it all."""
    run("submit", EXAMPLES / "loan.application.submitted.with-documents.json")
    wait_for(run, "example-0002")
    run("reconcile")
    assert run("dlq", "list", "--json").stdout == ""


def test_a_killed_broker_and_killed_workers_come_back(secured: RunningStack, run, tmp_path: Path) -> None:
    """The controller that counts the dead broker out, and whoever comes back, prove themselves as before."""
    processes = {part["name"]: part["pid"] for part in secured.stack["processes"]}
    killed = ("kafka", "score-0", "record-0")
    for name in killed:
        os.kill(processes[name], signal.SIGKILL)
    again = json.loads((EXAMPLES / "loan.application.submitted.json").read_text()) | {"application_id": "after-kill"}
    (tmp_path / "again.json").write_text(json.dumps(again))
    until = time.monotonic() + DECIDED_WITHIN_S

    def back(name: str) -> bool:
        there = {part["name"]: part["pid"] for part in read_stack(secured.layout.state)["processes"]}
        return there[name] != processes[name]

    # A sender's own patience with a broker is shorter than a busy machine takes to start one.
    while not all(map(back, killed)):
        assert time.monotonic() < until
        time.sleep(0.5)
    run("submit", tmp_path / "again.json")
    wait_for(run, "after-kill")
    run("reconcile")


def test_a_client_that_proves_nothing_gets_in_nowhere(secured: RunningStack) -> None:
    """The address in stack.json alone opens no door."""
    refused: list[bool] = []
    producer = Producer({"bootstrap.servers": secured.bootstrap, "message.timeout.ms": 2000, "log_level": 0})
    producer.produce(
        "loan.applications.v1.bank-a", b"v", on_delivery=lambda error, _: refused.append(error is not None)
    )
    producer.flush(10)
    assert refused == [True]
    stranger = {"bootstrap.servers": secured.bootstrap, "log_level": 0}
    with AdminClient(stranger) as admin, pytest.raises(KafkaException):
        admin.list_topics(timeout=2)


def test_rights_are_those_of_the_table(secured: RunningStack) -> None:
    """A stack that is ready lacks no right and has none too many."""
    assert grants.change(secured) == grants.NONE


def test_no_secret_is_seen_from_outside(secured: RunningStack) -> None:
    """Neither a command line nor an environment of the stack's processes holds a key; its files are their owner's."""
    for part in read_stack(secured.layout.state)["processes"]:
        process = psutil.Process(part["pid"])
        shown = [*process.cmdline(), *process.environ().values()]
        assert not any("PRIVATE KEY" in text for text in shown)
    keys = {path.name: path.stat().st_mode & 0o777 for path in secured.layout.keys.rglob("*") if path.is_file()}
    assert {"tls-ca.pem", "tls-broker.pem", "kafka-score.json"} <= set(keys)
    assert set(keys.values()) == {0o600}


def test_the_doctor_finds_nothing(run) -> None:
    """Every look at a secured stack is well."""
    checks = json.loads(run("doctor", "--json").stdout)
    assert {"rights", "keys", "kafka"} <= {check["name"] for check in checks}
    assert [check for check in checks if not check["ok"]] == []
