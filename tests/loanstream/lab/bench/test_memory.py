"""Memory's curves go on when the supervisor replaces a worker, and say that it did."""

import subprocess
import sys
from contextlib import contextmanager
from types import SimpleNamespace

from loanstream.lab.bench import flood
from loanstream.stack.running import RunningStack


@contextmanager
def sleeper():
    command = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # a process that has only just begun has no memory to speak of
        yield process
        process.kill()


def stack(process):
    return SimpleNamespace(
        stack={"processes": [{"name": "score-0", "pid": process.pid}]}, layout=SimpleNamespace(state=None)
    )


def test_a_replaced_process_is_followed_and_counted(monkeypatch):
    """Between the death and the successor a look finds nothing, and that is no fault."""
    with sleeper() as first, sleeper() as second:
        here = stack(first)
        monkeypatch.setattr(RunningStack, "at", lambda _: here)
        memory = flood._Memory(here)
        memory.warmed()
        first.kill()
        first.wait()
        memory.sample(now=True)
        here = stack(second)
        memory.sample(now=True)
        memory.sample(now=True)
    assert len(memory.curves[0].points) == 2
    figures = memory.summary()["score-0"]
    assert figures.pop("restarts") == 1
    assert all(megabytes > 1 for megabytes in figures.values())


def test_what_is_held_when_all_is_done_is_told_apart_from_what_the_work_held(monkeypatch):
    """`end` and `most` are of the work, `settled` of the idle time after it; `start` does not count the warm-up."""
    held = [50, 100, 300, 200, 110]
    monkeypatch.setattr(flood, "IDLE_S", 0.02)
    monkeypatch.setattr(flood, "SAMPLE_S", 0.01)
    monkeypatch.setattr(flood.psutil, "Process", lambda _: HeldMemory(held))
    memory = flood._Memory(stack(SimpleNamespace(pid=1)))
    memory.sample(now=True)
    memory.warmed()
    memory.sample(now=True)
    memory.sample(now=True)
    memory.settled()
    figures = memory.summary()["score-0"]
    assert figures == {"start": 100, "end": 200, "most": 300, "settled": 110, "restarts": 0}


class HeldMemory:
    """A process that holds so many megabytes from look to look, and the last of them for good."""

    def __init__(self, megabytes):
        self._left = list(megabytes)

    def memory_info(self):
        held = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        return SimpleNamespace(rss=held * 1_000_000)
