"""The life of `loanstream up`, with children that only sleep."""

import json
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from loanstream.stack.fresh import clear
from loanstream.stack.supervisor import MARK
from schemas.problem import Problem

SCRIPT = Path(__file__).with_name("sleeping_stack.py")
Start = Callable[..., "Started"]


class Started:
    def __init__(self, state: Path, trouble: str) -> None:
        self.state = state
        self.process = subprocess.Popen(
            [sys.executable, str(SCRIPT), str(state), trouble], stdout=subprocess.PIPE, text=True
        )

    def ready(self) -> "Started":
        wait_for(lambda: (self.state / "stack.json").exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.output()
        return self

    def processes(self) -> dict[str, int]:
        stack = json.loads((self.state / "stack.json").read_text())
        return {part["name"]: part["pid"] for part in stack["processes"]}

    def output(self) -> str:
        return self.process.communicate(timeout=20)[0]


def wait_for(condition: Callable[[], object], within_s: float = 20.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def left(state: Path) -> list[int]:
    """Processes that carry the state's mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(state.resolve()):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def run(trouble: str = "") -> Started:
        started.append(Started(tmp_path / "state", trouble))
        return started[-1]

    yield run
    for one in started:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()
    wait_for(lambda: not left(tmp_path / "state"))


def test_describes_itself_to_its_owner_alone(start: Start) -> None:
    """A ready stack has a stack.json with every process, readable by nobody but its owner."""
    stack = start().ready()
    assert set(stack.processes()) == {"kafka", "warehouse", "verify-0", "score-0"}
    assert all(psutil.pid_exists(pid) for pid in stack.processes().values())
    assert stat.S_IMODE((stack.state / "stack.json").stat().st_mode) == 0o600


def test_tells_how_far_the_start_is_and_what_comes_next(start: Start) -> None:
    """Each step is one line; then come Kafka's address, the gateway's, the banks, where to look, and the next command."""
    stack = start().ready()
    stack.process.terminate()
    lines = stack.output().splitlines()
    assert lines[1:5] == ["broker ready", "topics ready", "warehouse ready", "workers joined"]
    assert lines[5].endswith(": kafka 127.0.0.1:1")
    assert [line.split()[0] for line in lines[6:11]] == ["gateway", "tenants", "stack", "logs", "next"]
    assert lines[10].split(None, 1)[1] == f"loanstream submit FILE --state {stack.state}"


def test_a_stack_that_refuses_nobody_says_so(start: Start) -> None:
    """Whoever starts it without security reads first what that means; a secured one has nothing to say."""
    warned = "NOT SECURED: whoever reaches the broker"
    insecure = start("insecure").ready()
    insecure.process.terminate()
    assert insecure.output().splitlines()[0].startswith(warned)
    secured = start().ready()
    secured.process.terminate()
    assert warned not in secured.output()


def test_a_state_that_was_run_without_security_is_told_at_each_secured_start(start: Start) -> None:
    """Records of that time prove nobody, and look like all others: whoever starts it secured reads so, and when it was."""
    insecure = start("insecure").ready()
    insecure.process.terminate()
    assert "NOT PROVEN" not in insecure.output()
    for _ in range(2):
        secured = start().ready()
        secured.process.terminate()
        first = secured.output().splitlines()[0]
        assert first.startswith("NOT PROVEN: this state was run with --insecure, last started at 20")
        assert "NOT PROVEN" in (secured.state / "logs" / "supervisor.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_everything_when_told(start: Start, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end the stack with exit 0, no process and no stack.json left."""
    stack = start().ready()
    stack.process.send_signal(number)
    assert stack.process.wait(20) == 0
    assert left(stack.state) == []
    assert not (stack.state / "stack.json").exists()


@pytest.mark.parametrize("trouble", ["stubborn", "parent"])
def test_leaves_nothing_of_a_difficult_child(start: Start, trouble: str) -> None:
    """A child that ignores SIGTERM is killed, and so is what a child started itself."""
    stack = start(trouble).ready()
    time.sleep(0.3)
    stack.process.terminate()
    assert stack.process.wait(20) == 0
    assert left(stack.state) == []


def test_replaces_a_killed_child(start: Start) -> None:
    """A killed child is running again soon, and stack.json has its new process id."""
    stack = start().ready()
    before = stack.processes()
    psutil.Process(before["score-0"]).kill()
    wait_for(lambda: stack.processes().get("score-0") not in (None, before["score-0"]))
    after = stack.processes()
    assert psutil.pid_exists(after["score-0"])
    assert {name: pid for name, pid in after.items() if name != "score-0"} == {
        name: pid for name, pid in before.items() if name != "score-0"
    }


def test_says_when_a_child_is_back_and_how_long_it_was_away(start: Start) -> None:
    """On the terminal a line for the end and one for the return; in the supervisor's log both, as JSON with the time."""
    stack = start().ready()
    before = stack.processes()["score-0"]
    psutil.Process(before).kill()
    wait_for(lambda: stack.processes().get("score-0") not in (None, before))
    log = stack.state / "logs" / "supervisor.log"
    wait_for(lambda: "is back" in log.read_text())
    stack.process.terminate()
    ended, back = [line for line in stack.output().splitlines() if line.startswith("score-0")]
    assert re.fullmatch(r"score-0 ended \(killed by SIGKILL\) after [0-9.]+ s; starts again at once", ended)
    assert re.fullmatch(r"score-0 is back after [0-9.]+ s", back)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["message"] for line in lines if line["message"].startswith("score-0")] == [ended, back]
    assert all(line["stage"] == line["worker"] == "supervisor" and line["time"].endswith("Z") for line in lines)


def test_names_the_running_stack_to_a_second_start(start: Start) -> None:
    """A second `up` on a directory in use ends with one line that names the first one's process."""
    first = start().ready()
    second = start()
    line = second.output()
    assert second.process.returncode == 1
    assert str(first.process.pid) in line
    assert line.count("\n") == 1
    assert first.ready().processes()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends what a killed one left")
def test_children_die_with_a_killed_supervisor(start: Start) -> None:
    """After kill -9 of `up` the kernel ends its children."""
    stack = start().ready()
    # Until they have become their commands, children notice the missing parent themselves.
    wait_for(lambda: not any("bound.py" in str(psutil.Process(pid).cmdline()) for pid in left(stack.state)))
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: not left(stack.state), within_s=5)


