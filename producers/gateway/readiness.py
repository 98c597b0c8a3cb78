"""Whether the gateway can do its work, asked of its parts no more than once a second: anybody may ask for it."""

import asyncio
import math
import time
from collections.abc import Callable, Mapping

from producers.gateway.parts import Parts

YOUNG_S = 1.0
WITHIN_S = 3.0


class Readiness:
    """What is wrong now, by the name of the part."""

    def __init__(self, parts: Parts, within_s: float = WITHIN_S, now: Callable[[], float] = time.monotonic) -> None:
        self._parts, self._within_s, self._now = parts, within_s, now
        self._asked_at = -math.inf
        self._asking: asyncio.Task[Mapping[str, str]] | None = None

    async def complaints(self) -> Mapping[str, str]:
        """Of now, or of a second ago; a question under way is everybody's."""
        if self._asking is None or (self._asking.done() and self._now() - self._asked_at >= YOUNG_S):
            self._asked_at = self._now()
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(self._within_s):
                return await self._parts.healthy()
        except TimeoutError:
            return {"parts": "no answer in time"}
