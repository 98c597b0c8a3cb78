"""Waiting for what others are about to do: with patience, and not in silence."""

import time
from collections.abc import Callable

Say = Callable[[str], None]
"""Tells a person a line, beside the answer."""

POLL_S = 0.1

TOLD_AFTER_S = 3.0
"""Who waits longer is told for what, and again each time another `AGAIN_S` seconds have gone."""

AGAIN_S = 15.0


def silent(_: str) -> None:
    """Says nothing: whoever asks is no person."""


class Wait:
    """Waits for `what` (words for a person) with a patience of `patience_s` seconds, which progress renews."""

    def __init__(self, patience_s: float, say: Say, what: Callable[[], str]) -> None:
        self._patience_s, self._say, self._what = patience_s, say, what
        self._tell_at = time.monotonic() + TOLD_AFTER_S
        self.renew()

    def renew(self) -> None:
        """There was progress."""
        self._until = time.monotonic() + self._patience_s

    def once_more(self) -> bool:
        """Wait a moment and return True; False at once where the patience is at its end."""
        now = time.monotonic()
        if now > self._until:
            return False
        if now >= self._tell_at:
            self._say(f"waiting for {self._what()}")
            self._tell_at = now + AGAIN_S
        time.sleep(POLL_S)
        return True
