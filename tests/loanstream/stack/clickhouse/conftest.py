"""A warehouse in a process of its own, as the stack starts it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

PASSWORDS = {f"LOANSTREAM_WAREHOUSE_{user.upper()}_PASSWORD": f"{user}-password" for user in ("writer", "reader")}


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def client(self, user: str = "writer", **options) -> Client:
        options.setdefault("password", f"{user}-password")
        options.setdefault("database", "loanstream")
        return clickhouse_connect.get_client(host="127.0.0.1", port=self.port, username=user, **options)

    def post(
        self, body: bytes, query: str = "", user: str = "writer", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": f"{user}-password"} | headers
        request = urllib.request.Request(f"{self.url}?{query}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


Start = Callable[..., Server]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Start warehouses; whatever still runs at the end of the module is killed."""
    logs, started = tmp_path_factory.mktemp("logs"), []

    def run(directory: Path, *options: str) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = logs / f"{len(started)}.log"

        command = [sys.executable, "-m", "loanstream.stack.clickhouse", "--data", str(directory), "--port", str(port)]
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [*command, "--reserve", str(1 << 20), *options], stderr=stderr, env=os.environ | PASSWORDS
            )
        server = Server(process, port, log)
        started.append(server)
        for _ in range(1500):
            try:
                urllib.request.urlopen(server.url + "ping")
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            else:
                return server
        raise AssertionError("the warehouse did not answer /ping")

    yield run
    for server in started:
        server.process.kill()
        server.process.wait()


@pytest.fixture(scope="module")
def server(start: Start, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The module's one warehouse."""
    return start(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture
def writer(server: Server) -> Iterator[Client]:
    """A client of the writer account."""
    client = server.client()
    yield client
    client.close()


@pytest.fixture
def reader(server: Server) -> Iterator[Client]:
    """A client of the reader account."""
    client = server.client("reader")
    yield client
    client.close()
