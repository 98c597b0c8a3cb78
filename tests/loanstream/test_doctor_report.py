"""The doctor."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from loanstream import doctor
from loanstream.stack import space
from loanstream.stack.layout import Layout


def _by_name(state: Path) -> dict[str, doctor.Check]:
    return {check.name: check for check in doctor.run_doctor(state)}


def test_looks_at_the_machine_without_a_stack(tmp_path: Path) -> None:
    """Without a running stack the doctor reports the machine, and that no stack runs is no fault."""
    checks = _by_name(tmp_path / "state")
    assert checks["python"].ok
    assert checks["java runtime"].ok
    assert checks["stack"].ok
    assert "loanstream up" in checks["stack"].found


def test_a_check_that_fails_to_look_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot look says so in its own line, and the others go on."""

    def broken() -> doctor.Check:
        raise OSError("no such thing")

    monkeypatch.setitem(doctor._MACHINE, "memory", broken)
    checks = _by_name(tmp_path)
    assert not checks["memory"].ok
    assert "no such thing" in checks["memory"].found
    assert checks["memory"].fix
    assert checks["ports"].ok


@pytest.mark.parametrize("short_by", [1, 0])
def test_the_disk_a_start_refuses_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_by: int) -> None:
    """The doctor finds the disk too small exactly where `up` does not start."""
    free = space.STATE_NEEDS_BYTES - short_by
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert _by_name(tmp_path)["disk"].ok == (space.shortage(tmp_path) is None) == (short_by == 0)


def test_finds_the_dead_parts_of_a_stack(tmp_path: Path) -> None:
    """Of a stack whose parts do not answer, each is a line that names its log."""
    layout = Layout(tmp_path)
    gone = {"name": "score-0", "pid": 2**22 - 1}
    layout.ports.write_text(json.dumps({"warehouse": 1, "score-0": 1}))
    layout.stack_file.write_text(
        json.dumps(
            {
                "kafka": {"bootstrap": "127.0.0.1:1", "security": {}},
                "warehouse": {"url": "http://127.0.0.1:1", "database": "d", "user": "u", "password": "hunter2"},
                "documents": {"url": "file:///d"},
                "tenants": ["bank-a"],
                "processes": [{"name": "kafka", "pid": os.getpid()}, gone],
            }
        )
    )
    checks = _by_name(tmp_path)
    assert "score-0" in checks["processes"].found
    for name in ("kafka", "warehouse", "score-0"):
        assert not checks[name].ok
        assert ".log" in checks[name].fix
    assert "hunter2" not in str(checks)
