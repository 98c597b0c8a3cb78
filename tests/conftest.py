"""What every test run has: the public data's address, a warehouse of one's own where a test asks for one, a closing line."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from processors.warehouse.migrate import migrate

PUBLIC_DATA = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say which data the tests of training, files and the spine ran on."""
    found = (PUBLIC_DATA / "loan_approval_dataset.csv").is_file()
    said = "the public loan data" if found else "seeded data of the public set's layout (LOANSTREAM_DATA names none)"
    terminalreporter.write_line(f"data: {said}")


WRITER, READER = "w-secret", "r-secret"


class WarehouseServer:
    """The engine behind its HTTP front, in a process of its own, with its data kept over a restart."""

    def __init__(self, data: Path) -> None:
        self.data = data
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        passwords = {
            "LOANSTREAM_WAREHOUSE_WRITER_PASSWORD": WRITER,
            "LOANSTREAM_WAREHOUSE_READER_PASSWORD": READER,
        }
        command = [sys.executable, "-m", "loanstream.clickhouse", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(command, env={**os.environ, **passwords})
        deadline = time.monotonic() + 30
        while True:
            try:
                self.client().close()
            except (ClickHouseError, OSError):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            else:
                return

    def client(self, user: str = "writer") -> Any:
        return clickhouse_connect.get_client(
            host="127.0.0.1",
            port=self.port,
            username=user,
            password=WRITER if user == "writer" else READER,
            autogenerate_session_id=False,
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseServer]:
    started = WarehouseServer(tmp_path_factory.mktemp("warehouse") / "data")
    try:
        migrate(started.client())
        yield started
    finally:
        started.stop()


@pytest.fixture
def empty(server: WarehouseServer) -> WarehouseServer:
    """The server with every table emptied."""
    client = server.client()
    for (name,) in client.query(
        "SELECT name FROM system.tables WHERE database = 'loanstream' AND name LIKE '%_log'"
    ).result_rows:
        client.command(f"TRUNCATE TABLE loanstream.{name}")
    return server


class Refused(list):
    """Collects what a sink refuses, as (offset, cause, fields)."""

    def __call__(self, message, cause, errors):
        self.append((message.offset(), cause, [error.field for error in errors]))


@pytest.fixture
def refused() -> Refused:
    return Refused()
