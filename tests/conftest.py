"""What every test run has: the public data's address, a warehouse of one's own where a test asks for one, a closing line."""

import csv
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import numpy as np
import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.public_loans import APPROVED, ID, LABEL, REJECTED
from stores.warehouse.migrate import migrate
from training.data import COLUMNS

PUBLIC_DATA = Path(os.environ.get("LOANSTREAM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say which data the tests of training, files and the spine ran on."""
    found = (PUBLIC_DATA / "loan_approval_dataset.csv").is_file()
    said = "the public loan data" if found else "seeded data of the public set's layout (LOANSTREAM_DATA names none)"
    terminalreporter.write_line(f"data: {said}")


@pytest.fixture(scope="session")
def sample_csv() -> Callable[[int, int], bytes]:
    """Makes seeded loans (how many, which seed) in the public set's layout, for where that set is absent."""
    return _sample_csv


def _sample_csv(rows: int, seed: int) -> bytes:
    """A seeded sample in the public set's layout, with its spaced headers and its rule for the label: assets cover the
    loan and the CIBIL score is at least 550, or a short loan of at least three years' income.
    """
    rng = np.random.default_rng(seed)
    hundred_thousands = 100_000
    income = rng.integers(2, 100, rows) * hundred_thousands
    amount = np.maximum(income * rng.uniform(1.5, 4.0, rows) // hundred_thousands, 1) * hundred_thousands
    term = rng.integers(1, 11, rows) * 2
    cibil = rng.integers(300, 901, rows)
    share = rng.dirichlet([3.0, 2.0, 6.0, 2.0], rows)
    total = amount * rng.uniform(0.75, 4.5, rows)
    assets = (share * total[:, None] // hundred_thousands) * hundred_thousands
    approved = (assets.sum(axis=1) >= amount) & ((cibil >= 550) | ((term <= 4) & (amount >= 3 * income)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([ID, *(f" {name}" for name in COLUMNS.values()), f" {LABEL}"])
    for i in range(rows):
        education, employed = rng.choice([" Graduate", " Not Graduate"]), rng.choice([" Yes", " No"])
        numbers = [income[i], amount[i], term[i], cibil[i], *assets[i]]
        label = f" {APPROVED if approved[i] else REJECTED}"
        writer.writerow([i + 1, rng.integers(0, 6), education, employed, *(int(n) for n in numbers), label])
    return out.getvalue().encode()


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
        command = [
            sys.executable,
            "-m",
            "loanstream.stack.clickhouse",
            "--data",
            str(self.data),
            "--port",
            str(self.port),
        ]
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
