"""A token server of its own process, with a certificate of a throwaway CA."""

import signal
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).parents[3]))  # test folders are no packages

from throwaway_ca import Tls, make_tls

from loanstream.stack import ports
from loanstream.stack.auth.child import AuthServer
from loanstream.stack.auth.ring import Times


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    """A certificate that a CA of ours signed."""
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def other_tls(tmp_path) -> Tls:
    """A certificate of another CA."""
    return make_tls(tmp_path)


@dataclass
class Running:
    """A server in a process of its own, and a client that trusts it."""

    server: AuthServer
    log: Path
    process: subprocess.Popen | None = None
    trusted: ssl.SSLContext = field(init=False)

    def __post_init__(self):
        self.trusted = ssl.create_default_context(cafile=self.server.ca)
        self.http = httpx.Client(verify=self.trusted, base_url=self.server.endpoints.issuer, timeout=10)

    def start(self):
        """Start it and wait until it answers."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.server.command, stdout=out, stderr=out)
        until = time.monotonic() + 20
        while not self.server.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            time.sleep(0.05)

    def stop(self, number=signal.SIGTERM) -> int:
        """Stop it; its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(number)
        return process.wait(10)

    def ask(self, secret, **form) -> httpx.Response:
        """Ask for a token by HTTP Basic."""
        return self.http.post(
            "/oauth/token",
            data={"grant_type": "client_credentials", **form},
            auth=(secret.client_id, secret.client_secret),
        )

    def jwks(self) -> dict:
        """The public keys that it serves now."""
        return self.http.get("/jwks.json").json()


@pytest.fixture
def make_server(tmp_path, tls):
    """Starts servers, each of an empty state; tokens live for three seconds, keys wait for two."""
    made = []

    def make(**more) -> Running:
        folder = tmp_path / str(len(made))
        folder.mkdir(mode=0o700)
        times = Times(life_s=3, refresh_s=2, leeway_s=1)
        port = ports.keep_or_pick(folder / "ports.json", ("auth",))["auth"]
        state = folder / "state"
        state.mkdir(mode=0o700)
        server = AuthServer(state, port, tls.cert, tls.key, tls.ca, times, **more)
        made.append(Running(server, folder / "auth.log"))
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()
        each.http.close()


@pytest.fixture
def running(make_server) -> Running:
    """A started server."""
    return make_server()
