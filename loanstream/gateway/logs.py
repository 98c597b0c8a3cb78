"""The gateway's log: the project's JSON lines on stderr; those about a request have fields of their own."""

import json
import logging

from processors.transport.logs import QUIET_S, JsonLines, log_to_stderr

PROCESS = "gateway"


class RequestLines(JsonLines):
    """One JSON object a line. Nothing in a field can begin another: it is escaped to ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = super().format(record)
        fields = getattr(record, "request", None)
        if fields is None:
            return json.dumps(json.loads(line))
        # Joined as texts: a request's line is written for each of them, and its message is a code of ours.
        return f"{line[:-1]}, {json.dumps(fields)[1:]}"


class Seldom(logging.Filter):
    """Lets a text of the server through once in ten seconds: whoever sends nonsense does not fill the disk."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written. The texts are the server's own: a handful."""
        before = self._last.get(str(record.msg), -QUIET_S)
        if record.created - before < QUIET_S:
            return False
        self._last[str(record.msg)] = record.created
        return True


def log_requests() -> None:
    """Send every line of the process to stderr."""
    log_to_stderr(PROCESS, 0)
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Seldom())
    logging.getLogger("producers").setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(RequestLines(PROCESS, PROCESS))
