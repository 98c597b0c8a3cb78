"""Which installation a command is for, and what it says where settings do not describe all of it."""

import json
import logging
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream import installation
from loanstream.cli import install
from loanstream.cli.main import main
from loanstream.install import grants, steps
from loanstream.settings import SETTINGS
from schemas.access import Grant
from schemas.application import DocumentRef
from stores.documents.blobs import FileBlobs
from stores.keys import KeyFiles

EXAMPLE = Path(__file__).resolve().parents[3] / "schemas" / "examples" / "loan.application.submitted.json"
KAFKA, TENANTS, KEYS = "LOANSTREAM_KAFKA_BOOTSTRAP", "LOANSTREAM_TENANTS", "LOANSTREAM_KEYS"
WAREHOUSE, DOCUMENTS = "LOANSTREAM_WAREHOUSE_URL", "LOANSTREAM_DOCUMENTS_URL"
ARTEFACTS = "LOANSTREAM_ARTEFACTS_URL"

NEEDS = {
    ("decisions",): (WAREHOUSE,),
    ("show", "an-id"): (WAREHOUSE, KEYS, ARTEFACTS),
    ("replay",): (WAREHOUSE, KEYS, ARTEFACTS),
    ("replay", "--tenant", "bank-a"): (TENANTS,),
    ("reconcile",): (KAFKA, WAREHOUSE, KEYS, TENANTS),
    ("dlq", "list"): (KAFKA,),
    ("dlq", "show", "a/0/1"): (KAFKA,),
    ("dlq", "redrive"): (KAFKA,),
    ("dlq", "redrive", "--tenant", "bank-a"): (TENANTS,),
    ("dlq", "discard", "--cause", "empty", "--reason", "a test", "--yes"): (KAFKA,),
    ("submit", str(EXAMPLE)): (KAFKA, TENANTS),
    ("submit", str(EXAMPLE), "--documents", str(EXAMPLE.parent)): (DOCUMENTS,),
    ("outcomes", "import", str(EXAMPLE)): (KAFKA, TENANTS),
    ("documents", "put", str(EXAMPLE), "--tenant", "bank-a"): (TENANTS, DOCUMENTS, KEYS),
    ("history",): (KAFKA, TENANTS),
    ("activate", "policy", "paper", "--all-tenants", "--reason", "because"): (KAFKA, TENANTS, ARTEFACTS),
    ("rollback", "--reason", "because"): (KAFKA, TENANTS, ARTEFACTS),
    ("install", "--yes"): (KAFKA, TENANTS, WAREHOUSE, DOCUMENTS, ARTEFACTS, KEYS),
    ("worker", "verify"): (KAFKA, TENANTS, DOCUMENTS, KEYS),
    ("worker", "verify", "--lane", "slow"): (KAFKA, TENANTS, DOCUMENTS, KEYS),
    ("worker", "score"): (KAFKA, TENANTS, ARTEFACTS, KEYS),
    ("worker", "record"): (KAFKA, WAREHOUSE, KEYS),
}


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Settings of an installation that does not answer, and no state of a stack anywhere."""
    for row in SETTINGS:
        monkeypatch.delenv(row.variable, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    found = {
        KAFKA: "127.0.0.1:1",
        TENANTS: "bank-a",
        WAREHOUSE: "http://127.0.0.1:1",
        DOCUMENTS: (tmp_path / "documents").as_uri(),
        ARTEFACTS: (tmp_path / "artefacts").as_uri(),
        KEYS: str(tmp_path / "keys"),
    }
    KeyFiles(tmp_path / "keys").make_tenant("bank-a")
    KeyFiles(tmp_path / "keys").make_column()
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture(autouse=True)
def _logs_of_before(monkeypatch):
    """A worker takes over what its process logs, and this process runs on."""
    root = logging.getLogger()
    for owner, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before, level
    logging.captureWarnings(capture=False)


def _said(arguments, line):
    """What a verb's line says: a worker's is JSON, as everything that it says."""
    if arguments[0] == "worker":
        return json.loads(line)["message"]
    assert line.startswith("loanstream: ")
    return line.removeprefix("loanstream: ")


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(arguments, variable) for arguments, variables in NEEDS.items() for variable in variables],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_verb_names_the_setting_that_is_missing(arguments, variable, settings, monkeypatch, capsys):
    """One line with the variable and what is expected, before anything is reached or made."""
    monkeypatch.setattr(installation, "connect", lambda *_, **__: SimpleNamespace(close=lambda: None))
    monkeypatch.delenv(variable)
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert _said(arguments, line).startswith(f"{variable} is not set; expected ")


def test_a_wrong_setting_stops_every_verb_with_one_line(settings, monkeypatch, capsys):
    """Also one that the verb would not need: what is written wrongly is told at once."""
    monkeypatch.setenv("LOANSTREAM_KAFKA_SECURITY", "hunter2")
    for arguments in NEEDS:
        assert main(arguments) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert _said(arguments, line).startswith("LOANSTREAM_KAFKA_SECURITY is 7 characters (not shown); expected ")


@pytest.mark.parametrize("named", ["option", "variable"])
def test_a_stack_and_settings_at_once_are_refused(named, settings, tmp_path, monkeypatch, capsys):
    """Nobody guesses which of the two was meant."""
    arguments = ["decisions"]
    if named == "option":
        arguments += ["--state", str(tmp_path)]
    else:
        monkeypatch.setenv("LOANSTREAM_STATE", str(tmp_path))
    assert main(arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "--state" in line
    assert KAFKA in line


def test_without_settings_the_user_s_own_stack_is_meant(settings, tmp_path, monkeypatch, capsys):
    """Neither a Kafka nor a warehouse is named: then it is the stack of the default state, and how to start it."""
    monkeypatch.delenv(KAFKA)
    monkeypatch.delenv(WAREHOUSE)
    assert main(["decisions"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"loanstream: no stack is running at {tmp_path / 'home' / 'loanstream'}; start one with")


def test_install_refuses_without_a_tenant_s_keys(settings, tmp_path, capsys):
    """The files that are missing are named, and nothing is made: new keys are made on request alone."""
    (tmp_path / "keys" / "tenant-bank-a.json").unlink()
    assert main(["install", "--yes"]) == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"loanstream: no tenant-bank-a.json in {tmp_path / 'keys'}; ")
    assert "--make-keys" in line
    assert [path.name for path in (tmp_path / "keys").iterdir() if path.is_file()] == ["warehouse.json"]
    assert not (tmp_path / "documents").exists()


@pytest.mark.parametrize("how", ["--dry-run", "--yes"])
def test_install_tells_every_fault_in_one_run(how, settings, tmp_path, capsys):
    """Kafka first, then the warehouse, then what is missing here: a line each, with the variable to look at."""
    (tmp_path / "keys" / "tenant-bank-a.json").unlink()
    assert main(["install", how]) == 1
    told = capsys.readouterr()
    assert told.err.splitlines() == [
        f"loanstream: {KAFKA}: 127.0.0.1:1 takes no connections",
        f"loanstream: {WAREHOUSE}: http://127.0.0.1:1 does not answer",
        f"loanstream: no tenant-bank-a.json in {tmp_path / 'keys'}; put them there, or make them with --make-keys",
    ]
    assert told.out == ""
    assert not (tmp_path / "documents").exists()


def test_install_names_the_settings_of_a_writer_who_does_not_get_in(settings, empty, monkeypatch, capsys):
    """A wrong password is one line with its variable, and what Kafka lacks is told beside it."""
    monkeypatch.setenv(WAREHOUSE, empty.url)
    monkeypatch.setenv("LOANSTREAM_WAREHOUSE_WRITER_PASSWORD", "hunter2")
    assert main(["install", "--dry-run", "--make-keys"]) == 1
    said = capsys.readouterr().err
    kafka, writer = said.splitlines()
    assert kafka.startswith(f"loanstream: {KAFKA}: ")
    assert writer.startswith("loanstream: LOANSTREAM_WAREHOUSE_WRITER, LOANSTREAM_WAREHOUSE_WRITER_PASSWORD: writer ")
    assert "hunter2" not in said


@pytest.mark.parametrize(("how", "told"), [("--dry-run", True), ("--yes", True), ("--leave-grants", False)])
def test_install_tells_whom_others_let_in(how, told, settings, monkeypatch, capsys):
    """A right on our topics that the table has not, of somebody it does not name, is left alone and told."""
    auditor = grants.Held("User:auditor", Grant("topic", "loan.decisions.v1.bank-a", "READ"))
    monkeypatch.setattr(grants, "change", lambda _: grants.Change((), (), (auditor,)))
    monkeypatch.setattr(install, "plan_of", lambda _: ({"grants": [], "activation": []}, []))
    monkeypatch.setattr(install, "losses", lambda *_: [])
    monkeypatch.setattr(install, "retention_waits", lambda _: [])
    monkeypatch.setattr(install, "decided_otherwise", lambda _: None)
    assert main(["install", how]) == 0
    line = "not of the table: User:auditor READ topic loan.decisions.v1.bank-a"
    assert (line in capsys.readouterr().err.splitlines()) is told


def test_a_fault_of_ours_in_a_step_is_no_line(settings, monkeypatch):
    """Its trace is wanted."""
    broken = replace(steps.STEPS["keys"], missing=lambda _: 1 // 0)
    monkeypatch.setattr(steps, "STEPS", {"keys": broken})
    with pytest.raises(ZeroDivisionError):
        main(["install", "--dry-run"])


def test_keys_of_a_secret_store_are_never_made(settings, tmp_path, monkeypatch, capsys):
    """Where settings hold the tenants' keys, one that is not among them is told; --make-keys has nothing to write."""
    text = (tmp_path / "keys" / "tenant-bank-a.json").read_text()
    monkeypatch.setenv("LOANSTREAM_TENANT_KEYS", f'{{"bank-a": {text}}}')
    monkeypatch.setenv(TENANTS, "bank-a,bank-b")
    assert main(["install", "--yes", "--make-keys"]) == 1
    *_, line = capsys.readouterr().err.splitlines()
    assert line == "loanstream: no keys for tenant bank-b among the tenants' keys that are set"
    assert not (tmp_path / "keys" / "tenant-bank-b.json").exists()


