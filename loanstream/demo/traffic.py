"""What the demo publishes: a seeded mix of honest, inflated, thin-file, broken, repeated and malformed applications."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from producers.synthetic.applications import Shares, SyntheticDocument, synthesise
from producers.synthetic.malformed import malformed

SEED = 20_260_101
SHARES = Shares(inflated=0.10, thin_file=0.08, broken=0.04, repeated=0.05, documents=0.45)
OVER_HTTPS = 5
"""Of so many well-formed applications one goes through the gateway; the others, and all records that a bank's system
got wrong or sends again, go to Kafka.
"""
APPLICATIONS = {"bank-a": 640, "bank-b": 400}
"""Distinct applications a tenant."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record to publish, the documents to upload before it, what is the matter with it, and by which door."""

    tenant: str
    key: bytes
    value: bytes
    truth: str
    documents: tuple[SyntheticDocument, ...] = ()
    over_https: bool = False


def traffic(scale: float = 1.0) -> Iterator[Item]:
    """Everything in the order it is published; the tenants take turns. `scale` shrinks it for tests."""
    streams = [list(_of(tenant, max(1, round(count * scale)))) for tenant, count in APPLICATIONS.items()]
    longest = max(len(stream) for stream in streams)
    for index in range(longest):
        for stream in streams:
            # Spread a short stream over the length of the longest.
            first, last = index * len(stream) // longest, (index + 1) * len(stream) // longest
            yield from stream[first:last]


def _of(tenant: str, count: int) -> Iterator[Item]:
    start = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
    faults = islice(malformed(SEED, tenant, start), max(1, count // 20))
    bad = (Item(tenant, fault.key, fault.value, f"malformed: {fault.what}") for fault in faults)
    for number, made in enumerate(synthesise(count, SEED, tenant, SHARES, start, id_prefix=f"{tenant}-")):
        application = made.application
        value = application.model_dump_json(exclude_none=True).encode()
        over_https = number % OVER_HTTPS == 0 and made.truth != "repeated"
        yield Item(tenant, application.application_id.encode(), value, made.truth, made.documents, over_https)
        if number % 20 == 19:
            yield from (item for item in [next(bad, None)] if item is not None)
    yield from bad
