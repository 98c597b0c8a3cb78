"""A warehouse in a process of its own, as the stack starts it.

`EmbeddedWarehouse(directory)` is a warehouse for tests and tools; the supervisor has a row of its own for it.
"""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from loanstream.stack import ports
from loanstream.stack.bound import bound
from loanstream.stack.clickhouse.engine import DATABASE
from loanstream.stack.log_tail import telling_last_line
from loanstream.stack.probe import answers
from schemas.problem import Problem
from stores.warehouse.client import connect

ACCOUNTS = ("writer", "reader")
RESERVE_BYTES = 1 << 20
"""Held for deleting rows on a full disk: less than the stack's, a short life writes little."""

READY_WITHIN_S = 30.0
STOP_WITHIN_S = 10.0


class EmbeddedWarehouse:
    """A warehouse with its data in `directory` and passwords of its own, for tests and tools.

    with EmbeddedWarehouse(tmp_path) as warehouse:
        migrate(warehouse.client())
        warehouse.client("reader").query("SELECT count() FROM decisions")

    It has the engine's database and no tables. A second start finds the data again, at the same address;
    where the process that started it (from its main thread) is killed, Linux ends it too.
    """

    def __init__(self, directory: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.directory = directory
        self.log = directory / "warehouse.log"
        self.passwords = {account: secrets.token_hex(16) for account in ACCOUNTS}
        self.port = 0
        self._reserve_bytes = reserve_bytes
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:PORT`."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The warehouse's process id. Problem when it does not run."""
        if self._process is None:
            raise Problem("the warehouse is not running")
        return self._process.pid

    def client(self, account: str = "writer") -> Any:
        """A new clickhouse-connect client of `writer` or `reader`; to be closed by who asks."""
        return connect(self.url, account, self.passwords[account], DATABASE)

    def start(self) -> str:
        """Start the warehouse and wait until it answers; its address. Problem that says why not."""
        self.port = ports.keep_or_pick(self.directory / ports.FILE, ("warehouse",))["warehouse"]
        command = [sys.executable, "-m", "loanstream.stack.clickhouse", "--data", str(self.directory)]
        command += ["--port", str(self.port), "--reserve", str(self._reserve_bytes)]
        passwords = {f"LOANSTREAM_WAREHOUSE_{name.upper()}_PASSWORD": word for name, word in self.passwords.items()}
        with self.log.open("wb") as out:
            self._process = subprocess.Popen(
                bound(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=os.environ | passwords
            )
        until = time.monotonic() + READY_WITHIN_S
        while not answers(f"http://{ports.LOOPBACK}:{self.port}/ping"):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise Problem(f"the warehouse did not start: {telling_last_line(self.log)}")
            time.sleep(0.02)
        return self.url

    def stop(self) -> int | None:
        """Stop the warehouse in order, kill it when that takes longer than 10 s; its exit code, if it ran."""
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
        """End the warehouse as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
