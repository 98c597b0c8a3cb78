"""The gateway's log: the project's JSON lines on stderr; those about a request have fields of their own."""

import json
import logging

from loanstream.connections import Seldom
from processors.transport.logs import JsonLines, log_to_stderr

PROCESS = "gateway"


class RequestLines(JsonLines):
    """One JSON object a line. Nothing in a field can begin another: it is escaped to ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        # In one piece: a request's line is written for each of them.
        return json.dumps({**self.fields(record), **getattr(record, "request", {})})


def log_requests() -> None:
    """Send every line of the process to stderr."""
    log_to_stderr(PROCESS, 0)
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(Seldom())
    logging.getLogger("producers").setLevel(logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(RequestLines(PROCESS, PROCESS))
