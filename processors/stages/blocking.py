"""Calls that block and may never return: in threads of their own, so that what hangs takes nothing else with it.

The event loop's own pool drains the worker and publishes its metrics; a few calls that hang would fill it. A
`ThreadPoolExecutor` beside it would not do either: the end of a process waits for its threads, without end for one that
hangs.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class BlockingCalls:
    """Makes at most `most` calls at once, those included that nobody waits for any more."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    async def make(self, call: Callable[..., T], *arguments: object) -> T:
        """What the call returns or raises. Who gives up waiting leaves it to its thread, which it keeps to its end."""
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        answer: Future[T] = Future()
        answer.set_running_or_notify_cancel()  # else giving up would cancel it under the thread's hands

        def work() -> None:
            try:
                result = call(*arguments)
            except BaseException as error:  # noqa: BLE001 - whoever waits for the answer gets it
                answer.set_exception(error)
            else:
                answer.set_result(result)
            with suppress(RuntimeError):  # the loop ended before the call
                loop.call_soon_threadsafe(self._free.release)

        threading.Thread(target=work, name="blocking call", daemon=True).start()
        return await asyncio.wrap_future(answer)
