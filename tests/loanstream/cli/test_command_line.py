"""The commands that need no running stack, as a person calls them."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loanstream.dlq import post
from loanstream.problem import describe_problem
from loanstream.stack.lock import hold
from producers.documents import KINDS

ROOT = Path(__file__).resolve().parents[3]


def call(*arguments, code=0):
    """As a person calls it, in a process of its own; `loanstream` runs the same in ours, without waiting for imports."""
    done = subprocess.run(
        [sys.executable, "-m", "loanstream", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == code, done
    return done


@pytest.fixture
def loans(tmp_path, sample_csv):
    path = tmp_path / "loans.csv"
    path.write_bytes(sample_csv(40, seed=3))
    return path


def test_score_decides_a_file_and_prints_one_json_value(loans):
    """Every line of the public layout is decided, with reasons and a receipt, without a broker."""
    decisions = json.loads(call("score", loans, "--json").stdout)
    assert len(decisions) == 40
    assert all(decision["reasons"] and decision["receipt"]["bundle_id"] for decision in decisions)


def test_score_names_the_line_that_is_wrong_and_decides_the_rest(loanstream, loans):
    """The fault goes to stderr with line, field and what was found; the exit code says that there was one."""
    lines = loans.read_text().splitlines()
    cells = lines[3].split(",")
    cells[7] = "7800"
    lines[3] = ",".join(cells)
    loans.write_text("\n".join(lines))
    done = loanstream("score", loans, "--json", code=1)
    assert "line 4" in done.stderr
    assert "7800" in done.stderr
    assert len(json.loads(done.stdout)) == 39


def written_to(stdout, *arguments) -> tuple[int, str]:
    """Exit code and stderr of a command whose output goes to a file of ours, buffered as it is by default."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-m", "loanstream", *map(str, arguments)]
    done = subprocess.run(
        command, check=False, env=buffered, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=120
    )
    return done.returncode, done.stderr


@pytest.fixture(params=["an answer that fits a buffer", "a long answer"])
def answering(request, loans):
    """The arguments of a command that answers at length or not."""
    return ("score", loans, "--json") if request.param == "a long answer" else ("policy", "show", "standard", "--json")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_the_output_is_one_line(answering):
    """Not a trace, and not an exit code of 0 with half an answer."""
    with Path("/dev/full").open("wb") as full:
        assert written_to(full, *answering) == (1, "loanstream: writing failed: No space left on device\n")


def test_a_reader_that_has_read_enough_is_no_fault(answering):
    """`loanstream score ... | head -1` says nothing besides."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert written_to(writing, *answering) == (1, "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize(("named", "line"), [("/state/x", "/state/x: "), (None, "writing failed: ")])
def test_a_disk_that_takes_nothing_is_no_bug(number, named, line):
    """Full, over its quota or read-only; the file is named where the system names it."""
    said = os.strerror(number)
    assert describe_problem(OSError(number, said, named)) == line + said


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "nothing.csv"),
        ("score", "loans.yaml"),
        ("score", "loans.csv", "--policy", "nothing"),
        ("score", "loans.csv", "--bundle", "nothing"),
        ("score", "loans.csv", "--against", "nothing"),
        ("policy", "check", "nothing.yaml"),
        ("train", "--out", "bundle", "--data", "nothing"),
        ("decisions", "--state", "nothing"),
        ("dlq", "list", "--state", "nothing"),
        ("demo", "--state", "."),
        ("chaos", "--state", "."),
    ],
)
def test_what_a_person_can_mend_is_told_in_one_line(loanstream, arguments, tmp_path, monkeypatch):
    """No trace of ours for a wrong name, and not a word besides."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    done = loanstream(*arguments, code=1)
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_process_of_its_own_says_no_more(tmp_path):
    """What the interpreter and its libraries write to stderr at their start and end is nothing, too."""
    assert call("decisions", "--state", tmp_path, code=1).stderr.splitlines() == [
        f"loanstream: no stack is running at {tmp_path}; start one with: loanstream up --state {tmp_path}"
    ]


