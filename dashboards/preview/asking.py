"""Questions to the warehouse: a few at once, each for a few seconds, and a sentence where no answer comes."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

log = logging.getLogger(__name__)

AT_ONCE = 4
ANSWER_S = 10.0
"""So long a panel waits."""
SILENT_S = 3.0
"""So long after a warehouse was found silent nobody asks it again: a page of thirty panels would take minutes."""

_CODE: Final = re.compile(r"[Cc]ode:? (\d{1,5})\b")
_NAME: Final = re.compile(r"\(([A-Z][A-Z_]{3,60})\)")

_SLOW: Final = f"The warehouse took longer than {ANSWER_S:g} seconds. Choose a shorter time, or ask again."
_DOWN: Final = "The warehouse does not answer. Is it running? loanstream doctor says."
_CAUSES: Final = {
    # ClickHouse's code -> what a person is told
    159: _SLOW,
    160: _SLOW,
    209: _SLOW,
    241: "The answer needs more memory than the warehouse gives a reader. Choose a shorter time.",
    202: "The warehouse has too many questions to answer. Ask again.",
    516: "The warehouse does not let this reader in: its name or password is wrong.",
    497: "The warehouse does not show this to its reader: a right to SELECT is missing.",
    60: "The warehouse lacks a table that this panel reads: its migrations are behind this release.",
    47: "The warehouse lacks a column that this panel reads: its migrations are behind this release.",
}


class Unanswered(Exception):
    """No answer came. The message is for whoever looks at the panel, and holds nothing of the question."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: names and ClickHouse types of the columns, and the rows."""

    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Asking:
    """Asks by clients that `connect` makes (clickhouse-connect's, one for each question under way), and keeps them."""

    def __init__(self, connect: Callable[[], Any], answer_s: float = ANSWER_S) -> None:
        self._connect, self._answer_s = connect, answer_s
        self._idle: list[Any] = []
        self._turns = asyncio.Semaphore(AT_ONCE)
        # Twice as many: a thread that waits for a silent warehouse is left alone.
        self._threads = ThreadPoolExecutor(2 * AT_ONCE, thread_name_prefix="preview")
        self._silent_until = float("-inf")
        self._silence_logged = False

    async def ask(self, sql: str) -> Found:
        """The answer to `sql`. Raises Unanswered."""
        async with self._turns:
            if time.monotonic() < self._silent_until:
                raise Unanswered(_DOWN)
            asked = asyncio.get_running_loop().run_in_executor(self._threads, self._asked, sql)
            try:
                return await asyncio.wait_for(asyncio.shield(asked), self._answer_s + 1)
            except TimeoutError:
                asked.add_done_callback(lambda done: done.exception())
                raise Unanswered(_SLOW) from None

    def close(self) -> None:
        """Close every connection that is not in use, and take no more questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        while self._idle:
            self._idle.pop().close()

    def _asked(self, sql: str) -> Found:
        begun, client = time.monotonic(), None
        try:
            client = self._idle.pop() if self._idle else self._connect()
            answer = client.query(sql)
        except Exception as error:  # noqa: BLE001 - whatever it is, this panel alone says so
            text = self._said(error, client, time.monotonic() - begun)
            if client is not None:
                client.close()
            raise Unanswered(text) from None
        self._idle.append(client)
        self._silence_logged = False
        types = tuple(kind.name for kind in answer.column_types)
        return Found(tuple(answer.column_names), types, list(answer.result_rows))

    def _said(self, error: Exception, client: Any, took_s: float) -> str:
        """What the panel says; the log has the error's kind and number alone, since its text quotes the question."""
        code = _CODE.search(str(error))
        if code:
            named = _NAME.findall(str(error))
            number, name = int(code[1]), named[-1] if named else "unnamed"
            log.warning("the warehouse refused a question: code %d, %s", number, name)
            return _CAUSES.get(number, f"The warehouse could not answer: {name} (its error {number}).")
        if not self._silence_logged:
            log.warning("no answer of the warehouse after %.1f s: %s", took_s, type(error).__name__)
            self._silence_logged = True
        if not _known(error):
            return "This panel failed here, not in the warehouse. Please report it, with the panel's title."
        if took_s > 0.8 * self._answer_s and client is not None and client.ping():
            return _SLOW
        self._silent_until = time.monotonic() + SILENT_S
        return _DOWN


def _known(error: Exception) -> bool:
    """Whether it is the driver's, or a connection's."""
    kinds = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}
    return isinstance(error, OSError) or "clickhouse_connect.driver.exceptions.ClickHouseError" in kinds