def test_a_next_start_ends_what_a_killed_one_left(start: Start) -> None:
    """What outlived a killed `up` (here, a child's own child) is ended by the next one, which then gets ready."""
    stack = start("parent").ready()
    time.sleep(0.5)
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: len(left(stack.state)) == 1)
    orphan = left(stack.state)[0]
    (stack.state / "stack.json").unlink()  # the killed one's: `ready` would take it for the next one's
    again = start().ready()
    assert not psutil.pid_exists(orphan)
    again.process.terminate()
    assert f"process {orphan}" in again.output()


def test_says_why_a_child_does_not_start(start: Start) -> None:
    """A child that ends at every start stops `up` with one line: its name, its exit code, its last words."""
    stack = start("broken")
    line = stack.output().strip().splitlines()[-1]
    assert stack.process.returncode == 1
    assert "score-0" in line
    assert "exit 3" in line
    assert "out of cheese" in line
    assert left(stack.state) == []


def test_asks_the_suspects_first(start: Start) -> None:
    """Where what a child needs is known to be broken, that is said instead of its last words."""
    line = start("accused").output().strip().splitlines()[-1]
    assert line == "score-0 does not start (exit 3): the mice"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("full", "1 MiB free at {state}, 512 MiB needed; make room, or take another --state"),
        ("fills", "no space left on the disk of {state}; make room, or take another --state"),
        ("late", "no space left on the disk of {state}; make room, or take another --state"),
    ],
)
def test_says_that_the_disk_is_full(start: Start, trouble: str, said: str) -> None:
    """A disk that is full at the start, or becomes so on the way, is one line with the path and two ways out."""
    stack = start(trouble)
    assert stack.output().splitlines()[-1] == said.format(state=stack.state)
    assert stack.process.returncode == 1
    assert left(stack.state) == []


def test_keeps_the_last_runs_log(start: Start) -> None:
    """A start begins its logs anew and keeps one old log of each process."""
    stack = start("broken")
    stack.output()
    start().ready()
    assert "out of cheese" in (stack.state / "logs" / "score-0.log.1").read_text()
    assert (stack.state / "logs" / "score-0.log").read_text() == ""


def test_a_state_is_emptied_once_its_stack_has_stopped(start: Start) -> None:
    """While the stack runs nothing is taken from it; what it leaves is known as a state, and goes."""
    stack = start().ready()
    with pytest.raises(Problem, match=f"already running at {stack.state} .process {stack.process.pid}"):
        clear(stack.state)
    assert stack.processes()
    stack.process.terminate()
    assert stack.process.wait(20) == 0
    clear(stack.state)
    assert [path.name for path in stack.state.iterdir()] == ["up.lock"]
