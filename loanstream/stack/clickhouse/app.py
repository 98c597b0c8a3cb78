"""The HTTP front: a request comes in, its statement runs in a thread, its answer goes out as it comes."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from loanstream.stack.clickhouse import requests
from loanstream.stack.clickhouse.auth import Account, Accounts
from loanstream.stack.clickhouse.engine import Engine
from loanstream.stack.clickhouse.errors import BUSY, CANNOT_WRITE, INTERNAL, NO_SPACE, PROBE, READONLY, EngineError
from loanstream.stack.clickhouse.execution import answers, reads
from loanstream.stack.clickhouse.link import Link
from loanstream.stack.clickhouse.reply import Reply, Send
from loanstream.stack.clickhouse.sessions import Sessions
from loanstream.stack.clickhouse.steps import Steps

_SLOTS: Final = {"reader": 16, "writer": 8}
_SLOT_SECONDS: Final = 10.0

logger = logging.getLogger(__name__)


def _level(code: int, query_id: str) -> int:
    if code == READONLY and query_id.startswith(PROBE):
        return logging.INFO
    return logging.WARNING if code else logging.DEBUG


class Warehouse:
    """An ASGI application over one engine. Readers have threads of their own, so that they never hold up a writer."""

    def __init__(self, engine: Engine, accounts: Accounts) -> None:
        self._engine = engine
        self._accounts = accounts
        self._sessions = Sessions(engine)
        self._slots = {name: asyncio.Semaphore(count) for name, count in _SLOTS.items()}
        self._threads = {name: ThreadPoolExecutor(count, name) for name, count in _SLOTS.items()}

    async def __call__(self, scope: Mapping[str, Any], receive: requests.Receive, send: Send) -> None:
        """Serve `/` (statements) and `/ping`, as a ClickHouse server does."""
        headers, url = requests.head(scope)
        reply = Reply(send, headers, url, self._engine)
        if scope["path"] in ("/ping", "/replicas_status"):
            await reply.text(200, "Ok.\n")
        elif scope["path"] != "/":
            await reply.text(404, "There is no such path; statements go to /\n")
        else:
            await self._statement(scope["method"], headers, url, receive, reply)

    async def _statement(
        self, method: str, headers: dict[str, str], url: dict[str, str], receive: requests.Receive, reply: Reply
    ) -> None:
        began, user, code = time.perf_counter(), "-", 0
        try:
            account = self._accounts.authenticate(headers, url)
            user = account.name
            request = await requests.read(method, headers, url, receive)
            async with self._slot(account):
                await self._run(request, account, receive, reply)
        except ConnectionAbortedError:
            code = -1
        except EngineError as error:
            code = error.code
            if code in (NO_SPACE, CANNOT_WRITE) and user == "writer":
                self._engine.disk.free_reserve()
            await reply.failure(error)
        except Exception:
            code = INTERNAL
            await reply.failure(EngineError(INTERNAL, "the warehouse's front failed (UNKNOWN_EXCEPTION)"))
            raise
        finally:
            milliseconds = (time.perf_counter() - began) * 1000
            logger.log(_level(code, url.get("query_id", "")), "%s %s code=%d %.1f ms", user, method, code, milliseconds)

    @contextlib.asynccontextmanager
    async def _slot(self, account: Account) -> AsyncIterator[None]:
        slots = self._slots[account.name]
        try:
            await asyncio.wait_for(slots.acquire(), _SLOT_SECONDS)
        except TimeoutError:
            raise EngineError(BUSY, "too many statements at once (TOO_MANY_SIMULTANEOUS_QUERIES)") from None
        try:
            yield
        finally:
            slots.release()

    async def _run(self, request: requests.Request, account: Account, receive: requests.Receive, reply: Reply) -> None:
        with contextlib.ExitStack() as held:
            link = self._link(request, account, held)
            steps = Steps(self._engine, self._threads[account.name], request.query_id, receive)
            held.callback(steps.close)
            only_reads = await steps.do(reads, link, request, account, self._engine)
            blocks = answers(link, request, account, only_reads, self._engine.disk)
            held.callback(blocks.close)
            block = await steps.do(next, blocks, None)
            tells = only_reads or (block is not None and block.body)
            reply.describe(request.query_id, request.result_format if tells else None)
            while block is not None:
                following = await steps.do(next, blocks, None)
                await reply.block(block)
                block = following
        # The session is free before the last byte goes out: the client's next request may follow at once.
        await reply.end()

    def _link(self, request: requests.Request, account: Account, held: contextlib.ExitStack) -> Link:
        """The link of the request's session or a fresh one; `held` gives it back."""
        session = request.url.get("session_id", "")
        # A reader keeps nothing between requests, so its sessions are only names.
        if account.reads_only or not session:
            link = self._engine.link()
            held.callback(link.close)
            return link
        url = request.url
        link = self._sessions.take(session, url.get("session_timeout", ""), url.get("session_check", "0"))
        held.callback(self._sessions.give_back, session)
        return link
