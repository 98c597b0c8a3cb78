"""Workers and commands against a Kafka, a ClickHouse and stores that settings name: no `stack.json` anywhere.

The broker and the warehouse are the embedded ones, started by hand; everything else knows them by settings.
"""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from loanstream.install import topics
from loanstream.installation import Installation
from loanstream.settings import SETTINGS, load
from loanstream.stack import ports
from loanstream.stack.kafka.broker import EmbeddedKafka

EXAMPLES = Path(__file__).resolve().parents[2] / "schemas" / "examples"
APPLICATION = EXAMPLES / "loan.application.submitted.json"
TENANT = "bank-a"
WORKERS = (("verify",), ("verify", "--lane", "slow"), ("score",), ("record",))
PASSWORDS = ("LOANSTREAM_WAREHOUSE_WRITER_PASSWORD", "LOANSTREAM_WAREHOUSE_READER_PASSWORD")


class Own:
    """An installation that nobody but these settings describes."""

    def __init__(self, root: Path, bootstrap: str, warehouse_port: int, passwords: dict[str, str]) -> None:
        self.root = root
        (root / "writer").write_text(f"{passwords[PASSWORDS[0]]}\n")
        self.settings = {
            "LOANSTREAM_KAFKA_BOOTSTRAP": bootstrap,
            "LOANSTREAM_TENANTS": TENANT,
            "LOANSTREAM_WAREHOUSE_URL": f"http://127.0.0.1:{warehouse_port}",
            "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD_FILE": str(root / "writer"),
            "LOANSTREAM_WAREHOUSE_READER_PASSWORD": passwords[PASSWORDS[1]],
            "LOANSTREAM_DOCUMENTS_URL": (root / "documents").as_uri(),
            "LOANSTREAM_ARTEFACTS_URL": (root / "artefacts").as_uri(),
            "LOANSTREAM_KEYS": str(root / "keys"),
            "LOANSTREAM_SLOTS": str(root / "slots"),
        }

    @property
    def environment(self) -> dict[str, str]:
        """A process' environment with these settings, and no other's."""
        ours = {name for row in SETTINGS for name in (row.variable, row.file_variable)}
        rest = {name: value for name, value in os.environ.items() if name not in ours}
        return rest | self.settings | {"XDG_STATE_HOME": str(self.root / "home")}

    def start(self, *arguments: object, **more) -> subprocess.Popen:
        command = [sys.executable, "-m", *map(str, arguments)]
        return subprocess.Popen(command, env=self.environment, text=True, **more)

    def call(self, *arguments: object, code: int = 0) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "loanstream", *map(str, arguments)]
        done = subprocess.run(
            command,
            check=False,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert done.returncode == code, (done.stdout[-2000:], done.stderr[-2000:])
        return done

    def ask(self, *arguments: object, code: int = 0):
        return json.loads(self.call(*arguments, "--json", code=code).stdout)

    @property
    def installation(self) -> Installation:
        return Installation(load(self.environment))

    def wait_for(self, table: str, count: int) -> None:
        """Until the warehouse's view has so many rows."""
        client, until = self.installation.warehouse(), time.monotonic() + 60
        while (found := client.query(f"SELECT count() FROM loanstream.{table}").first_row[0]) < count:
            assert time.monotonic() < until, found
            time.sleep(0.1)
        assert found == count


@contextmanager
def warehouse(data: Path, passwords: dict[str, str]) -> Iterator[int]:
    """The engine behind ClickHouse's protocol, in a process of its own; its port."""
    port = ports.keep_or_pick(data.with_suffix(".json"), ("warehouse",))["warehouse"]
    command = [sys.executable, "-m", "loanstream.stack.clickhouse", "--data", str(data), "--port", str(port)]
    process = subprocess.Popen(command, env=os.environ | passwords)
    try:
        until = time.monotonic() + 30
        while ports.is_free(port):
            assert time.monotonic() < until
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Own]:
    """Broker and warehouse, empty; nothing of ours is installed."""
    root = tmp_path_factory.mktemp("own")
    passwords = {name: secrets.token_hex(8) for name in PASSWORDS}
    with warehouse(root / "warehouse", passwords) as port, EmbeddedKafka(root / "kafka") as broker:
        yield Own(root, broker.bootstrap, port, passwords)


@pytest.fixture(scope="module")
def installed(own: Own) -> Own:
    """The same, installed: by an `install` that was killed, and another."""
    killed = own.start("loanstream", "install", "--trial", "--yes", "--make-keys", stderr=subprocess.DEVNULL)
    while not (own.root / "artefacts").exists() and killed.poll() is None:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    own.made = {path.name: path.read_bytes() for path in (own.root / "keys").iterdir() if path.is_file()}
    own.after_kill = own.ask("install", "--trial", "--dry-run")
    own.finished = own.ask("install", "--trial", "--yes")
    return own


