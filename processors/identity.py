"""Who makes an event: a worker, and the code it runs."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable
from operator import itemgetter

ROOMS = ("schemas", "stores", "scoring", "registry", "processors")
"""What a decision's bytes can depend on, beside bundle and policy."""
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Worker:
    """Who makes an event: stage, process name (`verify-0`), code version; `now_ms` is its clock."""

    stage: str
    name: str
    code_version: str
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000


@cache
def code_version() -> str:
    """The code's version as receipts and events carry it: the package's, and the hash of the sources that decide.

    A release number alone would call two commits the same code.
    """
    sources = sources_hash({room: resources.files(room) for room in ROOMS})
    return f"{version('loanstream')}+{sources[:_DIGITS]}"


def sources_hash(places: Mapping[str, Traversable]) -> str:
    """SHA-256 (hex) of the names and bytes of every Python source in some folders, whatever their order on disk.

    A place may also be a single source. Each goes by the name it is given here, so that neither where the code is
    installed nor how changes the hash.
    """
    digest = hashlib.sha256()
    for name, place in places.items():
        for path, source in sorted(_sources(place, name), key=itemgetter(0)):
            content = source.read_bytes()
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _sources(place: Traversable, name: str) -> list[tuple[str, Traversable]]:
    if place.is_dir():
        return [found for item in place.iterdir() for found in _sources(item, f"{name}/{item.name}")]
    return [(name, place)] if place.name.endswith(".py") else []
