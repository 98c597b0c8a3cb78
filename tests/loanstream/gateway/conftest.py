"""A gateway in a process of its own, with a certificate of a throwaway CA and a provider's keys in a file."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey

sys.path.append(str(Path(__file__).parents[2]))  # test folders are no packages

from throwaway_ca import Tls, make_tls

from loanstream.gateway.child import Gateway, Provider
from loanstream.stack.ports import LOOPBACK
from stores.documents.blobs import FileBlobs
from stores.keys import KeyFiles

ISSUER = "https://localhost:9/provider"
SCOPES = "applications:write documents:write decisions:read score:run reviews:read reviews:write"


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    """A CA and a certificate for localhost that it signed."""
    return make_tls(tmp_path_factory.mktemp("tls"))


@dataclass
class Running:
    """A gateway in a process of its own, and a client that trusts it."""

    gateway: Gateway
    signs: ECKey
    log: Path
    documents: FileBlobs
    process: subprocess.Popen | None = None
    trusted: ssl.SSLContext = field(init=False)

    def __post_init__(self):
        self.trusted = ssl.create_default_context(cafile=self.gateway.ca)
        self.http = httpx.Client(verify=self.trusted, base_url=self.gateway.url, timeout=10)

    def start(self, **settings: str) -> None:
        """Start it and wait until it answers."""
        program = Path(__file__).with_name("absent_gateway.py")
        environment = os.environ | self.gateway.environment | settings
        root = str(Path(__file__).resolve().parents[3])
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(program)], env=environment | {"PYTHONPATH": root}, stdout=out, stderr=out
            )
        until = time.monotonic() + 30
        while not self.lives():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < until
            time.sleep(0.05)

    def lives(self) -> bool:
        """Whether it answers."""
        try:
            return self.http.get("/healthz").is_success
        except httpx.TransportError:
            return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(20)

    def token(self, **claims: object) -> str:
        """A token of bank-a's client."""
        now = int(time.time())
        full = {
            "iss": ISSUER,
            "aud": "loanstream-gateway",
            "exp": now + 300,
            "iat": now,
            "sub": "bank-a-producer",
            "client_id": "bank-a-producer",
            "tenant": "bank-a",
            "scope": SCOPES,
        } | claims
        return jwt.encode({"alg": "ES256", "typ": "at+jwt", "kid": "one"}, full, self.signs)

    @property
    def bearer(self) -> dict[str, str]:
        """The header with one."""
        return {"Authorization": f"Bearer {self.token()}"}

    def connect(self) -> ssl.SSLSocket:
        """A connection, for what no client library would send."""
        plain = socket.create_connection((LOOPBACK, self.gateway.port), timeout=30)
        return self.trusted.wrap_socket(plain, server_hostname="localhost")

    @property
    def lines(self) -> list[dict[str, object]]:
        """Its log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="session")
def make_gateway(tls, tmp_path_factory):
    """Makes gateways that are not started."""

    def make() -> Running:
        folder = tmp_path_factory.mktemp("gateway")
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            port = free.getsockname()[1]
        signs = ECKey.generate_key("P-256")
        jwks = folder / "jwks.json"
        jwks.write_text(json.dumps({"keys": [{**signs.as_dict(private=False), "kid": "one"}]}))
        documents = FileBlobs.create(folder / "documents")
        keys = KeyFiles(folder / "keys")
        for tenant in ("bank-a", "bank-b"):
            keys.make_tenant(tenant)
        installation = {
            "kafka_bootstrap": f"{LOOPBACK}:9",
            "documents_url": documents.url,
            "keys": folder / "keys",
            "tenants": ("bank-a", "bank-b"),
        }
        provider = Provider(ISSUER, jwks.as_uri(), "https://provider.example/oauth/token")
        gateway = Gateway(port, tls.cert, tls.key, tls.ca, provider, installation)
        return Running(gateway, signs, folder / "gateway.log", documents)

    return make


@pytest.fixture(scope="module")
def running(make_gateway) -> Iterator[Running]:
    """A gateway that answers."""
    made = make_gateway()
    made.start()
    yield made
    made.stop()
