"""The gateway's figures about itself, beside those of the workers: until when its certificates are good."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from loanstream.installation import Installation
from processors.expiry import expiry
from processors.identity import Worker, code_version
from processors.measurements import Figure, MetricPublisher

STAGE = "gateway"
"""Stands for stage and worker: gateways of one installation show one certificate."""
EVERY_S = 60.0

log = logging.getLogger(__name__)

Publish = Callable[[], None]


def publisher(installation: Installation, certificate: Path) -> Publish:
    """What sends the ends of its server's certificate, and of the one it proves itself to Kafka with."""
    security = installation.worker_security
    also: Callable[[], Iterable[Figure]] = expiry(security, served=certificate)
    metrics = MetricPublisher(installation.bootstrap, security, Worker(STAGE, STAGE, code_version()), also)
    return lambda: metrics.publish({})


@asynccontextmanager
async def told(publish: Publish, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Publish now and again and again within; one that fails is logged by its kind, and the next is tried."""

    async def tell() -> None:
        while True:
            try:
                await asyncio.to_thread(publish)
            except Exception as error:  # noqa: BLE001 - requests are answered without figures
                log.warning("figures were not published: %s", type(error).__name__)
            await asyncio.sleep(every_s)

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
