"""What every answer says to a browser: keep nothing, guess nothing, run nothing but the gateway's own page."""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURE_FOR = "max-age=31536000"
"""A year of https alone."""


class SecurityHeaders:
    """The middleware. `page` is the path of the page for developers, which may `connect` to the token endpoint's
    origin besides its own.
    """

    def __init__(self, app: ASGIApp, page: str, connect: Iterable[str]) -> None:
        self._app, self._page = app, page
        sources = " ".join(["'self'", *connect])
        self._of_the_page = f"{NOTHING}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {sources}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request answered, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                headers["Content-Security-Policy"] = self._of_the_page if scope["path"] == self._page else NOTHING
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = SECURE_FOR
            await send(message)

        await self._app(scope, receive, with_headers)
