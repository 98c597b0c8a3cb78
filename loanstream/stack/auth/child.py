"""The token server as a row of the stack's process table, and as a part of `stack.json`.

Before the children are started, `make_ring` makes the keys, since a broker reads `jwks.json` at its start, and
`ensure_clients` the clients.
"""

import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loanstream.stack.auth.endpoints import Endpoints
from loanstream.stack.auth.registration import ClientSecret
from loanstream.stack.auth.ring import Times
from loanstream.stack.layout import AuthPart
from loanstream.stack.probe import answers
from loanstream.stack.supervisor import Child

NAME = "auth"
READY_S = 0.5


@dataclass(frozen=True, slots=True)
class AuthServer:
    """How the server of one state is started. `certificate` and `key` are its own; `ca` is who signed them.

    The `page` at that origin may read its answers in a browser.
    """

    state: Path
    port: int
    certificate: Path
    key: Path
    ca: Path
    times: Times = field(default_factory=Times)
    page: str = ""

    @property
    def endpoints(self) -> Endpoints:
        """Where it answers."""
        return Endpoints(self.port)

    @property
    def command(self) -> tuple[str, ...]:
        """What is run. No secret stands in it."""
        options = {
            "--state": self.state,
            "--port": self.port,
            "--cert": self.certificate,
            "--key": self.key,
            "--life": self.times.life_s,
            "--refresh": self.times.refresh_s,
            "--leeway": self.times.leeway_s,
            **({"--page": self.page} if self.page else {}),
        }
        words = (str(word) for option in options.items() for word in option)
        return (sys.executable, "-m", "loanstream.stack.auth", *words)

    def is_ready(self) -> bool:
        """Whether it answers, with a certificate that the CA vouches for."""
        return answers(self.endpoints.health, READY_S, ssl.create_default_context(cafile=self.ca))

    def child(self, stop_rank: int, stop_within_s: float) -> Child:
        """Its row."""
        return Child(NAME, self.command, self.is_ready, stop_rank=stop_rank, stop_within_s=stop_within_s)

    def part(self, clients: Mapping[str, ClientSecret]) -> AuthPart:
        """Its part of `stack.json`, with the clients of `ensure_clients`."""
        where = self.endpoints
        return {
            "issuer": where.issuer,
            "token_endpoint": where.token_endpoint,
            "jwks_uri": where.jwks_uri,
            "clients": {
                role: {"client_id": each.client_id, "client_secret": each.client_secret}
                for role, each in clients.items()
            },
        }