def test_a_document_is_stored_with_the_whole_reference(settings, tmp_path, capsys):
    """What `documents put --json` prints goes into an application's `documents` as it is."""
    FileBlobs.create(tmp_path / "documents")
    file = tmp_path / "x.payslip.pdf"
    file.write_bytes(b"%PDF-1.7")
    assert main(["documents", "put", str(file), "--tenant", "bank-a", "--json"]) == 0
    reference = DocumentRef.model_validate_json(capsys.readouterr().out)
    assert (reference.kind, reference.media_type, reference.size) == ("payslip", "application/pdf", 8)
    file = file.rename(tmp_path / "scan.pdf")
    assert main(["documents", "put", str(file), "--tenant", "bank-a", "--json"]) == 2
    assert "--kind: expected one of payslip," in capsys.readouterr().err
    assert main(["documents", "put", str(file), "--tenant", "bank-a", "--kind", "identity", "--json"]) == 0
    assert DocumentRef.model_validate_json(capsys.readouterr().out).kind == "identity"


@pytest.mark.parametrize("stage", ["verify", "score", "record"])
def test_a_port_that_is_taken_is_named_at_a_worker_s_start(stage, settings, monkeypatch, capsys):
    """One line with the variable and the port, before anything is loaded or reached; and no crash without a name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("LOANSTREAM_PORT", str(port))
        assert main(["worker", stage]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"].startswith(f"LOANSTREAM_PORT is {port}: the port is taken at 127.0.0.1; ")


@pytest.mark.parametrize("stage", ["score", "record"])
@pytest.mark.parametrize("lane", ["fast", "slow"])
def test_a_stage_without_lanes_takes_none(stage, lane, settings, capsys):
    """Who asks for the slow lane of score would get another worker than he thinks."""
    assert main(["worker", stage, "--lane", lane]) == 2
    assert f"--lane is verify's; {stage} has none" in " ".join(capsys.readouterr().err.split())


def test_a_document_of_which_nothing_will_be_read_is_told_when_it_is_stored(settings, tmp_path, capsys):
    """Exit 0 and the hash on stdout, as it is stored; a line on stderr says what it is not."""
    FileBlobs.create(tmp_path / "documents")
    file = tmp_path / "x.payslip.pdf"
    for data, notes in ((b"", ["it is empty"]), (b"hi", ["neither a PDF nor a picture"]), (b"%PDF-1.7", [])):
        file.write_bytes(data)
        assert main(["documents", "put", str(file), "--tenant", "bank-a"]) == 0
        told = capsys.readouterr()
        assert len(told.out.split()) == 1
        assert [note in line for note, line in zip(notes, told.err.splitlines(), strict=True)] == [True] * len(notes)
