"""Writing a file so that it is there whole or not at all, and still there after a power cut."""

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

PRIVATE = 0o700


def write_private(path: Path, data: bytes) -> None:
    """Write `data` to `path` for its owner alone (mode 0600), replacing what was there; on disk when the call returns.

    Raises OSError.
    """
    _write(path, data, 0o600)


def write_public(path: Path, data: bytes) -> None:
    """The same for everybody to read (mode 0644), from the first moment on. Raises OSError."""
    _write(path, data, 0o644)


def private_directory(path: Path) -> None:
    """Make a directory for its owner alone (mode 0700), with its parents; one of ours that is open to others is closed.

    Raises OSError.
    """
    path.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    found = path.stat()
    # Another's, as a volume that is mounted, is its owner's to close.
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != PRIVATE:
        path.chmod(PRIVATE)


def _write(path: Path, data: bytes, mode: int) -> None:
    handle, scratch = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(scratch).unlink()
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make what was created, renamed or removed in `directory` last. Raises OSError."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
