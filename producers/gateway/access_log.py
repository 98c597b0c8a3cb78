"""One line for each request: what was asked by its template, what was answered and why. Nothing that was sent.

The fields are on the record as `request`; how they are written is the process's choice.
"""

import logging
import time
import traceback
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from producers.gateway.callers import Caller
from producers.gateway.problems import ProblemError, answer

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "(other)"
"""In place of a method or a path that is none of ours: anybody may write anything there."""

GONE = 499
"""The status in the log where the client went away before there was an answer."""

LINES_MOST, WINDOW_S = 120, 60.0
"""Lines a minute about refusals of one reason where nobody is known; the others are counted."""

logger = logging.getLogger(__name__)


class AccessLog:
    """The middleware. What fails inside is answered as `failed`, and told by its place: a text may hold a value."""

    def __init__(self, app: ASGIApp, now: Callable[[], float] = time.monotonic) -> None:
        self._app, self._now = app, now
        # reason: when its window began, lines in it, requests that were only counted
        self._windows: dict[str, tuple[float, int, int]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the request answered, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        began, status = time.perf_counter(), GONE

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            state["reason"] = "gone"
        except Exception as error:  # noqa: BLE001 - whoever asks gets an answer, and the log the place
            state["reason"] = "failed"
            logger.error("a request failed: %s", _place_of(error))  # noqa: TRY400 - its text may hold what was sent
            if status == GONE:
                await answer(ProblemError("failed", "the fault is the gateway's"))(scope, receive, noted)
        finally:
            self._note(scope, status, (time.perf_counter() - began) * 1000)

    def _note(self, scope: Scope, status: int, ms: float) -> None:
        state = scope["state"]
        caller: Caller | None = state.get("caller")
        reason: str = state.get("reason", "answered")
        unsaid = self._unsaid(reason) if caller is None and status >= 400 else 0
        if unsaid is None:
            return
        fields = {
            "method": scope["method"] if scope["method"] in METHODS else OTHER,
            "route": getattr(scope.get("route"), "path", OTHER),
            "status": status,
            "reason": reason,
            "ms": round(ms, 1),
            **({} if caller is None else {"client_id": caller.client_id}),
            **({"unsaid": unsaid} if unsaid else {}),
        }
        logger.info("%s", reason, extra={"request": fields})

    def _unsaid(self, reason: str) -> int | None:
        """Requests that were only counted since the last line of this reason; None where this is one more."""
        began, lines, unsaid = self._windows.get(reason, (self._now(), 0, 0))
        if self._now() - began >= WINDOW_S:
            began, lines = self._now(), 0
        if lines >= LINES_MOST:
            self._windows[reason] = (began, lines, unsaid + 1)
            return None
        self._windows[reason] = (began, lines + 1, 0)
        return unsaid


def _place_of(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {'/'.join(last.filename.split('/')[-3:])}:{last.lineno}"
