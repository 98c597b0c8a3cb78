"""Why a process ended, by the tail of its log: the line a person would quote."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

NOTHING = "nothing"
TAIL_BYTES = 16 * 1024
"""More than a Java trace with its causes: what explains it stands above its frames."""
_ERRORS = frozenset({"error", "critical"})
_SAYS_LITTLE = re.compile(
    r"^\t"  # a frame of a Java trace, or how many more there are: the cause stands above them
    r"|^\W*$"
    r"|\b(TRACE|DEBUG|INFO|WARN|WARNING)\b"
)


def last_words(log: Path) -> str | None:
    """What a worker said last, where that was an error: it ended because of it; None for any other end."""
    tail = _tail(log)
    lines = tail.splitlines() if tail else []
    said = _json(lines[-1]) if lines else None
    return str(said["message"]) if said and said["level"] in _ERRORS else None


def telling_last_line(log: Path) -> str:
    """The telling line of a log's end; `nothing` where there is no log."""
    tail = _tail(log)
    return NOTHING if tail is None else telling_line(tail)


def _tail(log: Path) -> str | None:
    if not log.exists():
        return None
    with log.open("rb") as file:
        if log.stat().st_size > TAIL_BYTES:
            file.seek(-TAIL_BYTES, os.SEEK_END)
            file.readline()  # what is left of a line says less than a whole one
        return file.read().decode(errors="replace")


def telling_line(text: str) -> str:
    r"""The last line that says what is wrong, else the last line; `nothing` where all are blank.

    Of a trace that is its innermost cause (Java) or the exception itself (Python), which no frame follows; of JSON
    lines, the last error's message.

    >>> telling_line("ERROR Exiting\nCaused by: java.io.IOException: out of cheese\n\tat kafka.Kafka\n")
    'Caused by: java.io.IOException: out of cheese'
    >>> telling_line('{"level": "critical", "message": "out of cheese"}\n{"level": "info", "message": "bye"}\n')
    'out of cheese'
    """
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _says_little(line)]
    found = (telling or lines or [NOTHING])[-1].strip()
    said = _json(found)
    return str(said["message"]) if said else found


def _says_little(line: str) -> bool:
    said = _json(line)
    return said["level"] not in _ERRORS if said else _SAYS_LITTLE.search(line) is not None


def _json(line: str) -> Mapping[str, object] | None:
    """A worker's line, which is JSON; None for any other."""
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) and found.keys() >= {"level", "message"} else None
