"""A real Apache Kafka: one KRaft node on loopback, from cached jars, on the environment's Java.

`EmbeddedKafka(directory)` is a broker for tests and tools; the supervisor takes `broker_command` and `is_ready`.
"""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from loanstream.stack import ports
from loanstream.stack.kafka import after_kill, jars
from loanstream.stack.kafka.archive import java_command, prepare
from loanstream.stack.kafka.node import PORT_NAMES, format_directory, is_ready, write_properties
from loanstream.stack.log_tail import telling_last_line
from schemas.problem import Problem

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0


def bootstrap(directory: Path) -> str:
    """The address a broker in `directory` listens on (or will, once started): `127.0.0.1:PORT`."""
    chosen = ports.keep_or_pick(directory / ports.FILE, PORT_NAMES)
    return f"{ports.LOOPBACK}:{chosen['broker']}"


def broker_command(
    directory: Path, *, cache: Path | None = None, on_progress: Callable[[str], None] = lambda _: None
) -> tuple[str, list[str]]:
    """The address and the command of a broker whose data live in `directory`; formats the directory when new.

    Fetches jars and makes the start-up archive where the user's cache has none. Raises Problem.
    """
    home = jars.broker_home(cache)
    prepare(home, on_progress)
    format_directory(directory, home)
    properties, address = write_properties(directory)
    return address, after_kill.broker_command(directory, java_command(home, "kafka.Kafka", str(properties)))


class EmbeddedKafka:
    """A broker with its data in `directory`, for tests and tools.

    with EmbeddedKafka(tmp_path) as broker:
        Producer({"bootstrap.servers": broker.bootstrap})

    `start` returns the bootstrap address when the broker answers; a second start finds the data again.
    """

    def __init__(self, directory: Path, *, cache: Path | None = None) -> None:
        self.directory = directory
        self.bootstrap = ""
        self._cache = cache
        self._home = jars.broker_home(cache)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The broker's process id. Problem when it does not run."""
        if self._process is None:
            raise Problem("the broker is not running")
        return self._process.pid

    def start(self) -> str:
        """Start the broker and wait until it answers; its bootstrap address. Problem that says why not."""
        self.bootstrap, command = broker_command(self.directory, cache=self._cache)
        log = self.directory / "kafka.log"
        with log.open("wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        until = time.monotonic() + READY_WITHIN_S
        while not is_ready(self.bootstrap):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Problem(f"the broker did not start: {jars.corrupt(self._home) or telling_last_line(log)}")
            time.sleep(0.05)
        return self.bootstrap

    def stop(self) -> None:
        """Stop the broker in order; kill it when that takes longer than 10 s."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
