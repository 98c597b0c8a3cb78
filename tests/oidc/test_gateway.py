"""A gateway that believes Keycloak's tokens, by an issuer and an address of keys: settings, and no code for it."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from loanstream.gateway.child import Gateway, Provider
from loanstream.stack.pki import Pki
from loanstream.stack.ports import LOOPBACK
from schemas.access import GATEWAY
from stores.documents.blobs import FileBlobs
from stores.keys import KeyFiles
from tests.oidc.keycloak import Keycloak

ROOT = Path(__file__).resolve().parents[2]
DOOR = ROOT / "tests" / "loanstream" / "gateway" / "absent_gateway.py"
"""The gateway with its door alone: a token is looked at before anything else."""
PAYSLIP = b"%PDF-1.7\n" + b"a payslip" * 50
READY_S = 30.0
KNOWN_WITHIN_S = 15.0
"""An unknown key makes the gateway look, at most once in ten seconds."""


@pytest.fixture(scope="module")
def http(keycloak: Keycloak, pki: Pki, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of the gateway, without a token."""
    folder = tmp_path_factory.mktemp("gateway")
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    keys = KeyFiles(folder / "keys")
    keys.make_tenant("bank-a")
    installation = {
        "kafka_bootstrap": f"{LOOPBACK}:9",
        "documents_url": FileBlobs.create(folder / "documents").url,
        "keys": folder / "keys",
        "tenants": ("bank-a",),
    }
    provider = Provider(keycloak.issuer(), keycloak.https_jwks_uri(), keycloak.https_jwks_uri())
    gateway = Gateway(port, pki.leaf(GATEWAY), pki.leaf(GATEWAY), pki.ca, provider, installation)
    environment = os.environ | gateway.environment | {"PYTHONPATH": str(ROOT)}
    log = folder / "gateway.log"
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, str(DOOR)], env=environment, stdout=out, stderr=out)
    trusted = ssl.create_default_context(cafile=pki.ca)
    try:
        with httpx.Client(verify=trusted, base_url=gateway.url, timeout=20) as client:
            until = time.monotonic() + READY_S
            while not _lives(client):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _lives(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False


def stored(http: httpx.Client, token: str) -> httpx.Response:
    """What the gateway answers to whoever stores a document with this token."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/pdf"}
    return http.post("/v1/documents", params={"kind": "payslip"}, content=PAYSLIP, headers=headers)


def test_a_bank_comes_in_with_what_its_scopes_say(keycloak: Keycloak, http: httpx.Client) -> None:
    """Whoever sends may store a document; whoever reads may not, and is told which scope it takes."""
    assert stored(http, keycloak.token("bank-a-producer")).status_code == httpx.codes.CREATED
    refused = stored(http, keycloak.token("bank-a-consumer"))
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:loanstream:problem:scope-missing")
    assert "documents:write" in refused.json()["detail"]


def test_a_bank_that_is_not_served_here_stays_outside(keycloak: Keycloak, http: httpx.Client) -> None:
    """The realm knows it; this gateway does not."""
    assert stored(http, keycloak.token("bank-b-producer")).status_code == httpx.codes.UNAUTHORIZED


def test_a_token_of_another_realm_is_refused(keycloak: Keycloak, http: httpx.Client) -> None:
    """The same server, the same client, other keys and another issuer."""
    refused = stored(http, keycloak.token("bank-a-producer", "stranger"))
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:loanstream:problem:token-refused")


def test_a_rotation_of_its_keys_is_survived(keycloak: Keycloak, http: httpx.Client) -> None:
    """A token of the new key comes in once the gateway has looked; one of the old key goes on coming in."""
    before = keycloak.token("bank-a-producer")
    keycloak.rotate()
    after, until = keycloak.token("bank-a-producer"), time.monotonic() + KNOWN_WITHIN_S
    while (answer := stored(http, after)).status_code != httpx.codes.CREATED:
        assert time.monotonic() < until, answer.text
        time.sleep(0.5)
    assert stored(http, before).status_code == httpx.codes.CREATED
