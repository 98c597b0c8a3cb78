"""A server that a test or tool starts: told when it answers, stopped in order, and gone with whoever started it."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from loanstream.stack.child import Child
from schemas.problem import Problem

ROOT = Path(__file__).resolve().parents[3]
SLEEP = [sys.executable, "-c", "import time; time.sleep(1000)"]
KILLED = """
import sys, time
from pathlib import Path
from tests.loanstream.stack.test_child import SLEEP, Server
server = Server(Path(sys.argv[1]), SLEEP, lambda: True)
server.start()
print(server.pid, flush=True)
time.sleep(1000)
"""


class Server(Child):
    def __init__(self, folder, command, answers):
        super().__init__("server", folder / "log", 5.0)
        self.command, self.answers = command, answers

    def start(self):
        self._launch(self.command, self.answers)
        return "here"


def test_a_server_that_ends_before_it_answers_is_a_problem_with_its_last_words(tmp_path):
    """Whoever starts a server that cannot run reads why, and not that time ran out."""
    server = Server(tmp_path, [sys.executable, "-c", "import sys; sys.exit('the port is taken')"], lambda: False)
    with pytest.raises(Problem, match="the server did not start: the port is taken"):
        server.start()
    with pytest.raises(Problem, match="the server is not running"):
        _ = server.pid


def test_a_server_runs_within_its_context_and_not_after(tmp_path):
    """A test that is over leaves no server behind."""
    with Server(tmp_path, SLEEP, lambda: True) as server:
        process = psutil.Process(server.pid)
        assert process.is_running()
    assert not process.is_running()
    assert server.stop() is None


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone does it")
def test_a_server_dies_with_a_killed_test_run(tmp_path):
    """A test run that is killed cannot stop its broker; the kernel does."""
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        server = psutil.Process(int(run.stdout.readline()))
        run.kill()
    until = time.monotonic() + 10
    while server.is_running() and server.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "it outlived the run"
        time.sleep(0.02)
