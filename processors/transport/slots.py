"""The lock that keeps a slot to one worker on this machine (across machines the older holder is fenced)."""

import fcntl
import os
from pathlib import Path


class SlotTakenError(Exception):
    """Another process on this machine holds the slot."""


class SlotLock:
    """An exclusive lock on `<slot_dir>/<stage>-<slot>.lock`, held until `release` or the death of the process.

    Raises SlotTakenError with one line that names the slot and the holder's process id.
    """

    def __init__(self, slot_dir: Path, stage: str, slot: int) -> None:
        slot_dir.mkdir(parents=True, exist_ok=True)
        self._file = os.open(slot_dir / f"{stage}-{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise SlotTakenError(
                f"slot {slot} of stage {stage} is in use by process {holder}; choose another with --slot"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process have the slot."""
        os.close(self._file)