@pytest.fixture(scope="module")
def working(installed: Own) -> Iterator[Own]:
    """The same, with a worker of each stage."""
    with (installed.root / "workers.log").open("w") as log:
        workers = [installed.start("loanstream.worker", *worker, stdout=log, stderr=log) for worker in WORKERS]
    try:
        yield installed
        assert [worker.poll() for worker in workers] == [None] * len(WORKERS)
    finally:
        for worker in workers:
            worker.terminate()
        ended = [worker.wait(20) for worker in workers]
    assert ended == [0] * len(WORKERS)


def test_a_plan_is_shown_and_nothing_made(own: Own) -> None:
    """`--dry-run` names what is missing, step by step; without a person to ask nothing is made either."""
    plan = own.ask("install", "--trial", "--dry-run", "--make-keys")["plan"]
    assert plan["keys"] == [f"key file tenant-{TENANT}.json", "key file warehouse.json"]
    assert f"topic loan.applications.v1.{TENANT}" in plan["topics"]
    assert "migration 0001_" in " ".join(plan["warehouse"])
    assert plan["activation"] == ["first activation of bundle default and policy standard"]
    # This broker has no authorizer: there are no rights to grant.
    assert {name for name, lines in plan.items() if not lines} == {"grants"}
    told = own.call("install", "--trial", "--make-keys", code=1).stderr.splitlines()
    assert "nobody is there to say yes" in told[-1]
    refused = own.call("install", "--trial", "--yes", code=1).stderr
    assert f"no tenant-{TENANT}.json, warehouse.json in {own.root / 'keys'}" in refused
    assert not (own.root / "keys").exists()
    assert not (own.root / "documents").exists()
    with AdminClient({"bootstrap.servers": own.settings["LOANSTREAM_KAFKA_BOOTSTRAP"]}) as admin:
        found = admin.list_topics(timeout=10)
    assert not [name for name in found.topics if name.startswith("loan.")]


def test_a_kafka_that_may_lose_records_is_for_a_trial(own: Own) -> None:
    """One broker keeps one copy of a record: nothing is installed there unless it is called a trial."""
    refused = own.call("install", "--yes", "--make-keys", code=1).stderr.splitlines()
    assert "a new topic has replication factor 1, expected 3 or more" in refused[0]
    assert refused[-1].endswith("records can be lost; change them, or say --trial")
    assert not (own.root / "keys").exists()


def test_an_installation_that_was_killed_is_finished_by_the_next(installed: Own) -> None:
    """What was made stays, keys above all; what is missing is made; a third finds nothing to do."""
    assert installed.made.keys() == {f"tenant-{TENANT}.json", "warehouse.json"}
    assert installed.after_kill["plan"]["keys"] == []
    assert installed.after_kill["plan"]["activation"]
    assert installed.finished["done"]
    assert {
        path.name: path.read_bytes() for path in (installed.root / "keys").iterdir() if path.is_file()
    } == installed.made
    third = installed.call("install", "--trial", "--yes")
    assert third.stdout == "nothing is to be done: the installation is ready\n"
    assert topics.missing(installed.installation.admin_settings, (TENANT,)) == []


def test_an_installed_one_says_that_it_keeps_its_policy(installed: Own) -> None:
    """Another --policy is put into the store and activated by nobody: a line says what decides, and how to change it."""
    done = installed.call("install", "--trial", "--yes", "--policy", "paper")
    assert "bank-a is decided with policy standard" in done.stderr
    for kind in ("bundle", "policy"):
        assert f"loanstream activate {kind} paper --all-tenants --reason" in done.stderr


def test_workers_and_commands_need_nothing_but_settings(working: Own, tmp_path: Path) -> None:
    """Applications are submitted, decided, recorded, told, replayed and reconciled; a dead letter is sent back."""
    one = json.loads(APPLICATION.read_text())
    one["applicant"]["name"] = "Asha Own"
    lines = tmp_path / "applications.jsonl"
    lines.write_text("".join(json.dumps(one | {"application_id": f"own-{number}"}) + "\n" for number in range(20)))
    documents = tmp_path / "documents" / "own-0"
    documents.mkdir(parents=True)
    (documents / "payslip.pdf").write_bytes(next((EXAMPLES / "documents").iterdir()).read_bytes())
    sent = working.ask("submit", lines, "--documents", documents.parent)
    assert (sent["tenant"], sent["submitted"], sent["refused_lines"], sent["documents"]) == (TENANT, 20, 0, 1)
    assert sent["conflicting_ids"] == sent["repeated_ids"] == sent["documents_not_sent"] == []
    producer = Producer({**working.installation.producer_settings(TENANT), "log_level": 2})
    producer.produce(f"loan.applications.v1.{TENANT}", key=b"broken", value=b"{")
    assert producer.flush(10) == 0
    working.wait_for("decisions", 20)
    working.wait_for("dead_letters", 1)
    assert len(working.ask("decisions", "--limit", "100")) == 20
    (told,) = working.ask("show", "own-0")["revisions"]
    assert told["verified"]["application"]["application_id"] == "own-0"
    assert told["application"]["personal"]["name"] == "Asha Own"
    assert told["verified"]["checks"]
    replayed = working.ask("replay")
    assert (replayed["totals"], replayed["unequal"]) == ({"equal": 20}, [])
    assert working.ask("reconcile")["differences"] == []
    letter = working.ask("dlq", "list")
    assert (letter["state"], letter["attempts"]) == ("waiting", 1)
    assert working.ask("dlq", "redrive", code=1)["refused"] == 1
    assert working.ask("dlq", "redrive", "--force")["redriven"] == 1
    working.wait_for("dead_letters", 2)
    letter = working.ask("dlq", "list")
    assert (letter["state"], letter["attempts"]) == ("waiting", 2)


