"""One line for each request for a token: who asked, what was answered and why, and how long it took. Never a secret.

A client that asks in a loop does not fill the disk: beyond so many lines a minute its requests are counted, and the
next line tells how many.
"""

import json
import logging
import time
from collections.abc import Callable

from processors.transport.logs import JsonLines, log_to_stderr

PROCESS = "auth"
LINES_MOST = 60
"""Lines a minute, of one client (or of nobody) for one reason."""
WINDOW_S = 60.0

logger = logging.getLogger(__name__)


class AccessLines(JsonLines):
    """The project's lines; those about a request have fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        line = super().format(record)
        fields = getattr(record, "request", None)
        return line if fields is None else json.dumps(json.loads(line) | fields, ensure_ascii=False)


class AccessLog:
    """The log of one server."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # client and reason: when its window began, lines written in it, requests that were only counted
        self._windows: dict[tuple[str | None, str], tuple[float, int, int]] = {}

    def note(self, client_id: str | None, status: int, reason: str, ms: float) -> None:
        """Write the line of one request. `client_id` is None where it is no client's: anything may stand there."""
        began, lines, unsaid = self._windows.get((client_id, reason), (self._now(), 0, 0))
        if self._now() - began >= WINDOW_S:
            began, lines = self._now(), 0
        if lines >= LINES_MOST:
            self._windows[client_id, reason] = (began, lines, unsaid + 1)
            return
        self._windows[client_id, reason] = (began, lines + 1, 0)
        fields = {"client_id": client_id, "status": status, "reason": reason, "ms": round(ms, 1)}
        more = {"unsaid": unsaid} if unsaid else {}
        logger.info("token %s", reason, extra={"request": fields | more})


def log_requests() -> None:
    """Send every line of the process to stderr as JSON."""
    log_to_stderr(PROCESS, 0)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(AccessLines(PROCESS, PROCESS))
    # At its lowest level it writes whole tokens.
    logging.getLogger("authlib").setLevel(logging.WARNING)
