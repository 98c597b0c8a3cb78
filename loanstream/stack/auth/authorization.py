"""Authlib's authorization server (RFC 6749) over Starlette: the client credentials grant, and no other."""

from typing import Any

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from starlette.responses import JSONResponse

from loanstream.stack.auth.client_book import ClientBook
from loanstream.stack.auth.clients import Client
from loanstream.stack.auth.guard import Guard
from loanstream.stack.auth.refusals import REFUSALS, Refused, reason_of
from loanstream.stack.auth.requests import TokenRequest
from loanstream.stack.auth.scopes import SCOPES
from loanstream.stack.auth.tokens import AccessTokens

METHODS = ("client_secret_basic", "client_secret_post")
GRANT = "client_credentials"
ISSUED = "issued"


class Answer(JSONResponse):
    """A response that knows, for the log, why it is what it is."""

    reason = ISSUED


class KnownClient(ClientMixin):
    """A client as Authlib asks about it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.tenant, self.audiences = client.tenant, client.audiences

    def get_client_id(self) -> str:
        """Its id."""
        return self._client.client_id

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """All that it has where it asks for none; None, which is a refusal, where it asks for one it has not."""
        asked = (scope or "").split()
        if not set(asked) <= set(self._client.scopes):
            return None
        return " ".join(dict.fromkeys(asked) or self._client.scopes)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Each client may use both ways."""
        return method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """There is one."""
        return grant_type == GRANT


class TokenGrant(ClientCredentialsGrant):
    """The grant, by both ways of authentication."""

    TOKEN_ENDPOINT_AUTH_METHODS = METHODS


class Authorization(AuthorizationServer):
    """Answers requests for tokens. One for each process; not for several threads."""

    def __init__(self, book: ClientBook, tokens: AccessTokens, guard: Guard) -> None:
        super().__init__(scopes_supported=SCOPES)
        self._book, self._guard = book, guard
        self.register_grant(TokenGrant)
        self.register_token_generator("default", tokens)
        for method in METHODS:
            self.register_client_auth_method(method, self._admitted)

    def query_client(self, client_id: str) -> Client | None:
        """The client of this id."""
        return self._book.get(client_id)

    def save_token(self, token: Any, request: TokenRequest) -> None:
        """Nothing is kept: a token says all there is to know about it."""

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: TokenRequest) -> TokenRequest:
        """The request has been read already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:
        """The response."""
        return Answer(body, status, dict(headers))

    def handle_error_response(self, request: TokenRequest | None, error: OAuth2Error) -> Answer:  # noqa: ARG002
        """The row of what is wrong: Authlib's own words would repeat what was sent."""
        reason = reason_of(error)
        row = REFUSALS[reason]
        answer = Answer({"error": row.error, "error_description": row.description}, row.status)
        answer.reason = reason
        answer.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", **row.headers})
        if isinstance(error, Refused) and error.retry_after_s is not None:
            answer.headers["Retry-After"] = str(int(error.retry_after_s) + 1)
        return answer

    def _admitted(self, query_client: Any, request: TokenRequest) -> KnownClient:
        if request.credentials is None:
            raise Refused("no_credentials")
        client_id, secret = request.credentials
        client: Client | None = query_client(client_id)
        request.known_client = client.client_id if client else None
        verdict = self._guard.look_at(client_id, client, secret, request.address)
        if verdict.wait_s:
            raise Refused("backed_off", verdict.wait_s)
        if client is None or not verdict.right:
            raise Refused("wrong_secret" if client else "unknown_client")
        if not self._book.serves(client):
            raise Refused("not_served")
        return KnownClient(client)
