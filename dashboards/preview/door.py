"""Who is let in: requests to this machine by its own name; and what every answer says to the browser."""

import re
from collections.abc import Iterable
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"

_HOSTS: Final = re.compile(rb"(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?", re.IGNORECASE)

_ALLOWED: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    # plotly makes an empty style element, which has this hash, and puts its rules in by calls
    "style-src-elem": "'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "style-src-attr": "'unsafe-inline'",  # it places its labels by style attributes
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
POLICY: Final = "; ".join(f"{directive} {sources}" for directive, sources in _ALLOWED.items())
HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
_STORED: Final = b"cache-control"


class Door:
    """ASGI middleware. A page elsewhere whose name is made to lead here (DNS rebinding) brings its own Host."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let a request pass, or refuse it with 421."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def said(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_missing(message["headers"])]
            await send(message)

        if not is_ours([value for name, value in scope["headers"] if name == b"host"]):
            text = b"This is the preview of loanstream's dashboards; it answers to localhost and 127.0.0.1 alone.\n"
            await said({"type": "http.response.start", "status": 421, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": text})
            return
        await self._app(scope, receive, said)


def is_ours(hosts: list[bytes]) -> bool:
    """Whether a request's Host headers are one, of this machine; the port is any, since a tunnel has its own.

    >>> [is_ours([host]) for host in (b"localhost:8300", b"127.0.0.1", b"rebound.example:8300", b"localhost.evil")]
    [True, True, False, False]
    """
    return len(hosts) == 1 and _HOSTS.fullmatch(hosts[0]) is not None


def _missing(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = any(name.lower() == _STORED for name, _ in headers)
    return [*HEADERS, *([] if kept else [(_STORED, b"no-store")])]
