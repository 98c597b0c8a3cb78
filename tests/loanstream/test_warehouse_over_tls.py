"""A warehouse whose certificate is signed by a private CA."""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.gateway.on_kafka import _client
from loanstream.installation import Installation
from loanstream.reach import warehouse_fault
from loanstream.settings import load
from loanstream.stack.pki import AUTH, Pki

URL, CA = "LOANSTREAM_WAREHOUSE_URL", "LOANSTREAM_WAREHOUSE_CA"


@dataclass(frozen=True)
class Served:
    """Where it answers, whom to trust, and the paths that it was asked for."""

    url: str
    ca: Path
    asked: list[str]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Answers /ping, and refuses whatever else is asked."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/ping" else 403)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, *_: object) -> None:
            pass

    pki = Pki(tmp_path / "keys", tmp_path / "tls")
    pki.make()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.leaf(AUTH))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Served(f"https://localhost:{server.server_address[1]}", pki.ca, asked)
    server.shutdown()
    server.server_close()


def described(**settings: str) -> Installation:
    return Installation(load(settings))


def test_it_is_reached_where_its_ca_is_named(served: Served) -> None:
    """Install's first look believes it, and whom the machine trusts does not count."""
    assert warehouse_fault(described(**{URL: served.url, CA: str(served.ca)})) is None
    assert str(warehouse_fault(described(**{URL: served.url}))) == f"{URL}: {served.url} does not answer"


def test_a_ca_that_cannot_be_read_is_told_by_its_variable(served: Served, tmp_path: Path) -> None:
    """The line names the setting and the file, not the warehouse."""
    for wrong in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        if wrong.name == "empty.pem":
            wrong.touch()
        said = str(warehouse_fault(described(**{URL: served.url, CA: str(wrong)})))
        assert said == f"{CA}: no certificates (PEM) can be read from {wrong}"
    assert served.asked == []


@pytest.mark.parametrize("whose", ["reader", "writer", "gateway"])
def test_every_client_believes_the_ca_that_is_named(served: Served, whose: str) -> None:
    """Commands, record and gateway send nothing to a server that the named CA does not vouch for."""
    clients = {
        "reader": Installation.warehouse,
        "writer": Installation.warehouse_writer,
        "gateway": lambda i: _client(i)(),
    }
    with pytest.raises((ClickHouseError, OSError)):
        clients[whose](described(**{URL: served.url}))
    assert served.asked == []
    with pytest.raises(ClickHouseError):  # it refuses, and so it was asked
        clients[whose](described(**{URL: served.url, CA: str(served.ca)}))
    assert served.asked != []
