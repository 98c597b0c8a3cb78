"""A server in a process of its own, for tests and tools: started, waited for, stopped, and never left behind."""

import os
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from loanstream.stack.bound import bound
from loanstream.stack.log_tail import telling_last_line
from schemas.problem import Problem

STOP_WITHIN_S = 10.0
LOOK_EVERY_S = 0.02


class Child(ABC):
    """What `start` of a subclass starts by `_launch`; as a context manager it is running within.

    Where the process that started it (from its main thread) is killed, Linux ends it too.
    """

    def __init__(self, name: str, log: Path, ready_within_s: float) -> None:
        self.log = log
        self._name, self._ready_within_s = name, ready_within_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id. Problem when it does not run."""
        if self._process is None:
            raise Problem(f"the {self._name} is not running")
        return self._process.pid

    @abstractmethod
    def start(self) -> str:
        """Start it and wait until it answers; its address. Problem that says why not."""

    def stop(self) -> int | None:
        """Stop it in order, kill it when that takes longer than 10 s; its exit code, None where it did not run."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.terminate()
        try:
            return process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self) -> None:
        """End it as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _launch(
        self,
        command: Sequence[str],
        answers: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        fault: Callable[[], str | None] = lambda: None,
    ) -> None:
        """Run `command` until it `answers`. Problem where it does not, with its `fault` or its log's telling line."""
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                bound(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | (environment or {})
            )
        until = time.monotonic() + self._ready_within_s
        while not answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Problem(f"the {self._name} did not start: {fault() or telling_last_line(self.log)}")
            time.sleep(LOOK_EVERY_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
