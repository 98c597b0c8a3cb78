"""The table of faults, and what is asked of it."""

import subprocess
import sys

import pytest

from loanstream.lab.chaos.faults import NoSuchFault, chosen, table

ALL = table(2, 1, 1)


def names(only: str) -> list[str]:
    return [row.name for row in chosen(ALL, only)]


def test_words_choose_the_faults_whose_names_hold_one_of_them():
    """By commas, with or without a space; no words choose all."""
    assert names("broker, kill verify-0,") == [
        "kill verify-0",
        "kill verify-0 behind",
        "broker stopped",
        "broker killed",
    ]
    assert names("") == names(" , ") == [row.name for row in ALL]


def test_a_name_that_no_fault_has_is_refused():
    """Beside good ones, too: what was asked for would not have been run."""
    with pytest.raises(NoSuchFault, match="no fault is named 'brocker'; there are: kill verify-0, "):
        chosen(ALL, "broker,brocker")


def test_a_run_of_no_fault_at_all_is_refused():
    """It would be green."""
    with pytest.raises(NoSuchFault):
        chosen(table(0, 0, 0), "")


def test_on_the_command_line_an_unknown_fault_is_a_usage_error(tmp_path):
    """Nothing is started for it."""
    command = [sys.executable, "-m", "loanstream", "chaos", "--state", str(tmp_path / "state"), "--only", "nonsense"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "warehouse refuses rows" in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "state").exists()
