"""What the gateway costs is its own process's time over what was accepted, and a refusal is no figure."""

import json
import subprocess
from types import SimpleNamespace

import pytest

from loanstream.lab.bench import gateway

RUNNING = SimpleNamespace(
    stack={
        "gateway": {"url": "https://localhost:1"},
        "tls": {"ca": "ca"},
        "processes": [{"name": "gateway", "pid": 7}, {"name": "kafka", "pid": 8}],
    },
    tenants=("bank-a",),
)


@pytest.fixture
def loads(monkeypatch):
    """A load that was answered so, while the gateway's process used two seconds."""

    def of(statuses: dict[str, int]) -> None:
        used = iter((SimpleNamespace(user=1.0, system=1.0), SimpleNamespace(user=2.5, system=1.5)))
        printed = json.dumps({"statuses": statuses, "accepted": 800, "seconds": 2.0, "p50_ms": 4.0, "p99_ms": 9.0})
        monkeypatch.setattr(gateway, "_token", lambda *_: "token")
        monkeypatch.setattr(gateway.time, "sleep", lambda _: None)
        monkeypatch.setattr(
            gateway.psutil, "Process", lambda pid: {7: SimpleNamespace(cpu_times=lambda: next(used))}[pid]
        )
        monkeypatch.setattr(
            gateway.subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, printed)
        )

    return of


def test_processor_time_is_shared_out_over_all_that_was_accepted(loads) -> None:
    """Also over what came while connections were made: the process worked for it, too."""
    loads({"202": 1000})
    window = gateway._window(RUNNING, 2.0, None, keyed=False)
    assert (window.cpu_us, window.per_s) == (2000.0, 400.0)


def test_a_gateway_that_refuses_is_not_measured(loads) -> None:
    """Refusals are cheap: they would make a good figure."""
    loads({"202": 999, "429": 1})
    with pytest.raises(RuntimeError, match="429"):
        gateway._window(RUNNING, 2.0, None, keyed=False)
