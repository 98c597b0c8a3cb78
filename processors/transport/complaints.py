"""What a worker complains of, and what it waits for, as lines of its own log: who reads it there asked no endpoint."""

import logging
import re
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

AGAIN_S = 60.0
"""While it lasts it is said again so often; seconds and offsets in it may change meanwhile."""


class Complaints:
    """Logs the sentence that `found` gives when it is another one, each minute that it stands, and that it is over.

    `what` names the worker's state in the last of these.
    """

    def __init__(self, found: Callable[[], str | None], what: str, now: Callable[[], float] = time.monotonic) -> None:
        self._found, self._what, self._now = found, what, now
        self._said: str | None = None
        self._at = 0.0

    def look(self) -> None:
        """Look once, and log what there is to say."""
        sentence, now = self._found(), self._now()
        kind = None if sentence is None else re.sub(r"\d+", "", sentence)
        if kind is not None and (kind != self._said or now - self._at >= AGAIN_S):
            log.warning("%s", sentence)
            self._at = now
        elif kind is None and self._said is not None:
            log.info("this worker is %s again", self._what)
        self._said = kind
