"""Loopback ports: picked free, kept for a state's next start while they stay free."""

import json
import random
import socket
from collections.abc import Collection
from pathlib import Path

LOOPBACK = "127.0.0.1"

FILE = "ports.json"
"""Where a broker's directory remembers its ports."""

PICKED_FROM = range(20000, 32000)
"""Below the range the system takes outgoing connections' ports from: while a killed server is away, a client of its own
could be given the server's port and keep it from coming back."""


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # What servers set too: without it a port in TIME_WAIT of our own last run counts as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def keep_or_pick(memory: Path, names: tuple[str, ...], besides: Collection[int] = ()) -> dict[str, int]:
    """A free port for each name: the one in the file `memory` where it is still free, else a new one; remembered.

    None of those in `besides`: they are somebody's who does not listen yet, so they look free.
    """
    kept = remembered(memory)
    chosen = {name: kept[name] for name in names if name in kept and kept[name] not in besides and is_free(kept[name])}
    chosen |= _pick(tuple(name for name in names if name not in chosen), {*besides, *chosen.values()})
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(kept | chosen))
    return chosen


def remembered(memory: Path) -> dict[str, int]:
    """The ports of the last start, by name; none where the file is absent or damaged (new ones are picked then)."""
    try:
        found: dict[str, int] = json.loads(memory.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _pick(names: tuple[str, ...], besides: Collection[int]) -> dict[str, int]:
    candidates = random.sample(PICKED_FROM, len(PICKED_FROM))
    free = (port for port in candidates if port not in besides and is_free(port))
    return {name: next(free) for name in names}
