"""Where the embedded token server answers: the addresses that broker, gateway and clients are told."""

from dataclasses import dataclass

TOKEN = "/oauth/token"  # noqa: S105 - a path
JWKS = "/jwks.json"
HEALTH = "/healthz"
WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")
"""RFC 8414's, and where clients of OpenID Connect look for the same."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The addresses of one server.

    >>> Endpoints(20443).token_endpoint
    'https://localhost:20443/oauth/token'
    """

    port: int

    @property
    def issuer(self) -> str:
        """`iss` of every token. By name, as the certificate has it."""
        return f"https://localhost:{self.port}"

    @property
    def token_endpoint(self) -> str:
        """Where clients get tokens."""
        return f"{self.issuer}{TOKEN}"

    @property
    def jwks_uri(self) -> str:
        """Where the public keys are."""
        return f"{self.issuer}{JWKS}"

    @property
    def health(self) -> str:
        """Whether the server is well."""
        return f"{self.issuer}{HEALTH}"
