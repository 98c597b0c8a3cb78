"""Loopback ports: picked free, kept for a state's next start while they stay free."""

import json
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"


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


def keep_or_pick(memory: Path, names: tuple[str, ...]) -> dict[str, int]:
    """A free port for each name: the one in the file `memory` where it is still free, else a new one; remembered."""
    kept: dict[str, int] = json.loads(memory.read_text()) if memory.exists() else {}
    chosen = {name: kept[name] for name in names if name in kept and is_free(kept[name])}
    chosen |= _pick(tuple(name for name in names if name not in chosen))
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(kept | chosen))
    return chosen


def _pick(names: tuple[str, ...]) -> dict[str, int]:
    # All sockets stay open until every name has its port, or the system could hand out one port twice.
    probes = {name: socket.socket() for name in names}
    try:
        for probe in probes.values():
            probe.bind((LOOPBACK, 0))
        return {name: int(probe.getsockname()[1]) for name, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.close()
