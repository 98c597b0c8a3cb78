"""Clients of a stack's gateway, as banks have them; and a second gateway beside the stack's own."""

import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from loanstream.stack.ports import LOOPBACK

READY_S = 40


def pid_of(stack, name: str) -> int:
    """The process id of a child of the stack."""
    return next(each["pid"] for each in type(stack).at(stack.layout.state).stack["processes"] if each["name"] == name)


def environment_of(stack) -> dict[str, str]:
    """The settings of the stack's gateway."""
    entries = Path(f"/proc/{pid_of(stack, 'gateway')}/environ").read_bytes().split(b"\0")
    named = (entry.decode().partition("=") for entry in entries if entry)
    return {name: value for name, _, value in named if name.startswith("LOANSTREAM_") and name != "LOANSTREAM_STACK"}


_BESIDE: dict[str, int] = {}


@contextmanager
def gateway_beside(stack) -> Iterator[str]:
    """Where another gateway of the same settings answers. It may be killed meanwhile."""
    with socket.socket() as free:
        free.bind((LOOPBACK, 0))
        port = free.getsockname()[1]
    url = f"https://localhost:{port}"
    settings = {**os.environ, **environment_of(stack), "LOANSTREAM_GATEWAY_PORT": str(port)}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen([sys.executable, "-m", "loanstream.gateway"], env=settings, stdout=log, stderr=log)
        _BESIDE[url] = process.pid
        try:
            with httpx.Client(verify=trusted(stack), base_url=url) as client:
                last = time.monotonic() + READY_S
                while not _is_ready(client):
                    if process.poll() is not None or time.monotonic() > last:
                        log.seek(0)
                        raise AssertionError(log.read().decode())
                    time.sleep(0.1)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").is_success
    except httpx.TransportError:
        return False


def trusted(stack) -> ssl.SSLContext:
    """Whom the stack's clients trust."""
    return ssl.create_default_context(cafile=stack.stack["tls"]["ca"])


class HttpsClients:
    """Makes clients: `https(kind, tenant)`, each with a token of its own."""

    def __init__(self, stack) -> None:
        self.stack = stack
        self._made: dict[tuple[str, str, str], httpx.Client] = {}

    def __call__(self, kind: str, tenant: str, url: str | None = None) -> httpx.Client:
        """A client of the stack's gateway, or of the one at `url`."""
        url = url or self.stack.stack["gateway"]["url"]
        if (kind, tenant, url) not in self._made:
            headers = {"Authorization": f"Bearer {self.token(kind, tenant)}"}
            self._made[kind, tenant, url] = httpx.Client(
                verify=trusted(self.stack), base_url=url, headers=headers, timeout=40
            )
        return self._made[kind, tenant, url]

    def token(self, kind: str, tenant: str) -> str:
        """A token of the bank's client of this kind."""
        auth = self.stack.stack["auth"]
        client = auth["clients"][f"{kind}:{tenant}"]
        answer = httpx.post(
            auth["token_endpoint"],
            verify=trusted(self.stack),
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
        )
        assert answer.is_success, answer.text
        return answer.json()["access_token"]

    def pid(self, name: str) -> int:
        """The process id of a child of the stack."""
        return pid_of(self.stack, name)

    def pid_beside(self, url: str) -> int:
        """The process id of the gateway beside the stack's own."""
        return _BESIDE[url]

    def close(self) -> None:
        """Hang up."""
        for client in self._made.values():
            client.close()
