"""Room on disk: how much a state needs, and the one line that says where there is none."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.problem import Problem

MIB = 1024**2
STATE_NEEDS_BYTES = 512 * MIB
"""A new state takes 70 MiB, 64 of them the warehouse's reserve; the rest is for the first records. Below this `up` does
not start and the doctor complains: a broker whose disk fills up under it stops at once."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
WAY_OUT = "make room, or take another --state"


def room_at(path: Path) -> tuple[Path, int]:
    """The bytes free for `path`, and where that was looked at: the nearest directory that exists."""
    place = next(directory for directory in (path, *path.parents) if directory.exists())
    return place, shutil.disk_usage(place).free


def shortage(path: Path, needed: int = STATE_NEEDS_BYTES, way_out: str = WAY_OUT) -> str | None:
    """The line for a disk with less than `needed` bytes free at `path`; None where there is room."""
    place, free = room_at(path)
    if free >= needed:
        return None
    return f"{free // MIB} MiB free at {place}, {needed // MIB} MiB needed; {way_out}"


def need_room(path: Path, needed: int = STATE_NEEDS_BYTES, way_out: str = WAY_OUT) -> None:
    """Raises Problem where `path` has less room than `needed` bytes."""
    if line := shortage(path, needed, way_out):
        raise Problem(line)


@contextmanager
def full_disk_named(path: Path, way_out: str = WAY_OUT) -> Iterator[None]:
    """Turn a full disk's OSError into a Problem that names the file, or `path` where the error names none."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise Problem(f"no space left on the disk of {error.filename or path}; {way_out}") from error
