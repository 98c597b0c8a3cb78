"""Who asks: bank, client and scopes, all from the bearer token and from nothing else of the request."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from producers.gateway.problems import ProblemError

SCOPES = {
    "applications:write": "send applications",
    "documents:write": "store documents",
    "decisions:read": "read decisions, and how applications stand",
    "score:run": "ask what would be decided",
    "reviews:read": "read what was referred",
    "reviews:write": "decide what was referred",
}
"""What a route may ask of a token, in words."""


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


_bearer = HTTPBearer(auto_error=False, description="An access token of the provider, for the audience of the gateway.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def caller_with(scope: str) -> Callable[..., Awaitable[Caller]]:
    """A dependency: the caller, whose token allows `scope`. ProblemError where it does not."""
    assert scope in SCOPES

    async def dependency(request: Request, credentials: Credentials) -> Caller:
        if credentials is None:
            raise ProblemError("no-token", "send the header Authorization: Bearer TOKEN")
        verifier: Verifier = request.app.state.parts.verifier
        found = await verifier.caller(credentials.credentials)
        request.state.caller = found  # the log names the client
        if scope not in found.scopes:
            raise ProblemError("scope-missing", f"this needs the scope {scope}")
        return found

    return dependency
