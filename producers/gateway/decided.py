"""Decisions, as a gateway knows them: of late by following their topic, older ones from the warehouse.

Theory of operation. A thread follows `loan.decisions.v1.<tenant>` of every bank from the gateway's start on, and keeps
what it hears in memory of a bounded size (`late`). Whoever waits for a decision is told as soon as it is heard. The
first decision of a revision counts; the first that was heard may have one before it, from before the start. So what is
asked for is held once against the warehouse. Where that is away, what was heard is the answer.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Protocol

import orjson
from confluent_kafka import Consumer

from producers.gateway.following import Follower
from producers.gateway.late import BYTES_MOST, Late, Name
from producers.gateway.parts import Decided, Standing
from producers.gateway.problems import ProblemError
from schemas.headers import header
from schemas.records import Message, Place
from schemas.topics import TOPICS, topic_of
from stores.unreadable import as_read

REJECTIONS = "rejections"
"""The row of what banks are told of records that were not taken."""
WITHDRAWN = b"loan.rejection.withdrawn"
WAITING_MOST = 2_000
"""Requests that may wait for a decision; one more is answered at once that its application was accepted."""


class Older(Protocol):
    """What was before: see `producers.gateway.older.Warehouse`. ProblemError `unavailable` where it cannot be told."""

    async def find(self, tenant: str, application_id: str, revision: int | None = None) -> Decided | None:
        """The first decision of the highest revision, or of that one."""
        ...

    async def by_id(self, tenant: str, decision_id: str) -> Decided | None:
        """The decision of this id."""
        ...

    async def standing(self, tenant: str, application_id: str, revision: int | None = None) -> Standing | None:
        """How an application stands that was not decided."""
        ...


class _Topics:
    """The topics of the banks that are served, as of each time that somebody asks: banks may come and go."""

    def __init__(self, tenants: Collection[str]) -> None:
        self._tenants = tenants
        self._rows = [TOPICS[key] for key in ("decisions", REJECTIONS)]

    def __iter__(self) -> Iterator[str]:
        return (row.name(tenant) for tenant in self._tenants for row in self._rows)


class KnownDecisions:
    """The `Decisions` of `parts`; used from the event loop that `start` was called in. `settings` are librdkafka's."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        tenants: Collection[str],
        older: Older,
        *,
        bytes_most: int = BYTES_MOST,
        kafka: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        self._older = older
        self._late = Late(bytes_most)
        self._lock = threading.Lock()
        self._waiting: dict[Name, list[tuple[int, asyncio.Future[Decided]]]] = {}
        self._waiters = 0
        self._heard: deque[Name] = deque()
        self._follower = Follower(
            settings, _Topics(tenants), self._take, self._tell, lambda: bool(self._heard), kafka=kafka
        )

    async def start(self) -> None:
        """Begin to follow the topics."""
        await self._follower.start()

    async def close(self) -> None:
        """Stop following."""
        await self._follower.close()

    async def complaint(self) -> str | None:
        """What is wrong, in words for readiness."""
        return self._follower.complaint

    def accepted(self, tenant: str, application_id: str, revision: int, place: Place) -> None:
        """See `Decisions.accepted`."""
        with self._lock:
            self._late.accept((tenant, application_id), revision, place)

    async def find(self, tenant: str, application_id: str, revision: int | None = None) -> Decided | None:
        """See `Decisions.find`."""
        name = (tenant, application_id)
        with self._lock:
            late = self._late.found(name, revision)
            if late is not None and self._late.is_sure(name, late.event["revision"]):
                return late
            if late is None and self._is_accepted_here(name, revision):
                return None
        try:
            older = await self._older.find(tenant, application_id, revision)
        except ProblemError:
            if late is None:
                raise
            return late
        return self._counting(name, late, older)

    async def by_id(self, tenant: str, decision_id: str) -> Decided | None:
        """See `Decisions.by_id`."""
        with self._lock:
            late = self._late.by_id(tenant, decision_id)
        return late or await self._older.by_id(tenant, decision_id)

    async def wait(self, tenant: str, application_id: str, revision: int, within_s: float) -> Decided | None:
        """See `Decisions.wait`."""
        if self._waiters >= WAITING_MOST:
            return None
        name = (tenant, application_id)
        come: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(name, [])
        waiting.append((revision, come))
        self._waiters += 1
        try:
            with self._lock:  # after it is waited for: nothing comes in between unheard
                found = self._late.found(name, revision)
            if found is not None:
                return found
            async with asyncio.timeout(within_s):
                return await come
        except TimeoutError:
            return None
        finally:
            self._waiters -= 1
            waiting.remove((revision, come))
            if not waiting and self._waiting.get(name) is waiting:
                del self._waiting[name]

    async def status(self, tenant: str, application_id: str, revision: int | None = None) -> Standing | None:
        """See `Decisions.status`."""
        name = (tenant, application_id)
        decided = await self.find(tenant, application_id, revision)
        with self._lock:
            here, rejection = dict(self._late.accepted(name)), self._late.rejection(name)
        newest = revision or max(here, default=0)
        place = here.get(newest)
        # Of what was accepted here its own rejection alone counts: a bad record of that id may have come before.
        if rejection is not None and (decided is None if place is None else _origin(rejection) == place):
            return Standing(newest or None, "rejected", errors=tuple(rejection["errors"]))
        if decided is not None and decided.event["revision"] >= newest:
            return Standing(decided.event["revision"], "decided", decided)
        if newest in here:
            return Standing(newest, "accepted")
        return await self._older.standing(tenant, application_id, revision)

    def _is_accepted_here(self, name: Name, revision: int | None) -> bool:
        """Whether it would have been heard: what was accepted here was decided afterwards."""
        here = self._late.accepted(name)
        return bool(here) if revision is None else revision in here

    def _counting(self, name: Name, late: Decided | None, older: Decided | None) -> Decided | None:
        """Which of the two counts: the highest revision's first."""
        if late is None or older is None:
            return late or older
        if late.event["revision"] != older.event["revision"]:
            return max(late, older, key=lambda found: int(found.event["revision"]))
        if late.event["decision_id"] == older.event["decision_id"]:
            with self._lock:
                self._late.make_sure(name, late.event["revision"])
            return Decided(late.event, conflicting=late.conflicting or older.conflicting)
        return Decided(older.event, conflicting=True)

    def _take(self, messages: list[Any]) -> None:
        """In the follower's thread."""
        for message in map(as_read, messages):
            row, tenant = topic_of(message.topic())
            key, value = message.key(), message.value()
            if key is None or value is None or tenant is None:
                continue
            name = (tenant, key.decode("utf-8", "replace"))
            with self._lock:
                if row.key == REJECTIONS:
                    withdrawn = header(message.headers(), "ce_type") == WITHDRAWN
                    self._late.reject(name, None if withdrawn else value)
                else:
                    self._late.decide(name, _decision_id(message, value), value)
            if name in self._waiting:
                self._heard.append(name)

    def _tell(self) -> None:
        """In the event loop, after records were taken."""
        while self._heard:
            name = self._heard.popleft()
            for revision, come in self._waiting.get(name, ()):
                with self._lock:
                    found = self._late.found(name, revision)
                if found is not None and not come.done():
                    come.set_result(found)


def _decision_id(message: Message, value: bytes) -> str:
    said = header(message.headers(), "ce_id")
    return said.decode("utf-8", "replace") if said is not None else str(orjson.loads(value)["decision_id"])


def _origin(rejection: Mapping[str, Any]) -> Place:
    origin = rejection["origin"]
    return Place(origin["topic"], origin["partition"], origin["offset"])
