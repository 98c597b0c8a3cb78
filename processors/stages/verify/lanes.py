"""The two lanes of verify: how the documents of one batch are read, and what becomes of those that are not.

 fast   every application's documents at once, until the batch's budget ends  ──▶ late: the slow lane's
 slow   the tenants' applications in turn, a few at a time, until the turn ends ──▶ deferred: read again, soon

A tenant that sends a hundred documents of six seconds waits for its own: in each turn of the slow lane every other
tenant's next application comes before its second one. What was read before is remembered, so a turn goes on where the
last one ended.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any, Protocol

from processors.stages.envelope import Accepted
from schemas.application import DocumentRef
from schemas.records import Partition, partition_of
from schemas.verification import Extraction, Lane

FAST_BUDGET_S = 0.300
"""What the fast lane spends on the documents of one batch, in seconds."""

SLOW_DOCUMENT_S = 6.0
"""What the slow lane spends on one document, in seconds."""

SLOW_TURN_S = 2.0
"""In the slow lane nothing is begun after so many seconds of a batch; what has begun is finished."""


STORE_AWAY = "the document store is away"


class StoreUnavailable(Exception):
    """The document store cannot be asked now; nothing may be concluded from that."""


class Documents(Protocol):
    """Where extractions come from. `parallel` is how many documents can be read at once."""

    parallel: int

    async def extraction(self, tenant: str, ref: DocumentRef, lane: Lane, deadline: float) -> Extraction | None:
        """What a tenant's document says; None where `deadline` (monotonic seconds) passed first in the fast lane.

        Raises `StoreUnavailable`.
        """


@dataclass(frozen=True, slots=True)
class Read:
    """An application whose documents have all been read."""

    accepted: Accepted
    extractions: tuple[Extraction, ...]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The applications of a batch: read; too late for this lane; deferred, each with what it needs that is down, or
    None where it was not begun or not finished in this turn.
    """

    read: list[Read]
    late: list[Accepted]
    deferred: list[tuple[Accepted, str | None]]


class _TurnOver(Exception):
    """Its documents are for the next turn."""


Answer = tuple[Extraction, ...] | Exception | None
"""What came of an application: its extractions, an exception, None where the fast lane's budget ended."""

Reading = Callable[[Documents, Sequence[Accepted]], Coroutine[Any, Any, list[Answer]]]


async def read_documents(lane: Lane, documents: Documents, items: Sequence[Accepted]) -> Sorted:
    """Read the documents of a batch as the lane does. Raises what is neither lateness nor an absent store."""
    answers = iter(await _READINGS[lane](documents, [item for item in items if item.application.documents]))
    found = Sorted([], [], [])
    for item in items:
        match next(answers) if item.application.documents else ():
            case StoreUnavailable() as away:
                found.deferred.append((item, str(away) or STORE_AWAY))
            case _TurnOver():
                found.deferred.append((item, None))
            case Exception() as error:
                raise error
            case None:
                found.late.append(item)
            case extractions:
                found.read.append(Read(item, extractions))
    return found


async def _within_budget(documents: Documents, items: Sequence[Accepted]) -> list[Answer]:
    budget_ends = time.monotonic() + FAST_BUDGET_S

    async def read(item: Accepted) -> tuple[Extraction, ...] | None:
        extractions = []
        for ref in item.application.documents:
            found = await documents.extraction(item.application.tenant, ref, "fast", budget_ends)
            if found is None:
                return None
            extractions.append(found)
        return tuple(extractions)

    return list(await asyncio.gather(*(_caught(read(item)) for item in items)))


async def _in_turns(documents: Documents, items: Sequence[Accepted]) -> list[Answer]:
    turn_ends = time.monotonic() + SLOW_TURN_S
    answers: dict[int, Answer] = {}
    waiting = iter(tenants_in_turn(items))

    async def read(item: Accepted) -> tuple[Extraction, ...]:
        extractions = []
        for ref in item.application.documents:
            if time.monotonic() > turn_ends:
                raise _TurnOver
            deadline = time.monotonic() + SLOW_DOCUMENT_S
            found = await documents.extraction(item.application.tenant, ref, "slow", deadline)
            assert found is not None  # the slow lane has an answer for every document
            extractions.append(found)
        return tuple(extractions)

    async def read_on() -> None:
        for at in waiting:
            answers[at] = await _caught(read(items[at]))

    await asyncio.gather(*(read_on() for _ in range(documents.parallel)))
    return [answers[at] for at in range(len(items))]


_READINGS: dict[Lane, Reading] = {"fast": _within_budget, "slow": _in_turns}


def tenants_in_turn(items: Sequence[Accepted]) -> Iterator[int]:
    """The positions of applications, one of each tenant after the other.

    Of one tenant partition by partition, the one that has waited longest first: a partition is committed as a whole.
    """
    waits_since: dict[Partition, int] = {}
    for item in items:
        place = partition_of(item.message)
        waits_since[place] = min(item.accepted_ms, waits_since.get(place, item.accepted_ms))

    def age(at: int) -> tuple[int, Partition]:
        place = partition_of(items[at].message)
        return waits_since[place], place

    of_tenant: dict[str, list[int]] = {}
    for at in sorted(range(len(items)), key=age):
        of_tenant.setdefault(items[at].application.tenant, []).append(at)
    rounds: Iterable[tuple[int | None, ...]] = zip_longest(*of_tenant.values())
    return (at for at in chain.from_iterable(rounds) if at is not None)


async def _caught(reading: Coroutine[Any, Any, tuple[Extraction, ...] | None]) -> Answer:
    try:
        return await reading
    except Exception as error:  # noqa: BLE001 - one application's trouble is looked at when all have been read
        return error
