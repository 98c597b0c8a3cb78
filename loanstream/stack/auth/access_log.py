"""One line for each request for a token: who asked, what was answered and why, and how long it took. Never a secret."""

import json
import logging

from processors.transport.logs import JsonLines, log_to_stderr

PROCESS = "auth"

logger = logging.getLogger(__name__)


class AccessLines(JsonLines):
    """The project's lines; those about a request have fields of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        line = super().format(record)
        fields = getattr(record, "request", None)
        return line if fields is None else json.dumps(json.loads(line) | fields, ensure_ascii=False)


def log_requests() -> None:
    """Send every line of the process to stderr as JSON."""
    log_to_stderr(PROCESS, 0)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(AccessLines(PROCESS, PROCESS))
    # At its lowest level it writes whole tokens.
    logging.getLogger("authlib").setLevel(logging.WARNING)


def note(client_id: str | None, status: int, reason: str, ms: float) -> None:
    """Write the line of one request. `client_id` is None where it is no client's: anything may stand there."""
    fields = {"client_id": client_id, "status": status, "reason": reason, "ms": round(ms, 1)}
    logger.info("token %s", reason, extra={"request": fields})
