"""The parts of the gateway as a table: what makes an installation's, and how readiness asks whether they are well."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from loanstream.gateway.keys import provider_keys, verifier
from loanstream.gateway.on_kafka import on_kafka
from loanstream.gateway.watches import LATE, WITHIN_S, Complaint, broker, document_store
from loanstream.installation import Installation
from producers.gateway.parts import Parts
from producers.gateway.reviews import WarehouseReviews
from schemas.problem import Problem
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore


@dataclass(frozen=True, slots=True)
class Made:
    """Some parts, by their names in `Parts`, and what readiness asks about them."""

    parts: Mapping[str, Any]
    complaints: Mapping[str, Complaint]


Maker = Callable[[Installation], AbstractAsyncContextManager[Made]]
"""The parts are at work within."""


@asynccontextmanager
async def door(installation: Installation) -> AsyncIterator[Made]:
    """Who comes in, and documents. Problem for a setting that is needed, a certificate or a key that is not there."""
    keys = provider_keys(installation.settings)
    for tenant in installation.tenants:
        installation.door_of(tenant)  # what is not there is told now, not at the first request
    documents = DocumentStore(installation.blobs, partial(_document_key, installation))

    async def keys_complaint() -> str | None:
        await keys.look()
        return keys.complaint

    with broker(installation) as broker_complaint:
        complaints: dict[str, Complaint] = {
            "verifier": keys_complaint,
            "documents": document_store(installation),
            "broker": broker_complaint,
        }
        await keys.look()
        yield Made({"verifier": verifier(installation, keys), "documents": documents}, complaints)


def _document_key(installation: Installation, tenant: str) -> DocumentKey:
    """Of a tenant's keys one: the process goes on without those of receipts."""
    keys = installation.door_of(tenant)
    return DocumentKey(keys.document_id, keys.document_key)


@asynccontextmanager
async def kafka(installation: Installation) -> AsyncIterator[Made]:
    """Applications, decisions and what would be decided. See `on_kafka`."""
    async with on_kafka(installation) as found:
        parts = {"sender": found.sender, "claims": found.claims, "decisions": found.decisions, "score": found.score}
        yield Made(parts, found.complaints)


@asynccontextmanager
async def reviews(installation: Installation) -> AsyncIterator[Made]:
    """What was referred. Readiness asks nothing of it: without the warehouse everything else is done all the same."""
    queue = WarehouseReviews(installation.warehouse)
    try:
        yield Made({"reviews": queue}, {})
    finally:
        queue.close()


MAKERS: Mapping[str, Maker] = {
    "door": door,
    "kafka": kafka,
    "reviews": reviews,
}
"""In the order in which they begin; they end in the other."""


@asynccontextmanager
async def parts_of(installation: Installation, makers: Mapping[str, Maker] = MAKERS) -> AsyncIterator[Parts]:
    """The parts, at work within. Problem for one that nothing makes, or that cannot be made of these settings."""
    async with AsyncExitStack() as at_work:
        made = [await at_work.enter_async_context(make(installation)) for make in makers.values()]
        parts = {name: part for one in made for name, part in one.parts.items()}
        missing = [field.name for field in fields(Parts) if field.name not in {*parts, "healthy"}]
        if missing:
            raise Problem(f"nothing makes these parts of the gateway: {', '.join(missing)}")
        complaints = {name: complaint for one in made for name, complaint in one.complaints.items()}
        yield Parts(**parts, healthy=lambda: _all(complaints))


async def _all(complaints: Mapping[str, Complaint]) -> Mapping[str, str]:
    """What is wrong, by name, each asked at the same time and none waited for too long."""
    found = await asyncio.gather(*(_in_time(each) for each in complaints.values()))
    return {name: said for name, said in zip(complaints, found, strict=True) if said is not None}


async def _in_time(complaint: Complaint) -> str | None:
    try:
        async with asyncio.timeout(WITHIN_S + 0.5):
            return await complaint()
    except TimeoutError:
        return LATE
