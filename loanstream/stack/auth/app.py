"""The pages of the token server: tokens, public keys, discovery, health."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from loanstream.stack.auth import endpoints
from loanstream.stack.auth.access_log import AccessLog
from loanstream.stack.auth.authorization import GRANT, METHODS, Answer, Authorization
from loanstream.stack.auth.client_book import ClientBook
from loanstream.stack.auth.endpoints import Endpoints
from loanstream.stack.auth.guard import Guard
from loanstream.stack.auth.keyring import Keyring
from loanstream.stack.auth.paths import AuthFiles
from loanstream.stack.auth.refusals import Refused
from loanstream.stack.auth.requests import TokenRequest, read_request
from loanstream.stack.auth.ring import Times
from loanstream.stack.auth.scopes import SCOPES
from loanstream.stack.auth.tokens import AccessTokens
from processors.transport.logs import place_of

SETTLE_EVERY_S = 1.0
"""How often the steps of a rotation that are due are taken where nobody asks for anything."""

logger = logging.getLogger(__name__)


class TokenServer:
    """The server of one state directory. A page at the origin `page` may read what `token` answers, in a browser."""

    def __init__(self, files: AuthFiles, where: Endpoints, times: Times, page: str = "") -> None:
        """Problem or OSError where keys or clients cannot be read, or keys not be made."""
        self._where = where
        self._read_by = {"Access-Control-Allow-Origin": page} if page else {}
        self._keyring = Keyring(files, times)
        self._book = ClientBook(files)
        tokens = AccessTokens(where.issuer, self._keyring, times.life_s)
        self._authorization = Authorization(self._book, tokens, Guard())
        self._log = AccessLog()
        self._steps: asyncio.Task[None] | None = None

    def app(self) -> Starlette:
        """It as an ASGI application."""
        return Starlette(
            routes=[
                # All methods: what is wrong with one is told in the words of the others.
                Route(endpoints.TOKEN, self.token, methods=["POST", "GET", "PUT", "PATCH", "DELETE"]),
                Route(endpoints.JWKS, self.jwks),
                Route(endpoints.HEALTH, self.healthz),
                *(Route(path, self.metadata) for path in endpoints.WELL_KNOWN),
            ],
            lifespan=self._lifespan,
        )

    async def token(self, request: Request) -> Response:
        """A token, or why there is none (RFC 6749 §5)."""
        began = time.perf_counter()
        asked: TokenRequest | None = None
        try:
            asked = await read_request(request, self._where.token_endpoint)
            self._keyring.refresh()
            answer = self._authorization.create_token_response(asked)
        except Refused as error:
            answer = self._authorization.handle_error_response(asked, error)
        except ClientDisconnect:
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001 - whoever asks gets JSON, and the log the place
            logger.error("no token could be made: %s", place_of(error))  # noqa: TRY400 - its text may hold what was sent
            answer = self._authorization.handle_error_response(asked, Refused("server_error"))
        assert isinstance(answer, Answer)
        ms = (time.perf_counter() - began) * 1000
        answer.headers.update(self._read_by)
        self._log.note(asked.known_client if asked else None, answer.status_code, answer.reason, ms)
        return answer

    async def jwks(self, _: Request) -> Response:
        """The public keys of now."""
        self._keyring.refresh()
        # Who keeps them longer than a moment refuses tokens of a key that he has not seen.
        return Response(self._keyring.jwks(), media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def metadata(self, _: Request) -> Response:
        """The server's description (RFC 8414)."""
        return JSONResponse(
            {
                "issuer": self._where.issuer,
                "token_endpoint": self._where.token_endpoint,
                "jwks_uri": self._where.jwks_uri,
                "scopes_supported": list(SCOPES),
                "grant_types_supported": [GRANT],
                "token_endpoint_auth_methods_supported": list(METHODS),
                # Required, and not to be empty; there is no authorization endpoint to ask for one.
                "response_types_supported": ["none"],
            }
        )

    async def healthz(self, _: Request) -> Response:
        """200, or 503 with what is wrong, as the workers' pages say it."""
        self._book.refresh()
        complaint = self._keyring.complaint or self._book.complaint or self._standstill()
        return JSONResponse({"complaint": complaint}, 503 if complaint else 200)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        self._steps = asyncio.create_task(self._settle_for_ever())
        yield
        self._steps.cancel()
        await asyncio.wait([self._steps])

    def _standstill(self) -> str | None:
        if self._steps is None or not self._steps.done():
            return None
        return "the steps of a rotation are not taken any more; start the token server again"

    async def _settle_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_EVERY_S)
            self._keyring.settle()
