"""Keeps a table of child processes running: starts them, restarts what dies, stops them in order, leaves nothing.

Every child is the leader of its own process group and dies with the supervisor (`bound.py`). One thread, the main one,
calls `tick` again and again: the kernel ties a child to the thread that started it.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from loanstream.stack.bound import bound
from loanstream.stack.layout import ProcessPart
from loanstream.stack.log_tail import last_words, telling_last_line
from schemas.problem import Problem

MARK = "LOANSTREAM_STACK"
"""Environment variable of every child: the state directory it belongs to. A later start finds leftovers by it."""

TICK_S = 0.05
BACKOFF_FIRST_S = 0.1
BACKOFF_MOST_S = 5.0
BACKGROUND_NICE = 10
STEADY_AFTER_S = 30.0
"""A child that lived this long starts again without waiting."""
DEATHS_AT_START = 3
"""A child that dies this often before it was ready once ends the start."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """One row of the process table.

    `stop_rank` orders the stop (lowest first, a rank at once); `stop_within_s` is what a child of it gets before it is
    killed. `is_ready` is asked until it first says yes after each start. A `background` child gives way to the others
    where processors are scarce. Of one that does not start, the `suspects` are asked in turn for the line that says
    why; where none has one, its log's last words stand.
    """

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stop_rank: int = 0
    stop_within_s: float = 6.0
    background: bool = False
    suspects: tuple[Callable[[], str | None], ...] = ()


@dataclass(slots=True)
class _Run:
    child: Child
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    ready: bool = False
    was_ready: bool = False
    deaths: int = 0
    start_at: float = 0.0
    away_since: float | None = None


def _give_way(pid: int) -> None:
    """Lower a process' share of the processors. Where Linux groups sessions for its scheduler, the group's counts."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, BACKGROUND_NICE)
        Path(f"/proc/{pid}/autogroup").write_text(str(BACKGROUND_NICE))


