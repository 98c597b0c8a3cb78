"""JSON log lines on stderr: one line per event, with the stage and the worker, and never a found value.

Everything that a process of ours says goes this way: our own lines, libraries', warnings, and exceptions that nobody
caught, in whatever thread. What a C library writes as it ends the process cannot.
"""

import json
import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import TracebackType

log = logging.getLogger(__name__)

QUIET_S = 10.0
OUR_ROOMS = ("processors", "loanstream", "registry", "stores")


class JsonLines(logging.Formatter):
    """Formats a record as one JSON line. Of an exception it says type and place, never its text: that may hold data."""

    def __init__(self, stage: str, worker: str) -> None:
        super().__init__()
        self._worker = {"stage": stage, "worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object."""
        return json.dumps(self.fields(record), ensure_ascii=False)

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """What it says: time (UTC), level, logger, stage, worker, message, of an exception its type and place."""
        line: dict[str, object] = {
            "time": f"{_second(int(record.created))}.{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._worker,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = place_of(record.exc_info[1])
        return line


@lru_cache(maxsize=4)
def _second(since_1970: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(since_1970))


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
    """Send every log line of the process to stderr as JSON: ours from INFO, everyone else's from WARNING.

    So go warnings, and exceptions that nobody caught.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_HostLines())
    _all_lines_to(handler, JsonLines(stage, f"{stage}-{slot}"))
    logging.getLogger("librdkafka").filters[:] = [_Seldom()]
    logging.captureWarnings(capture=True)
    sys.excepthook = _ended_by
    threading.excepthook = lambda args: _log_uncaught(
        f"thread {args.thread.name if args.thread else 'unknown'} ended", args.exc_value
    )
    sys.unraisablehook = lambda args: _log_uncaught("an exception could not be raised", args.exc_value)


@contextmanager
def log_to(path: Path, name: str) -> Iterator[None]:
    """Within it, send every log line of the process to a file as JSON, begun anew; its predecessor is `<path>.1`."""
    if path.exists():
        path.replace(path.with_suffix(f"{path.suffix}.1"))
    handler = logging.FileHandler(path)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    _all_lines_to(handler, JsonLines(name, name))
    try:
        yield
    finally:
        root.handlers[:], root.level = before, level
        handler.close()


def _all_lines_to(handler: logging.Handler, lines: JsonLines) -> None:
    handler.setFormatter(lines)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for room in OUR_ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)


def _ended_by(kind: type[BaseException], error: BaseException, _: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        _log_uncaught("the process ends", error)


def _log_uncaught(what: str, error: BaseException | None) -> None:
    log.critical("%s: %s", what, "no exception" if error is None else place_of(error))
