"""Blocking work in threads, stopped in the engine when its client goes away."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.requests import Receive

P = ParamSpec("P")
T = TypeVar("T")


class Steps:
    """The steps of one statement, one after the other, each in a thread of `threads`."""

    def __init__(self, engine: Engine, threads: ThreadPoolExecutor, query_id: str, receive: Receive) -> None:
        self._engine = engine
        self._threads = threads
        self._query_id = query_id
        # The body has been read: all that can still come is the client's going.
        self._gone = asyncio.ensure_future(receive())

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run one step to its end. Raises what it raises, and ConnectionAbortedError when the client has gone."""
        step = asyncio.get_running_loop().run_in_executor(self._threads, lambda: work(*args, **kwargs))
        both: set[asyncio.Future[Any]] = {step, self._gone}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if self._gone.done():
            if not step.done():
                await asyncio.to_thread(self._engine.kill, self._query_id)
            await asyncio.wait({step})
            step.exception()  # taken, so that the loop does not report it: nobody is left to hear of it
            raise ConnectionAbortedError
        return step.result()

    def close(self) -> None:
        """Stop watching the client."""
        self._gone.cancel()
