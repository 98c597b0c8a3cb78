"""The self-test believes a run that counted a loss, and no other."""

import json
import subprocess

import pytest

from loanstream.lab.chaos import run
from loanstream.lab.chaos.run import selftest, verdict


def last_line(**changed) -> str:
    return json.dumps({"faults": 2, "lost": 0, "duplicated": 0, "conflicting": 0} | changed) + "\n"


@pytest.fixture
def runs_that_print(monkeypatch):
    """Each run of the self-test prints this instead of starting a stack, and ends with 1."""

    def of(*outputs: str) -> None:
        left = iter(outputs)
        monkeypatch.setattr(
            run.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1, next(left))
        )

    return of


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (last_line(lost=1), "red"),
        (last_line(duplicated=3), "red"),
        ("a table\n" + last_line(lost=1), "red"),
        (last_line(), "green"),
        (last_line(conflicting=1), "green"),
        (last_line(lost=1, faults=0), "failed to run"),
        (last_line(lost=1) + "and then a word\n", "failed to run"),
        ("[1]\n", "failed to run"),
        ("", "failed to run"),
    ],
)
def test_red_is_a_loss_or_a_doubling_that_was_counted(printed, said):
    """Under faults that were applied; whatever else ended the run is no proof."""
    assert verdict(printed) == said


def test_two_red_runs_pass(runs_that_print, tmp_path, capsys):
    """The verifier saw what each missing rule does."""
    runs_that_print(last_line(lost=1), last_line(duplicated=1))
    assert selftest(tmp_path) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"commit-outside": "red", "no-veto": "red"}


@pytest.mark.parametrize("other", [last_line(), ""], ids=["green", "failed to run"])
def test_one_run_that_is_not_red_fails(runs_that_print, tmp_path, other):
    """Though it ended with 1, and though the other one is red."""
    runs_that_print(last_line(lost=1), other)
    assert selftest(tmp_path) == 1


def test_runs_that_crash_before_their_stack_starts_are_not_red(loanstream, tmp_path):
    """Where the state's path is a file no stack can start, and nothing was proved."""
    file = tmp_path / "file"
    file.touch()
    done = loanstream("chaos", "--selftest", "--state", file, code=1)
    assert set(json.loads(done.stdout.splitlines()[-1]).values()) == {"failed to run"}
