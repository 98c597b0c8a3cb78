"""A warehouse in a process of its own, as the stack starts it.

`EmbeddedWarehouse(directory)` is a warehouse for tests and tools; the supervisor has a row of its own for it.
"""

import secrets
import sys
from pathlib import Path
from typing import Any

from loanstream.stack import ports
from loanstream.stack.child import Child
from loanstream.stack.clickhouse.engine import DATABASE
from loanstream.stack.probe import answers
from stores.warehouse.client import connect

ACCOUNTS = ("writer", "reader")
RESERVE_BYTES = 1 << 20
"""Held for deleting rows on a full disk: less than the stack's, a short life writes little."""

READY_WITHIN_S = 30.0


class EmbeddedWarehouse(Child):
    """A warehouse with its data in `directory` and passwords of its own, for tests and tools.

    with EmbeddedWarehouse(tmp_path) as warehouse:
        migrate(warehouse.client())
        warehouse.client("reader").query("SELECT count() FROM decisions")

    It has the engine's database and no tables. A second start finds the data again, at the same address.
    """

    def __init__(self, directory: Path, *, reserve_bytes: int = RESERVE_BYTES) -> None:
        super().__init__("warehouse", directory / "warehouse.log", READY_WITHIN_S)
        self.directory = directory
        self.passwords = {account: secrets.token_hex(16) for account in ACCOUNTS}
        self.port = 0
        self._reserve_bytes = reserve_bytes

    @property
    def url(self) -> str:
        """Where it answers: `http://127.0.0.1:PORT`."""
        return f"http://{ports.LOOPBACK}:{self.port}"

    def client(self, account: str = "writer") -> Any:
        """A new clickhouse-connect client of `writer` or `reader`; to be closed by who asks."""
        return connect(self.url, account, self.passwords[account], DATABASE)

    def start(self) -> str:
        """Start the warehouse and wait until it answers; its address. Problem that says why not."""
        self.port = ports.keep_or_pick(self.directory / ports.FILE, ("warehouse",))["warehouse"]
        command = [sys.executable, "-m", "loanstream.stack.clickhouse", "--data", str(self.directory)]
        command += ["--port", str(self.port), "--reserve", str(self._reserve_bytes)]
        passwords = {f"LOANSTREAM_WAREHOUSE_{name.upper()}_PASSWORD": word for name, word in self.passwords.items()}
        self._launch(command, lambda: answers(f"{self.url}/ping"), passwords)
        return self.url