def test_what_decides_is_looked_at_and_kept_by_settings_alone(installed: Own) -> None:
    """The history comes from the control topic; what decides already is not published again; nothing was before it."""
    told = installed.ask("history")
    (first,) = told["activations"]
    assert (first["actor"], first["state"], first["policy"]) == ("loanstream install", "in force", "standard")
    assert [(row["tenant"], row["policy"]) for row in told["now"]] == [(TENANT, "standard")]
    why = ("--all-tenants", "--reason", "to be sure", "--yes")
    assert installed.ask("activate", "policy", "standard", *why)["published"] is False
    assert "nothing was there before it" in installed.call("rollback", *why[1:], code=1).stderr
    assert installed.ask("history") == told


def test_lost_keys_are_not_made_anew(working: Own, tmp_path: Path) -> None:
    """Where the warehouse holds records of a tenant, his keys and its own are to be restored: new ones open nothing."""
    working.settings["LOANSTREAM_KEYS"], kept = str(tmp_path), working.settings["LOANSTREAM_KEYS"]
    try:
        refused = working.call("install", "--trial", "--yes", "--make-keys", code=1).stderr
    finally:
        working.settings["LOANSTREAM_KEYS"] = kept
    assert f"tenant-{TENANT}.json, warehouse.json is lost" in refused
    assert not list(tmp_path.iterdir())


def test_the_doctor_looks_at_what_settings_name(working: Own) -> None:
    """Every part is well; and of a warehouse that refuses the reader the line says which settings to see."""
    assert all(check["ok"] for check in working.ask("doctor"))
    working.settings["LOANSTREAM_WAREHOUSE_READER_PASSWORD"], kept = "stale", working.settings[PASSWORDS[1]]
    try:
        wrong = [check for check in working.ask("doctor", code=1) if not check["ok"]]
    finally:
        working.settings[PASSWORDS[1]] = kept
    dead = {"warehouse reader", "reader's limits", "figures", "retention", "refusals"}
    assert {check["name"] for check in wrong} == dead
    assert PASSWORDS[1] in wrong[0]["fix"]


def test_banks_come_and_go_by_a_list(working: Own) -> None:
    """With `LOANSTREAM_TENANTS_FILE` in place of the names: workers that run decide for a bank that is added, and the
    list says who is served; with the names in a variable the bank has to stand there first.
    """
    assert "LOANSTREAM_TENANTS_FILE" in working.call("tenant", "add", "bank-c", code=1).stderr
    listed = copy(working)
    listed.settings = {name: value for name, value in working.settings.items() if name != "LOANSTREAM_TENANTS"}
    listed.settings["LOANSTREAM_TENANTS_FILE"] = str(working.root / "banks.json")
    assert [(each["tenant"], each["stands"]) for each in listed.ask("tenant", "list")] == [(TENANT, "not added")]
    for bank in (TENANT, "bank-c"):
        added = listed.call("tenant", "add", bank)
        assert added.stdout == f"{bank} is served\n"
        assert f"{bank}-producer" in added.stderr, "its clients are the provider's"
    one = json.loads(APPLICATION.read_text()) | {"tenant": "bank-c", "application_id": "added"}
    producer = Producer({**listed.installation.producer_settings("bank-c"), "log_level": 2})
    producer.produce("loan.applications.v1.bank-c", key=b"added", value=json.dumps(one).encode())
    assert producer.flush(10) == 0
    until = time.monotonic() + 60
    while not (found := listed.ask("decisions", "--tenant", "bank-c")):
        assert time.monotonic() < until
        time.sleep(0.5)
    assert [each["application_id"] for each in found] == ["added"]
    gone = ("remove", "bank-c", "--delete-data", "topics,documents,warehouse,keys")
    listed.call("tenant", *gone, "--yes")
    stands = {each["tenant"]: each["stands"] for each in listed.ask("tenant", "list")}
    assert stands == {TENANT: "complete", "bank-c": "removed with its topics"}
    assert listed.ask("reconcile")["differences"] == []


def test_there_is_no_stack_to_be_found(working: Own) -> None:
    """Nothing that a running stack would tell was there to be read, nor did a command make a state of its own."""
    assert not list(working.root.rglob("stack.json"))
    assert not (working.root / "home").exists()
