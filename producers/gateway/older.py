"""What the warehouse knows of applications: for decisions that are older than a gateway's memory."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from producers.gateway.parts import Decided, Standing
from producers.gateway.sending import Refusal, away
from schemas.causes import CAUSES
from schemas.topics import TOPICS

log = logging.getLogger(__name__)

T = TypeVar("T")

WITHIN_S = 4.0
"""How long an answer may take."""
THREADS = 4
ASKED_MOST = 64
"""Questions that wait for one of the threads, or for the warehouse."""

LATE = Refusal("warehouse-late", "older decisions cannot be looked up now", 5)

_OF = "FROM loanstream.decisions_log WHERE tenant = {tenant:String}"
_REVISION = "({revision:UInt32} = 0 OR revision = {revision:UInt32})"

DECISION = (
    "SELECT argMin(event, kafka_offset), uniqExact(decided_sha256) > 1, revision "
    f"{_OF} AND application_id = {{application_id:String}} AND {_REVISION} "
    "GROUP BY revision ORDER BY revision DESC LIMIT 1"
)
"""The first decision of the highest revision, or of that one; all of an application's stand in one partition."""

BY_ID = (
    f"SELECT application_id, revision, event {_OF} AND decision_id = {{decision_id:String}} "
    "ORDER BY kafka_offset LIMIT 1"
)
ACCEPTED = f"""
    SELECT max(revision) FROM loanstream.applications_log
    WHERE tenant = {{tenant:String}} AND application_id = {{application_id:String}} AND {_REVISION}
"""  # noqa: S608 - of fixed parts
REFUSED = (
    "SELECT errors FROM loanstream.dead_letters_log "
    "WHERE tenant = {tenant:String} AND application_id = {application_id:String} "
    "AND origin_topic = {topic:String} AND cause IN {told:Array(String)} ORDER BY at DESC LIMIT 1"
)
"""The letters of an application name no revision."""
TOLD = [name for name, cause in CAUSES.items() if cause.sender]
"""What a bank is told of: its own making."""


class Warehouse:
    """The decisions of the warehouse, each question answered within `WITHIN_S`, or a ProblemError `unavailable`.

    `connect` makes a client that may only read, and that gives up by itself.
    """

    def __init__(self, connect: Callable[[], Any], within_s: float = WITHIN_S) -> None:
        self._connect, self._within_s = connect, within_s
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(THREADS, "warehouse")
        self._asked = 0

    async def find(self, tenant: str, application_id: str, revision: int | None = None) -> Decided | None:
        """The first decision of the highest revision, or of that one."""
        found = await self._rows(DECISION, tenant=tenant, application_id=application_id, revision=revision or 0)
        return Decided(json.loads(found[0][0]), conflicting=bool(found[0][1])) if found else None

    async def by_id(self, tenant: str, decision_id: str) -> Decided | None:
        """The decision of this id."""
        found = await self._rows(BY_ID, tenant=tenant, decision_id=decision_id)
        if not found:
            return None
        application_id, revision, event = found[0]
        counts = await self.find(tenant, application_id, revision)
        return Decided(json.loads(event), conflicting=counts is not None and counts.conflicting)

    async def standing(self, tenant: str, application_id: str, revision: int | None = None) -> Standing | None:
        """How an application stands that was not decided: accepted, or rejected; None where it is not known."""
        accepted = await self._rows(ACCEPTED, tenant=tenant, application_id=application_id, revision=revision or 0)
        if accepted and accepted[0][0]:
            return Standing(int(accepted[0][0]), "accepted")
        topic = TOPICS["applications"].name(tenant)
        letters = await self._rows(REFUSED, tenant=tenant, application_id=application_id, topic=topic, told=TOLD)
        return Standing(None, "rejected", errors=tuple(map(dict, letters[0][0]))) if letters else None

    async def close(self) -> None:
        """Let go of the threads; one that still waits for the warehouse ends when its client gives up."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _rows(self, query: str, **parameters: Any) -> Any:
        if self._asked >= ASKED_MOST:
            raise away(LATE)
        self._asked += 1
        asked = asyncio.get_running_loop().run_in_executor(self._pool, self._ask, query, parameters)
        asked.add_done_callback(self._answered)
        try:
            async with asyncio.timeout(self._within_s):
                return await asyncio.shield(asked)
        except TimeoutError:
            raise away(LATE) from None
        except Exception as error:  # noqa: BLE001 - whatever a driver raises, the answer is not there
            log.warning("the warehouse does not answer: %s", type(error).__name__)
            raise away(LATE) from None

    def _answered(self, asked: "asyncio.Future[Any]") -> None:
        self._asked -= 1
        if not asked.cancelled():
            asked.exception()  # nobody may wait for it any more

    def _ask(self, query: str, parameters: dict[str, Any]) -> Any:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = self._connect()
        try:
            return client.query(query, parameters=parameters).result_rows
        except Exception:
            self._own.client = None
            raise
