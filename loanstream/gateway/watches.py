"""What readiness asks of things that may hang: off the event loop, one question at a time, answered in time or not."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.installation import Installation
from stores.documents.blobs import StoreDownError

WITHIN_S = 2.0

_SILENT = logging.getLogger("loanstream.gateway.silent")
_SILENT.disabled = True

Complaint = Callable[[], Awaitable[str | None]]
"""What is wrong with a part, in words that name no address and no tenant; None where nothing is."""

LATE = "no answer in time"


def one_at_a_time(ask: Callable[[], str | None], within_s: float = WITHIN_S) -> Complaint:
    """`ask`, which may block, in a thread of its own. One that does not come back is not asked again meanwhile."""
    thread = ThreadPoolExecutor(1, "watch")
    asking: asyncio.Future[str | None] | None = None

    async def complaint() -> str | None:
        nonlocal asking
        if asking is None or asking.done():
            asking = asyncio.get_running_loop().run_in_executor(thread, ask)
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(asking)
        except TimeoutError:
            return LATE

    return complaint


@contextmanager
def broker(installation: Installation) -> Iterator[Complaint]:
    """Whether Kafka answers; asked within."""
    settings: dict[str, Any] = {
        "bootstrap.servers": installation.bootstrap,
        **installation.worker_security,
        "log_level": 0,
    }
    with AdminClient(settings, logger=_SILENT) as admin:

        def ask() -> str | None:
            try:
                admin.describe_cluster(request_timeout=WITHIN_S).result()
            except KafkaException as error:
                return f"the broker does not answer: {error.args[0].name()}"
            return None

        yield one_at_a_time(ask)


def document_store(installation: Installation) -> Complaint:
    """Whether the document store is there."""
    blobs = installation.blobs

    def ask() -> str | None:
        try:
            return None if blobs.exists() else "the document store is not there"
        except StoreDownError:
            return "the document store cannot be reached"

    return one_at_a_time(ask)
