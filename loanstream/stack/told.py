"""Whether somebody asked a process to stop, told by a signal."""

import os
import select
import signal
from collections.abc import Iterable
from contextlib import suppress
from types import FrameType


class ToldToStop:
    """Set by a signal, waited for by the main thread.

    A `threading.Event` cannot serve: Python runs the handler in the main thread, at a moment when that thread may hold
    the event's lock to wait, and it would then wait for itself for ever. A byte in a pipe needs no lock.
    """

    def __init__(self, numbers: Iterable[signal.Signals]) -> None:
        """To be called from the main thread. The handlers stay until the process ends."""
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in numbers:
            signal.signal(number, self._tell)

    def is_set(self) -> bool:
        """Whether a signal came."""
        return self.wait(0)

    def wait(self, seconds: float) -> bool:
        """Wait so long for a signal, or less where one came; whether one did."""
        return bool(select.select([self._read], [], [], seconds)[0])

    def _tell(self, _number: int, _frame: FrameType | None) -> None:
        # A full pipe has told it often enough.
        with suppress(BlockingIOError):
            os.write(self._write, b".")
