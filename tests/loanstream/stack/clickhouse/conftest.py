"""Warehouses of these tests' own, spoken to below and above the client's level."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse


class Server(EmbeddedWarehouse):
    """A warehouse whose clients keep sessions unless told not to, and which plain HTTP requests reach."""

    def client(self, account: str = "writer", **options: Any) -> Client:
        options.setdefault("password", self.passwords.get(account))
        options.setdefault("database", "loanstream")
        return clickhouse_connect.get_client(host="127.0.0.1", port=self.port, username=account, **options)

    def post(
        self, body: bytes, query: str = "", user: str = "writer", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": self.passwords.get(user, "")} | headers
        request = urllib.request.Request(f"{self.url}/?{query}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()


Start = Callable[..., Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start warehouses; whatever still runs at the end of the test is killed."""
    started: list[Server] = []

    def run(directory: Path, **options: int) -> Server:
        started.append(Server(directory, **options))
        started[-1].start()
        return started[-1]

    yield run
    for server in started:
        server.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one warehouse of this folder, without a migration."""
    with Server(tmp_path_factory.mktemp("engine")) as started:
        yield started


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
