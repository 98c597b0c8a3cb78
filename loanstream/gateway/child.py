"""The gateway as a row of the stack's process table, and as a part of `stack.json`."""

import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from loanstream.settings import environment_of
from loanstream.stack.layout import GatewayPart
from loanstream.stack.ports import LOOPBACK
from loanstream.stack.probe import answers
from loanstream.stack.supervisor import Child

NAME = "gateway"
READY_S = 0.5


def gateway_url(port: int) -> str:
    """Where the gateway of a stack answers: by name, as its certificate has it; also the origin of its page."""
    return f"https://localhost:{port}"


@dataclass(frozen=True, slots=True)
class Provider:
    """Whose tokens are believed: its issuer, its keys and its token endpoint."""

    issuer: str
    jwks_uri: str
    token_url: str


@dataclass(frozen=True)
class Gateway:
    """How the gateway of one state is started. `certificate` and `key` are its own; `ca` signed all of the stack's.

    `installation` are the settings by which it reaches Kafka, warehouse and stores; some stand in `files`.
    """

    port: int
    certificate: Path
    key: Path
    ca: Path
    provider: Provider
    installation: Mapping[str, object] = field(repr=False)
    files: Mapping[str, Path] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where it answers."""
        return gateway_url(self.port)

    @property
    def part(self) -> GatewayPart:
        """Its part of `stack.json`."""
        return {"url": self.url}

    @property
    def environment(self) -> dict[str, str]:
        """Its settings."""
        return environment_of(
            {
                **self.installation,
                "gateway_issuer": self.provider.issuer,
                "gateway_jwks_uri": self.provider.jwks_uri,
                "gateway_token_url": self.provider.token_url,
                "gateway_provider_ca": self.ca,
                "gateway_host": LOOPBACK,
                "gateway_port": self.port,
                "gateway_certificate": self.certificate,
                "gateway_key": self.key,
            },
            self.files,
        )

    @cached_property
    def trusted(self) -> ssl.SSLContext:
        """Who may answer in its place: nobody whom the CA does not vouch for."""
        return ssl.create_default_context(cafile=self.ca)

    def is_ready(self) -> bool:
        """Whether it can serve requests."""
        return answers(f"{self.url}/readyz", READY_S, self.trusted)

    def child(self, stop_rank: int, stop_within_s: float) -> Child:
        """Its row."""
        command = (sys.executable, "-m", "loanstream.gateway")
        return Child(NAME, command, self.is_ready, self.environment, stop_rank=stop_rank, stop_within_s=stop_within_s)
