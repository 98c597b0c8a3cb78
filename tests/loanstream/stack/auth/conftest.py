"""A token server of its own process, with a certificate of a throwaway CA."""

import datetime as dt
import ipaddress
import signal
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from loanstream.stack import ports
from loanstream.stack.auth.child import AuthServer
from loanstream.stack.auth.ring import Times


@dataclass(frozen=True)
class Tls:
    """The files of a server's certificate."""

    ca: Path
    cert: Path
    key: Path


def make_tls(folder: Path) -> Tls:
    """A CA and a certificate for localhost that it signed."""
    now = dt.datetime.now(dt.UTC)
    names = {name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in ("ca", "localhost")}
    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in names}

    def signed(name: str, extension: x509.ExtensionType, *, critical: bool) -> bytes:
        builder = x509.CertificateBuilder(issuer_name=names["ca"], subject_name=names[name])
        builder = builder.public_key(keys[name].public_key()).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        builder = builder.add_extension(extension, critical=critical)
        return builder.sign(keys["ca"], hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    host = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    tls = Tls(folder / "ca.pem", folder / "auth.pem", folder / "auth.key")
    tls.ca.write_bytes(signed("ca", x509.BasicConstraints(ca=True, path_length=0), critical=True))
    tls.cert.write_bytes(signed("localhost", host, critical=False))
    tls.key.write_bytes(
        keys["localhost"].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return tls


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
