"""Has each application ended as exactly one decision record or dead letter? Those on their way are waited for."""

from collections.abc import Callable
from typing import NamedTuple

from loanstream.ask.balance import OPENS, Balance
from loanstream.ask.difference import Difference
from loanstream.ask.kept import record_of
from loanstream.ask.retained import Retained
from loanstream.ask.waiting import Say, Wait
from processors.stages.record.rows import RECORDINGS
from schemas.records import Partition
from schemas.topics import ENDS, TOPICS
from stores.topics import Bounds, TopicReader
from stores.warehouse.pages import StoredRows

IDS_AT_ONCE = 100
"""Applications that are asked for by their ids in one query: more make its address too long."""


class Ended(NamedTuple):
    """What ended wrongly, and of how many applications retention took the end: the warehouse has it."""

    differences: list[Difference]
    before: int


def ended(
    tenant: str,
    topics: TopicReader,
    retained: Retained,
    table: Callable[[str], StoredRows],
    patience_s: float,
    say: Say,
    kept_since_ms: int = 0,
) -> Ended:
    """How the applications of a tenant ended that are `retained`. `patience_s` is renewed by each that ends.

    Where retention took ends from the topics, nothing tells how an application from before `kept_since_ms` ended: the
    warehouse does not keep it either.

    Raises `TopicsUnreadable`.
    """
    books, at = Balance(tenant), dict(retained.bounds)
    for key in (*OPENS, *ENDS):
        for partition, bounds in retained.partitions(TOPICS[key].name(tenant)):
            for message in retained.records(partition, bounds):
                books.put(key, message)
    before = _enter_ended_before(books, tenant, retained, table, kept_since_ms)
    wait = Wait(patience_s, say, lambda: f"{books.undecided} applications of {tenant} to be decided")
    while books.undecided:
        if _read_on(books, tenant, topics, retained, at):
            wait.renew()
        elif books.undecided and not wait.once_more():
            break
    applications = retained.partitions(TOPICS["applications"].name(tenant))
    return Ended(books.differences(whole=all(bounds.low == 0 for _, bounds in applications)), before)


def _enter_ended_before(
    books: Balance, tenant: str, retained: Retained, table: Callable[[str], StoredRows], kept_since_ms: int
) -> int:
    """Enter the ends that retention took, as the warehouse keeps them, of what is open; how many these are."""
    open_at_first = books.undecided
    for key in ENDS:
        name = TOPICS[key].name(tenant)
        low = {number: bounds.low for (_, number), bounds in retained.partitions(name)}
        if not any(low.values()):
            continue
        (kept_in,) = RECORDINGS[key].tables
        # Of a key that is no application's id the letters' table keeps none.
        ids = ["", *(key.decode("utf-8", "replace") for key in books.open_keys)]
        for start in range(0, len(ids), IDS_AT_ONCE):
            for one in table(kept_in).of_applications(name, tenant, ids[start : start + IDS_AT_ONCE]):
                record = record_of(kept_in, one)
                if record is not None and record.offset() < low.get(record.partition(), 0):
                    books.put_late(key, record)
        books.forget(kept_since_ms)
    return open_at_first - books.undecided


def _read_on(books: Balance, tenant: str, topics: TopicReader, retained: Retained, at: dict[Partition, Bounds]) -> bool:
    """Enter what has ended since; whether anything has."""
    names = {TOPICS[key].name(tenant): key for key in ENDS}
    came = False
    for partition, bounds in topics.bounds(names).items():
        known = at.get(partition, Bounds(bounds.low, bounds.low))
        for message in retained.records(partition, Bounds(known.end, bounds.end)):
            books.put_late(names[partition[0]], message)
            came = True
        at[partition] = Bounds(known.low, max(known.end, bounds.end))
    return came
