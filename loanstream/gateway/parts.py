"""The parts of the gateway as a table: what makes each of an installation's, and how it is known to be well."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from typing import Any

from loanstream.gateway.keys import provider_keys, verifier
from loanstream.gateway.watches import LATE, WITHIN_S, Complaint, broker, document_store
from loanstream.installation import Installation
from producers.gateway.parts import Parts
from schemas.problem import Problem
from stores.documents.sealing import DocumentKey
from stores.documents.store import DocumentStore


async def _nothing() -> None:
    """Most parts have nothing to begin, nothing to end, and no complaint of their own."""


@dataclass(frozen=True, slots=True)
class Made:
    """A part, what begins and ends its work, and what it complains of."""

    part: Any
    complaint: Complaint = _nothing
    start: Callable[[], Awaitable[None]] = _nothing
    close: Callable[[], Awaitable[None]] = _nothing


Builder = Callable[[Installation], Made]


def _verifier(installation: Installation) -> Made:
    keys = provider_keys(installation.settings)

    async def complaint() -> str | None:
        await keys.look()
        return keys.complaint

    return Made(verifier(installation, keys), complaint, keys.look)


def _documents(installation: Installation) -> Made:
    # Read here, and of each tenant's keys one: the process goes on without those of receipts.
    return Made(DocumentStore(installation.blobs, dict(_document_keys(installation))), document_store(installation))


def _document_keys(installation: Installation) -> Iterator[tuple[str, DocumentKey]]:
    """Problem at the start for a tenant without keys, not at its first document."""
    for tenant in installation.tenants:
        keys = installation.keys.tenant(tenant)
        yield tenant, DocumentKey(keys.document_id, keys.document_key)


BUILDERS: Mapping[str, Builder] = {
    # a field of `producers.gateway.parts.Parts`
    "verifier": _verifier,
    "documents": _documents,
}

WATCHES: Mapping[str, Callable[[Installation], Complaint]] = {
    # what readiness asks besides the parts
    "broker": broker,
}


@asynccontextmanager
async def parts_of(
    installation: Installation,
    builders: Mapping[str, Builder] = BUILDERS,
    watches: Mapping[str, Callable[[Installation], Complaint]] = WATCHES,
) -> AsyncIterator[Parts]:
    """The parts, at work within. Problem for one that nothing makes, or that cannot be made of these settings."""
    names = [field.name for field in fields(Parts) if field.name != "healthy"]
    missing = [name for name in names if name not in builders]
    if missing:
        raise Problem(f"nothing makes these parts of the gateway: {', '.join(missing)}")
    made = {name: builders[name](installation) for name in names}
    complaints = {name: one.complaint for name, one in made.items()}
    complaints |= {name: watch(installation) for name, watch in watches.items()}
    async with AsyncExitStack() as at_work:
        for one in made.values():
            await one.start()
            at_work.push_async_callback(one.close)
        yield Parts(**{name: one.part for name, one in made.items()}, healthy=lambda: _all(complaints))


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
