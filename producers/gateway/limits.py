"""What a request may cost before anybody looks at it: its headers, the size and the pace of its body, how often.

Pure ASGI, in front of the framework: a body that is too large is never held, by its Content-Length or by counting.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway.problems import Fault, ProblemError, answer
from producers.gateway.rates import Buckets, Rate, network_of

KIB, MIB = 1024, 1024 * 1024

DOCUMENT_MOST = 15_000_000
"""What the readers of documents take."""

BODY_MOST: Mapping[str, int] = {
    # path: bytes of a body
    "/v1/applications": MIB,
    "/v1/score": MIB,
    "/v1/documents": DOCUMENT_MOST,
}
OTHER_BODY_MOST = 64 * KIB

BODY_WITHIN_S = 10.0
BODY_PACE = 64 * KIB
"""A body has ten seconds, and one more for each 64 KiB of it that came: a slow line ends, a trickle does not live."""

HEADERS_MOST, HEADER_BYTES_MOST = 64, 16 * KIB

CLIENT_RATE = Rate(per_s=500, at_once=1000)
ADDRESS_RATE = Rate(per_s=1000, at_once=2000)

UNCOUNTED = frozenset({"/healthz"})
"""Who asks whether the process lives must hear it, whoever else asks."""


class Limits:
    """The middleware."""

    def __init__(self, app: ASGIApp, addresses: Buckets) -> None:
        self._app, self._addresses = app, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            _check_headers(scope["headers"])
            if scope["path"] not in UNCOUNTED:
                self._addresses.take(network_of(scope["client"][0] if scope.get("client") else ""))
            body = _Body(receive, BODY_MOST.get(scope["path"], OTHER_BODY_MOST))
            body.check_length(scope["headers"])
        except ProblemError as problem:
            await _refuse(problem, scope, receive, send)
            return
        await self._bounded(scope, body, send)

    async def _bounded(self, scope: Scope, body: "_Body", send: Send) -> None:
        began = False

        async def instead(message: Message) -> None:
            # Whatever the framework makes of a body that ended before its end: the reason is said here.
            nonlocal began
            if body.problem is None or began:
                began = True
                await send(message)

        try:
            await self._app(scope, body.receive, instead)
        except ProblemError as problem:
            if problem is not body.problem:
                raise
        if body.problem is not None and not began:
            await _refuse(body.problem, scope, body.receive, send)


class _Body:
    """A request's body as it comes. `problem` is why it ended before its end."""

    def __init__(self, receive: Receive, most: int) -> None:
        self._receive, self._most = receive, most
        self._came, self._ended = 0, False
        self._until: float | None = None
        self.problem: ProblemError | None = None

    def check_length(self, headers: list[tuple[bytes, bytes]]) -> None:
        """ProblemError where more is announced than may come."""
        for name, value in headers:
            if name == b"content-length" and (not value.isdigit() or len(value) > 18 or int(value) > self._most):
                raise self._too_large()

    async def receive(self) -> Message:
        """The next message, as ASGI has it. ProblemError for what is too large or too slow."""
        if self._ended:
            return await self._receive()
        if self._until is None:
            self._until = time.monotonic() + BODY_WITHIN_S
        try:
            async with asyncio.timeout(self._until - time.monotonic()):
                message = await self._receive()
        except TimeoutError:
            self.problem = ProblemError("too-slow", f"a body comes within {BODY_WITHIN_S:g} seconds, or faster")
            raise self.problem from None
        if message["type"] == "http.request":
            self._count(message)
        else:
            self._ended = True
        return message

    def _count(self, message: Message) -> None:
        came = len(message.get("body", b""))
        self._came += came
        self._until = (self._until or 0.0) + came / BODY_PACE
        self._ended = not message.get("more_body", False)
        if self._came > self._most:
            self.problem = self._too_large()
            raise self.problem

    def _too_large(self) -> ProblemError:
        return ProblemError("too-large", "send less", [Fault("(body)", f"at most {self._most} bytes")])


def _check_headers(headers: list[tuple[bytes, bytes]]) -> None:
    if len(headers) > HEADERS_MOST or sum(len(name) + len(value) for name, value in headers) > HEADER_BYTES_MOST:
        expected = f"at most {HEADERS_MOST} of them, and {HEADER_BYTES_MOST} bytes"
        raise ProblemError("headers-too-large", "send fewer headers", [Fault("(headers)", expected)])


async def _refuse(problem: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    state: dict[str, Any] = scope.setdefault("state", {})
    state["reason"] = problem.reason
    response = answer(problem)
    # What is left of the body is not read: nothing else can come on this connection.
    response.headers["Connection"] = "close"
    await response(scope, receive, send)
