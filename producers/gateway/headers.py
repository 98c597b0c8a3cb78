"""What every answer says to a browser: keep nothing, guess nothing, run nothing but the gateway's own page."""

from collections.abc import Iterable

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

_POLICY, _SECURE = "Content-Security-Policy", "Strict-Transport-Security"
_NAMES = frozenset(name.lower().encode() for name in (*ALWAYS, _POLICY, _SECURE))


def _raw(policy: str) -> list[tuple[bytes, bytes]]:
    """The headers as ASGI has them, with https's own as the last."""
    named = {**ALWAYS, _POLICY: policy, _SECURE: SECURE_FOR}
    return [(name.lower().encode(), value.encode()) for name, value in named.items()]


class SecurityHeaders:
    """The middleware. `page` is the path of the page for developers, which may `connect` to the token endpoint's
    origin besides its own.
    """

    def __init__(self, app: ASGIApp, page: str, connect: Iterable[str]) -> None:
        self._app, self._page = app, page
        sources = " ".join(["'self'", *connect])
        policy = f"{NOTHING}; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {sources}"
        self._of_the_page, self._of_others = _raw(policy), _raw(NOTHING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request answered, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = self._of_the_page if scope["path"] == self._page else self._of_others
                own = own if scope["scheme"] == "https" else own[:-1]
                message["headers"] = [pair for pair in message["headers"] if pair[0] not in _NAMES] + own
            await send(message)

        await self._app(scope, receive, with_headers)