class Supervisor:
    """Runs the children of one state directory. `on_change` is called when a process was replaced, `tell` gets a line
    when one ended and when it is back.
    """

    def __init__(
        self,
        state: Path,
        logs: Path,
        children: Iterable[Child],
        on_change: Callable[[], None],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._state = str(state.resolve())
        self._logs = logs
        self._on_change = on_change
        self._tell = tell
        self._runs = {child.name: _Run(child) for child in children}

    def start(self) -> None:
        """Start every child. Their logs begin anew, the last ones are kept as `<name>.log.1`."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for run in self._runs.values():
            log = self._log(run)
            if log.exists():
                log.replace(log.with_suffix(".log.1"))
            self._spawn(run)

    def tick(self) -> None:
        """One round: notice deaths, start again what is due, ask the unready. Problem if a child cannot start."""
        replaced = False
        for run in self._runs.values():
            if run.process is not None and _has_exited(run.process):
                self._note_death(run)
            elif run.process is not None and not run.ready and run.child.is_ready():
                run.ready = run.was_ready = True
                self._note_return(run)
            if run.process is None and time.monotonic() >= run.start_at:
                self._spawn(run)
                replaced = True
        if replaced:
            self._on_change()

    def is_ready(self, *names: str) -> bool:
        """Whether the named children (all, without names) are ready since their last start."""
        return all(run.ready for name, run in self._runs.items() if not names or name in names)

    def unready(self) -> list[str]:
        """The names of children that are not ready."""
        return [name for name, run in self._runs.items() if not run.ready]

    def processes(self) -> list[ProcessPart]:
        """Name and process id of every child that runs."""
        return [{"name": name, "pid": run.process.pid} for name, run in self._runs.items() if run.process is not None]

    def stop(self) -> None:
        """Stop all, rank by rank; kill what does not stop in its time, and whatever a child left in its group."""
        for rank in sorted({run.child.stop_rank for run in self._runs.values()}):
            runs = [run for run in self._runs.values() if run.child.stop_rank == rank and run.process is not None]
            for run in runs:
                _signal(run.process, signal.SIGTERM)
            for run in runs:
                until = time.monotonic() + run.child.stop_within_s
                while not _has_exited(run.process) and time.monotonic() < until:
                    time.sleep(0.01)
                _end_group(run.process)
                run.process = None

    def _spawn(self, run: _Run) -> None:
        environment = os.environ | dict(run.child.environment) | {MARK: self._state}
        with self._log(run).open("ab") as log:
            run.process = subprocess.Popen(
                bound(run.child.command),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if run.child.background:
            _give_way(run.process.pid)
        run.started = time.monotonic()
        run.ready = False

    def _note_death(self, run: _Run) -> None:
        assert run.process is not None
        code = _end_group(run.process)
        run.process = None
        lived = time.monotonic() - run.started
        run.deaths = 1 if lived > STEADY_AFTER_S else run.deaths + 1
        if not run.was_ready and run.deaths >= DEATHS_AT_START:
            raise Problem(f"{run.child.name} does not start ({ending(code)}): {self._why(run)}")
        wait = 0.0 if run.deaths == 1 else min(BACKOFF_FIRST_S * 2**run.deaths, BACKOFF_MOST_S)
        run.start_at = time.monotonic() + wait
        if run.away_since is None:
            run.away_since = time.monotonic()
        # Whom a signal ended did not end for what he said before.
        words = last_words(self._log(run)) if code is not None and code >= 0 else None
        self._say(
            logging.WARNING,
            f"{run.child.name} ended ({ending(code)}) after {lived:.1f} s{f': {words}' if words else ''}; "
            f"starts again {f'in {wait:.1f} s' if wait else 'at once'}",
        )

    def _note_return(self, run: _Run) -> None:
        if run.away_since is None:
            return
        away, run.away_since = time.monotonic() - run.away_since, None
        self._say(logging.INFO, f"{run.child.name} is back after {away:.1f} s")

    def _say(self, level: int, line: str) -> None:
        logger.log(level, line)
        self._tell(line)

    def _why(self, run: _Run) -> str:
        known = (suspect() for suspect in run.child.suspects)
        return next((line for line in known if line), None) or telling_last_line(self._log(run))

    def _log(self, run: _Run) -> Path:
        return self._logs / f"{run.child.name}.log"


def ending(code: int | None) -> str:
    """How a process ended, as a person says it.

    >>> ending(1), ending(-9), ending(-99)
    ('exit 1', 'killed by SIGKILL', 'killed by signal 99')
    """
    if code is None or code >= 0:
        return f"exit {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def end_leftovers(state: Path) -> list[int]:
    """Kill what a killed supervisor of `state` left running; the process ids. Call it holding the state's lock."""
    mark = str(state.resolve())
    ended = [process for process in psutil.process_iter() if _mark_of(process) == mark]
    for process in ended:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(ended, timeout=5)
    return [process.pid for process in ended]


def _mark_of(process: psutil.Process) -> str | None:
    if process.pid == os.getpid():
        return None
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        # Another user's process, or one that is gone: not ours.
        return None


def _has_exited(process: subprocess.Popen[bytes] | None) -> bool:
    """Whether the process ended, leaving it unreaped: until then its id, and its group's, cannot be used again."""
    if process is None or process.returncode is not None:
        return True
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(process: subprocess.Popen[bytes] | None) -> int | None:
    """Kill the process and what it left in its group; reap it; its exit code."""
    if process is None:
        return None
    _signal(process, signal.SIGKILL, group=True)
    return process.wait()


def _signal(process: subprocess.Popen[bytes] | None, number: signal.Signals, *, group: bool = False) -> None:
    if process is None or process.returncode is not None:
        return
    try:
        if group:
            os.killpg(process.pid, number)
        else:
            os.kill(process.pid, number)
    except (ProcessLookupError, PermissionError):
        # macOS refuses to signal a group of zombies; both mean that there is nobody left to signal.
        return
