"""Looks at broker and warehouse, each in its own time: one that is away or slow does not hold up the other."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from clickhouse_connect.driver.exceptions import ClickHouseError
from confluent_kafka import KafkaException

from loanstream.installation import Installation
from loanstream.problem import describe_problem
from loanstream.top.backlogs import Backlogs
from loanstream.top.frame import Backlog, Frame, Told
from loanstream.top.told import Warehouse
from schemas.problem import Problem
from schemas.values import rfc3339_of_ms

EVERY_S = 1.0
RESTS = 3
"""For so many times as long as a look took nothing is asked: watching is not to slow down what is watched."""
FIRST = "not heard of yet"

T = TypeVar("T")


class Part(Generic[T]):
    """What one look found last; `away` says why it found nothing, `bug` is a fault of ours that ended the looking."""

    def __init__(self, look: Callable[[], T], now: Callable[[], float] = time.monotonic) -> None:
        self._look, self._now = look, now
        self._at = now()
        self.found: T | None = None
        self.away: str | None = FIRST
        self.bug: Exception | None = None

    @property
    def age_s(self) -> float:
        """For how long nothing else was heard."""
        return self._now() - self._at

    def refresh(self) -> None:
        """Look once; a fault that a person can mend is noted, and what was found before is not shown any more."""
        try:
            found = self._look()
        except (ClickHouseError, KafkaException, Problem, TimeoutError) as error:
            self.found, self.away = None, describe_problem(error) or "it did not answer in time"
        else:
            self.found, self.away = found, None
        self._at = self._now()

    def follow(self, stop: threading.Event) -> None:
        """Look again and again until `stop`, a second apart; less often where a look takes long."""
        while not stop.is_set():
            began = self._now()
            try:
                self.refresh()
            except Exception as error:  # noqa: BLE001 - raised where the frame is made
                self.bug = error
                return
            took_s = self._now() - began
            stop.wait(max(EVERY_S - took_s, RESTS * took_s))


class Looks:
    """Both looks at one installation, of one bank or of all."""

    def __init__(self, installation: Installation, tenant: str | None) -> None:
        self._tenant = tenant
        self._backlogs, self._warehouse = Backlogs(installation, tenant), Warehouse(installation, tenant)
        self.broker: Part[dict[str, Backlog]] = Part(self._backlogs.look)
        self.warehouse: Part[Told] = Part(lambda: self._warehouse.look(_now_ms()))
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(EVERY_S)
        if not any(thread.is_alive() for thread in self._threads):  # a client is no two threads' at once
            self._backlogs.close()
            self._warehouse.close()

    def once(self) -> Frame:
        """One look at each, at the same time."""
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda part: part.refresh(), (self.broker, self.warehouse)))
        return replace(self.frame(), ages_s={})  # the one waited for the other

    def follow(self) -> None:
        """Look from now on, each in a thread that nobody has to wait for."""
        for name, part in (("broker", self.broker), ("warehouse", self.warehouse)):
            thread = threading.Thread(target=part.follow, args=(self._stop,), name=f"top {name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def frame(self) -> Frame:
        """What was found last. Raises what no person can mend."""
        parts: dict[str, Part[Any]] = {"broker": self.broker, "warehouse": self.warehouse}
        for part in parts.values():
            if part.bug is not None:
                raise part.bug
        return Frame(
            at=rfc3339_of_ms(_now_ms()),
            tenant=self._tenant,
            backlogs=self.broker.found,
            told=self.warehouse.found,
            away={who: part.away for who, part in parts.items() if part.away is not None},
            ages_s={who: round(part.age_s, 1) for who, part in parts.items() if part.away is None},
        )


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
