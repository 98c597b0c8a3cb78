"""The gateway's reviews: the queue as the warehouse has it, asked from threads, as a part of the gateway."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError

from producers.gateway.problems import Fault, ProblemError
from stores.reviews import CursorWrong, Order, Page, Review, ReviewQueue

READERS = 4
"""Questions that the warehouse is asked at once."""

PATIENCE_S = 10.0
"""What a caller waits for the answer, its turn included. The warehouse ends what its reader's account may not do longer
(30 s), and gives the thread back.
"""

RETRY_AFTER_S = 5.0

Answer = TypeVar("Answer")


class WarehouseReviews:
    """`parts.Reviews` by the warehouse. `connect` makes a reader's client; each thread has one of its own.

    A warehouse that does not answer holds at most READERS threads. Whoever waits longer than PATIENCE_S is told so, and
    his question is dropped where it was not asked yet.
    """

    def __init__(self, connect: Callable[[], Any], *, readers: int = READERS, patience_s: float = PATIENCE_S) -> None:
        self._connect, self._patience_s = connect, patience_s
        self._threads = ThreadPoolExecutor(readers, "reviews")
        self._own = threading.local()

    async def waiting(self, tenant: str, limit: int, order: Order, after: str | None) -> Page:
        """See `parts.Reviews`."""
        try:
            return await self._ask(lambda queue: queue.waiting(tenant, limit, order=order, after=after))
        except CursorWrong:
            fault = Fault("after", "`next` of an earlier page")
            raise ProblemError("parameter-wrong", "after is no cursor", [fault]) from None

    async def one(self, tenant: str, review_id: str) -> Review | None:
        """See `parts.Reviews`."""
        return await self._ask(lambda queue: queue.one(tenant, review_id))

    def close(self) -> None:
        """Ask nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, question: Callable[[ReviewQueue], Answer]) -> Answer:
        asked = self._threads.submit(self._answer, question)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(asked), self._patience_s)
        except (ClickHouseError, OSError, TimeoutError):
            detail = "the warehouse does not answer; the queue is there when it does"
            raise ProblemError("unavailable", detail, retry_after_s=RETRY_AFTER_S, reason="warehouse-away") from None

    def _answer(self, question: Callable[[ReviewQueue], Answer]) -> Answer:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._connect()
        try:
            return question(ReviewQueue(client))
        except (ClickHouseError, OSError):
            self._own.client = None  # the next question comes over a new connection
            client.close()
            raise