@pytest.fixture
def killed(tmp_path):
    """The state of a stack that was killed: its stack.json is still there, its lock is free."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "up.lock").write_text("4194303")
    stack = {
        "kafka": {"bootstrap": "127.0.0.1:1", "security": {}},
        "warehouse": {"url": "http://127.0.0.1:1", "database": "d", "user": "u", "password": "p"},
        "documents": {"url": "file:///d"},
        "tenants": ["bank-a"],
        "processes": [],
    }
    (state / "stack.json").write_text(json.dumps(stack))
    return state


@pytest.mark.parametrize("verb", [("dlq", "list"), ("decisions",), ("submit", "loans.csv"), ("reconcile",)])
def test_a_killed_stack_is_not_waited_for(loanstream, killed, verb):
    """What it left behind is not taken for a stack: one line says how to start it again."""
    done = loanstream(*verb, "--state", killed, code=1)
    assert (
        done.stderr == f"loanstream: no stack is running at {killed}; start one with: loanstream up --state {killed}\n"
    )


def test_a_broker_that_does_not_answer_is_told_in_one_line(loanstream, killed, monkeypatch):
    """While the stack runs and its broker does not, the client's own remarks stay out of the way."""
    monkeypatch.setattr(post, "ANSWER_S", 1.0)
    with hold(killed / "up.lock"):
        done = loanstream("dlq", "list", "--state", killed, code=1)
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("loanstream: ")


def test_a_policy_is_shown_as_strict_json():
    """Bounds that bind nothing are left out: infinity is no JSON."""
    shown = json.loads(call("policy", "show", "standard", "--json").stdout, parse_constant=pytest.fail)
    assert shown["policy_id"].startswith("sha256:")


def test_a_policy_with_overlapping_bands_is_refused_with_its_line(loanstream, tmp_path):
    """The line that is wrong is named."""
    text = (ROOT / "scoring" / "policies" / "standard.yaml").read_text()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("approve: 0.7", "approve: 0.2"))
    assert loanstream("policy", "check", wrong, code=1).stderr.startswith("wrong.yaml: line 8: the bands overlap")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" * 30_000, "line 1: nested more than 16 deep"),
        (b"name: small\n# ma\xdfvoll\n", "line 2: not UTF-8 text"),
        (
            b"name: small\n",
            "line 1: a policy needs 'points'; expected score and pdo, in lines below that are indented",
        ),
        (None, "no policy wrong.yaml: expected standard, paper, or a YAML file"),
    ],
    ids=["deep", "not UTF-8", "incomplete", "no file"],
)
def test_every_problem_of_a_policy_is_one_json_value(loanstream, content, says, tmp_path, monkeypatch):
    """A program that checks policies reads one answer, whatever is wrong, and a person one line."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path("wrong.yaml").write_bytes(content)
    done = loanstream("policy", "check", "wrong.yaml", "--json", code=1)
    assert json.loads(done.stdout) == {"ok": False, "error": says}
    assert not done.stderr
    told = loanstream("policy", "check", "wrong.yaml", code=1)
    assert (told.stdout + told.stderr).splitlines() == [f"{'loanstream' if content is None else 'wrong.yaml'}: {says}"]


def test_a_policy_that_is_no_text_is_told_in_one_line_by_every_verb(loanstream, loans, tmp_path):
    """Not by `policy check` alone."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_bytes(b"\xff")
    for arguments in (("policy", "show", wrong), ("score", loans, "--policy", wrong)):
        assert loanstream(*arguments, code=1).stderr == "loanstream: wrong.yaml: line 1: not UTF-8 text\n"


def test_an_unknown_option_is_a_usage_error(loanstream):
    """Exit code 2; also for an option that would do nothing."""
    loanstream("decisions", "--nonsense", code=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("train", "--out", "bundle", "--data", ".", "--recipe", "paperr"),
            "--recipe: expected default, as-labelled, paper",
        ),
        (("train", "--out", "bundle"), "--data or LOANSTREAM_DATA: expected the folder"),
        (("documents", "put", "x.pdf", "--tenant", "bank-a", "--kind", "photo"), "--kind: expected one of payslip"),
        (("up", "--state", "new", "--tenants", "bank-a,bank-a"), "--tenants: expected one or more different names"),
        (("up", "--state", "new", "--tenants", "Bank A"), "--tenants: "),
        (("auth", "rotate", "--state", "new", "--drop-old"), "--drop-old: expected --now with it"),
    ],
)
def test_a_value_that_the_option_does_not_know_is_a_usage_error(loanstream, arguments, says, tmp_path, monkeypatch):
    """Exit code 2, as for an option that there is not: whatever is installed, this command line is wrong."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOANSTREAM_DATA", raising=False)
    (line,) = loanstream(*arguments, code=2).stderr.splitlines()
    assert line.startswith(f"loanstream: {says}")
    assert list(tmp_path.iterdir()) == []


def test_submit_says_how_documents_are_named(loanstream):
    """The help has the rule and every kind of document."""
    said = " ".join(loanstream("submit", "--help").stdout.split())
    assert "<application id>/<kind>.pdf" in said
    assert ", ".join(KINDS) in said
    assert "--compare" in loanstream("decisions", "--id-prefix", "q-", code=2).stderr
