"""The lock of a state directory, `up.lock`: who holds it may run a stack there, or take away what lies there.

The kernel frees it with its holder's death, whatever that leaves behind; the file itself stays.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.problem import Problem

WITHIN_S = 0.3
"""`is_held` shares the lock for an instant: nobody is called its holder before this has passed."""


@contextmanager
def hold(lock: Path) -> Iterator[None]:
    """Hold the state directory of `lock`. Problem naming the process that has it."""
    with lock.open("a+") as file:
        until = time.monotonic() + WITHIN_S
        while not _taken(file.fileno(), fcntl.LOCK_EX):
            if time.monotonic() > until:
                file.seek(0)
                raise Problem(
                    f"a stack is already running at {lock.parent} (process {file.read().strip() or 'unknown'}); "
                    "stop it, or take another --state"
                )
            time.sleep(0.01)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def is_held(lock: Path) -> bool:
    """Whether somebody holds it."""
    try:
        with lock.open() as file:
            return not _taken(file.fileno(), fcntl.LOCK_SH)
    except FileNotFoundError:
        return False


def _taken(file: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
