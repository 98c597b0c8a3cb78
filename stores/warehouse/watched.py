"""A reader's client that waits as long as the warehouse lives, and no longer.

A query may take minutes, so that a limit on it would have to be long; a warehouse that is frozen, or whose machine is
gone, takes connections and never answers. So the query has no limit of its own: while its answer is out, the server is
asked again and again whether it lives.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any, TypeVar

from schemas.problem import Problem

ANSWER_S = 8.0
"""So long nothing may be heard of the warehouse, by any command that reads."""

_LOOK_S = 2.0
_PING_S = 3.0

R = TypeVar("R")


class WarehouseSilent(Problem):
    """The warehouse takes connections, and does not answer."""


class WatchedClient:
    """`client` (of clickhouse-connect), which raises `WarehouseSilent` where nothing is heard of the server at
    `url` for `answer_s` seconds while an answer is out.
    """

    def __init__(self, client: Any, url: str, answer_s: float = ANSWER_S) -> None:
        self._client, self._url, self._answer_s = client, url, answer_s

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._watched(found) if name in _ASKING else found

    def _watched(self, ask: Callable[..., R]) -> Callable[..., R]:
        def asked(*arguments: Any, **named: Any) -> R:
            answer, heard = _begun(lambda: ask(*arguments, **named)), time.monotonic()
            while not wait([answer], _LOOK_S).done:
                if self._lives():
                    heard = time.monotonic()
                elif time.monotonic() - heard > self._answer_s and not answer.done():
                    raise WarehouseSilent(_silent(self._url, self._answer_s))
            return answer.result()

        return asked

    def _lives(self) -> bool:
        ping = _begun(self._client.ping)
        wait([ping], _PING_S)
        return ping.done() and ping.exception() is None and ping.result()


_ASKING = frozenset({"query", "raw_query", "command", "raw_insert"})


def within(ask: Callable[[], R], url: str, answer_s: float = ANSWER_S) -> R:
    """What `ask` gives, which asks the server at `url` for a trifle. Raises `WarehouseSilent`."""
    answer = _begun(ask)
    if not wait([answer], answer_s).done:
        raise WarehouseSilent(_silent(url, answer_s))
    return answer.result()


def _silent(url: str, answer_s: float) -> str:
    return f"the warehouse at {url} does not answer: nothing was heard of it for {answer_s:g} s"


def _begun(ask: Callable[[], R]) -> "Future[R]":
    """What `ask` will give. Its thread is left alone where nobody waits any more: it ends with the process."""
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where the answer is waited for
            future.set_exception(error)

    Thread(target=run, daemon=True, name="warehouse-query").start()
    return future
