"""Who asks: bank, client and scopes, all from the bearer token and from nothing else of the request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Request, Security
from fastapi.openapi.models import OAuthFlowClientCredentials, OAuthFlows
from fastapi.security import OAuth2

from producers.gateway.problems import ProblemError
from producers.gateway.rates import Buckets

SCOPES = {
    "applications:write": "send applications",
    "documents:write": "store documents",
    "decisions:read": "read decisions, and how applications stand",
    "score:run": "ask what would be decided",
    "reviews:read": "read what was referred",
    "reviews:write": "decide what was referred",
}
"""What a route may ask of a token, in words."""

SCHEME = "oauth2"
"""The name of the security scheme in the OpenAPI description."""


@dataclass(frozen=True, slots=True)
class Caller:
    """What a token says. `user` is the person it is about; None where a client asks for itself."""

    tenant: str
    client_id: str
    scopes: frozenset[str]
    user: str | None = None


class Verifier(Protocol):
    """Holds a token against the provider's keys."""

    async def caller(self, token: str) -> Caller:
        """Whose it is. ProblemError `token-refused`, or `keys-unknown` where no key could be had."""


_flows = OAuthFlows(clientCredentials=OAuthFlowClientCredentials(tokenUrl="/oauth/token", scopes=SCOPES))
_oauth = OAuth2(
    flows=_flows,
    scheme_name=SCHEME,
    auto_error=False,
    description="An access token of the provider, for the audience of the gateway, as Authorization: Bearer TOKEN.",
)


def caller_with(scope: str) -> Callable[..., Awaitable[Caller]]:
    """`caller_of_request` as a dependency of a route, and so a part of its description."""
    assert scope in SCOPES

    async def dependency(request: Request, _: Annotated[str | None, Security(_oauth, scopes=[scope])]) -> Caller:
        return await caller_of_request(request, scope)

    return dependency


async def caller_of_request(request: Request, scope: str) -> Caller:
    """The caller, whose token allows `scope`. ProblemError where it does not, or asks too often."""
    verifier: Verifier = request.app.state.parts.verifier
    found = await verifier.caller(bearer_token(request))
    request.state.caller = found  # the log names the client
    clients: Buckets = request.app.state.clients
    clients.take(f"{found.tenant}/{found.client_id}")
    if scope not in found.scopes:
        raise ProblemError("scope-missing", f"this needs the scope {scope}")
    return found


def bearer_token(request: Request) -> str:
    """The token of the one Authorization header. ProblemError `no-token`."""
    given = request.headers.getlist("authorization")
    scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise ProblemError("no-token", "send the header Authorization: Bearer TOKEN, once")
    return token.strip()
