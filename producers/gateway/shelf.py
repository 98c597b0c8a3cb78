"""Documents on their way into the store: so many at once, in threads of their own, and never for ever."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from producers.gateway.callers import Caller
from producers.gateway.parts import Parts
from producers.gateway.problems import ProblemError
from schemas.problem import Problem
from stores.documents.blobs import StoreDownError
from stores.documents.sealing import UnknownKeyError

THREADS = 4
AT_ONCE, AT_ONCE_OF_A_CLIENT = 16, 4
"""Uploads under way. Each holds its document, of 15 MB at most."""

WITHIN_S = 20.0
RETRY_AFTER_S = 5.0

logger = logging.getLogger(__name__)


class Shelf:
    """The document store for routes: its blocking calls are made off the event loop."""

    def __init__(self, parts: Parts, within_s: float = WITHIN_S) -> None:
        self._parts, self._within_s = parts, within_s
        self._threads = ThreadPoolExecutor(THREADS, "documents")
        self._under_way: Counter[str] = Counter()

    @contextmanager
    def upload(self, caller: Caller) -> Iterator[None]:
        """Within it one upload of `caller` is under way. ProblemError where there are as many as there may be."""
        name = f"{caller.tenant}/{caller.client_id}"
        if self._under_way[name] >= AT_ONCE_OF_A_CLIENT:
            raise ProblemError(
                "too-many",
                f"at most {AT_ONCE_OF_A_CLIENT} documents of one client at once",
                retry_after_s=1.0,
                reason="uploads-of-client",
            )
        if self._under_way.total() >= AT_ONCE:
            raise ProblemError("unavailable", "too many uploads at once", retry_after_s=1.0, reason="uploads")
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1
            self._under_way += Counter()  # forgets who has none

    async def put(self, tenant: str, data: bytes) -> str:
        """Store it for `tenant`; its SHA-256. ProblemError `unavailable` where the store does not take it."""
        try:
            async with asyncio.timeout(self._within_s):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._parts.documents.put, tenant, data)
        except (StoreDownError, OSError):  # a TimeoutError is one
            raise _away("document-store") from None
        except (UnknownKeyError, Problem):
            logger.error("a bank that is served has no document key")  # noqa: TRY400 - one line for the operator
            raise _away("document-key") from None

    def close(self) -> None:
        """Begin no further call."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _away(reason: str) -> ProblemError:
    return ProblemError("unavailable", "the document was not stored", retry_after_s=RETRY_AFTER_S, reason=reason)
