"""A straight way to the few routes that are asked most, past the framework's machinery.

Theory of operation. For each request the framework goes through six layers, looks the route up, and solves its
dependencies anew: a third of the processor time of an application, and always the same answer. A route of this table
is described by the framework like every other, and answered here: the same function, asked with the same caller.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from fastapi import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from producers.gateway.callers import Caller, caller_of_request
from producers.gateway.problems import ProblemError, refused


@dataclass(frozen=True, slots=True)
class StraightWay:
    """One row: a route without parameters, the scope that its caller `needs`, and the function that answers."""

    method: str
    path: str
    needs: str
    answer: Callable[[Request, Caller], Awaitable[Response]]


class Straight:
    """The middleware, the last one before the framework."""

    def __init__(self, app: ASGIApp, ways: Sequence[StraightWay]) -> None:
        self._app = app
        self._ways = {(way.method, way.path): way for way in ways}
        self._routes = {way.path: SimpleNamespace(path=way.path) for way in ways}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or have it answered."""
        way = self._ways.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if way is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._routes[way.path]  # the log names it
        request = Request(scope, receive, send)
        try:
            response = await way.answer(request, await caller_of_request(request, way.needs))
        except ProblemError as problem:
            response = refused(request, problem)
        await response(scope, receive, send)
