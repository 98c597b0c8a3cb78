"""Headings with sentences beside them, for a terminal and for what is copied out of one."""

import textwrap
from collections.abc import Sequence

from loanstream.terminal import COLUMNS


def listed(rows: Sequence[tuple[str, str]]) -> str:
    """Headings, each with its sentence beside it, set in where it runs on.

    >>> print(listed([("name", "standard"), ("bands", "approve above 0.7")]))
    name   standard
    bands  approve above 0.7
    """
    room = max((len(heading) for heading, _ in rows), default=0) + 2
    return "\n".join(_beside(heading, sentence, room) for heading, sentence in rows)


def _beside(heading: str, sentence: str, room: int) -> str:
    lines = textwrap.wrap(sentence, COLUMNS - room, break_on_hyphens=False) or [""]
    return textwrap.indent("\n".join(lines), " " * room).replace(" " * room, heading.ljust(room), 1).rstrip()
