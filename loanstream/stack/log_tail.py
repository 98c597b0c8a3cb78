"""Why a process ended, by the tail of its log: the line a person would quote."""

import os
import re
from pathlib import Path

NOTHING = "nothing"
TAIL_BYTES = 16 * 1024
"""More than a Java trace with its causes: what explains it stands above its frames."""
_SAYS_LITTLE = re.compile(
    r"^\t"  # a frame of a Java trace, or how many more there are: the cause stands above them
    r"|^\W*$"
    r"|\b(TRACE|DEBUG|INFO|WARN|WARNING)\b"
)


def telling_last_line(log: Path) -> str:
    """The telling line of a log's end; `nothing` where there is no log."""
    if not log.exists():
        return NOTHING
    with log.open("rb") as file:
        if log.stat().st_size > TAIL_BYTES:
            file.seek(-TAIL_BYTES, os.SEEK_END)
            file.readline()  # what is left of a line says less than a whole one
        return telling_line(file.read().decode(errors="replace"))


def telling_line(text: str) -> str:
    r"""The last line that says what is wrong, else the last line; `nothing` where all are blank.

    Of a trace that is its innermost cause (Java) or the exception itself (Python), which no frame follows.

    >>> telling_line("ERROR Exiting\nCaused by: java.io.IOException: out of cheese\n\tat kafka.Kafka\n")
    'Caused by: java.io.IOException: out of cheese'
    """
    lines = [line for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _SAYS_LITTLE.search(line) is None]
    return (telling or lines or [NOTHING])[-1].strip()
