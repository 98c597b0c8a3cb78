"""JSON log lines on stderr: one line per event, with the worker's stage and slot, and never a found value."""

import json
import logging
import time
import traceback

QUIET_S = 10.0


class JsonLines(logging.Formatter):
    """Formats a record as one JSON line. Of an exception it says type and place, never its text: that may hold data."""

    def __init__(self, stage: str, slot: int) -> None:
        super().__init__()
        self._worker = {"stage": stage, "slot": slot}

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object: time (UTC), level, logger, stage, slot, event, and of an exception its type and place."""
        line: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._worker,
            "event": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = place_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class _HostLines(logging.Filter):
    """Takes the place of the host framework's own report of a crash, which prints the exception's text."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and record.name.startswith(("faust", "mode")):
            record.msg, record.args = "the host reports a crash", ()
        return True


class _Seldom(logging.Filter):
    """Lets a kind of line of the Kafka client through once in ten seconds: a broker that is away makes 20 a second."""

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = " ".join(record.getMessage().split()[:2])
        last = self._last.get(kind)
        if last is not None and record.created - last < QUIET_S:
            return False
        self._last[kind] = record.created
        return True


def place_of(error: BaseException) -> str:
    """The type of `error` and the line that raised it, without its text.

    >>> try: int("a name")
    ... except ValueError as error: place_of(error).split(" at ")[0]
    'ValueError'
    """
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1] if frames else None
    where = f"{'/'.join(last.filename.split('/')[-3:])}:{last.lineno}" if last else "unknown"
    return f"{type(error).__name__} at {where}"


def log_to_stderr(stage: str, slot: int) -> None:
    """Send every log line of the process to stderr as JSON: ours from INFO, everyone else's from WARNING."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(stage, slot))
    handler.addFilter(_HostLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("librdkafka").filters[:] = [_Seldom()]
    for room in ("processors", "loanstream"):
        logging.getLogger(room).setLevel(logging.INFO)
