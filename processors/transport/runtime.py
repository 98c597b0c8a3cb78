"""How a worker ends, and how it is seen to make progress."""

import asyncio
import ctypes
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

from processors.transport.reach import Reach
from processors.transport.standstill import Standstill, Stuck, sentence
from schemas.records import Partition

log = logging.getLogger(__name__)

LOOP_LIMIT_S = 10.0
BUSY_LIMIT_S = 9.0
"""Of one call of the producer, each of which is given 5 s: one that takes longer than these does not come back."""
LOOP_STANDS_S = 60.0
"""Of one step of the event loop, in which a stage's function runs: one that takes so long does not come back."""
TURN_LIMIT_S = 60.0
"""Of one turn of a poll thread. Longer than whatever may hold one up: a drain, a look-up, a transaction still open."""

Die = Callable[[str], NoReturn]
"""Ends the process at once with one line and exit code 1; whoever supervises it starts it again.

A transactional producer that was fenced, timed out or hangs cannot be repaired inside the process, and leaving without
a commit is always safe: the offsets are uncommitted and a new producer's epoch fences what is still on its way.
"""


def exit_now(line: str) -> NoReturn:
    """Log `line` and end the process with exit code 1, whatever its threads are doing."""
    log.critical(line)
    logging.shutdown()
    os._exit(1)


_malloc_trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)


def give_back_memory() -> None:
    """Return to the system what this process has freed; for after a burst, it takes 5 to 100 ms.

    glibc keeps what was freed between blocks still in use until it is asked. Elsewhere (no glibc) nothing happens.
    """
    if _malloc_trim is not None:
        _malloc_trim(0)


TURN_OF_OTHERS = 2
"""A partition may stand still for so many times the patience: where a worker is behind, others come first."""
LONG_WAIT_S = 10.0
NOTHING: Mapping[Partition, int] = {}


class Waits(NamedTuple):
    """What a worker that is not ready waits for, and for how many seconds it has."""

    why: str
    seconds: float


class Progress:
    """What the health endpoints know: whether the poll thread turns, whether waiting input is being committed, and
    whether a broker answers.

    Health (`complaint`) asks whether the worker does what it can, readiness (`waits_for`) whether there is something
    that it can do.
    """

    def __init__(self, patience_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience_s
        self._now = now
        self.reach = Reach(now)
        self.standstill = Standstill(patience_s * TURN_OF_OTHERS, now)
        self._began = self._looped = now()
        self._waiting_since: float | None = None
        self._down: dict[Partition, tuple[float, str]] = {}
        self.open_batches = 0
        self.assigned: int | None = None
        self._turned = False
        self._doing: tuple[str, float] | None = None
        self._refused: tuple[str, float] | None = None

    def doing(self, what: str | None) -> None:
        """What the worker is at, for whoever asks why nothing is committed; None: at nothing in particular."""
        self._doing = None if what is None else (what, self._now())

    def refused(self, why: str | None) -> None:
        """The broker refuses the worker its group, in words; None: it has let it in."""
        if why is None:
            self._refused = None
        elif self._refused is None or self._refused[0] != why:
            self._refused = (why, self._now() if self._refused is None else self._refused[1])

    def looped(self, open_batches: int) -> None:
        """The poll thread came round, with so many batches open."""
        self._looped = self._now()
        self.open_batches = open_batches
        if open_batches == 0:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._looped
        self._turned = self.assigned is not None

    def reassigned(self, starts: Mapping[Partition, int]) -> None:
        """These partitions are assigned from now on, at these positions."""
        self.assigned = len(starts)
        self._down = {}
        self.standstill.assigned(starts)

    def deferred(self, why: Mapping[Partition, str | None]) -> list[str]:
        """Partitions were deferred, and why; the sentences about what is down and was not before."""
        now, known = self._now(), self._down
        down = {
            place: (known[place][0] if place in known else now, text) for place, text in why.items() if text is not None
        }
        new = [
            f"{place[0]}[{place[1]}]: {text}"
            for place, (_, text) in down.items()
            if known.get(place, ("", ""))[1] != text
        ]
        # A new dict each time: the web page reads it in another thread.
        self._down = known | down
        return new

    def committed(self, ends: Mapping[Partition, int] = NOTHING) -> None:
        """Something was committed, so far in these partitions."""
        self._waiting_since = None
        self.standstill.committed(ends)
        if self._down:
            done = frozenset(ends)
            self._down = {place: since for place, since in self._down.items() if place not in done}

    @property
    def ready(self) -> bool:
        """Whether there is something that the worker can do."""
        return self.waits_for() is None

    def waits_for(self) -> Waits | None:
        """Why the worker is not ready; None if it is."""
        silent_s = self.reach.silent_s
        if silent_s:
            return Waits(f"no broker has answered for {silent_s:.0f} s", silent_s)
        if self._refused is not None:
            why, since = self._refused
            return Waits(why, self._now() - since)
        if not self._turned:
            return Waits("it waits for its group to give it partitions", self._now() - self._began)
        return None

    def long_wait(self) -> str | None:
        """What the worker waits for, where it has for longer than a start takes."""
        waits = self.waits_for()
        return None if waits is None or waits.seconds < LONG_WAIT_S else waits.why

    def complaint(self) -> str | None:
        """Why the worker is not healthy; None if it is. What comes of a broker that does not answer is no complaint."""
        now = self._now()
        if now - self._looped > (TURN_LIMIT_S if self.reach.silent_s else LOOP_LIMIT_S):
            return f"the poll thread has not turned for {now - self._looped:.0f} s{self._told_doing(now)}"
        since = self._waiting_since
        if since is not None and now - max(since, self.reach.since) > self._patience:
            return f"input has been waiting for {now - since:.0f} s and nothing was committed{self._told_doing(now)}"
        down = next(
            (
                f"{topic}[{number}] has been waiting for {now - since:.0f} s: {why}"
                for (topic, number), (since, why) in self._down.items()
                if now - since > self._patience
            ),
            None,
        )
        return down or sentence(self.stuck())

    def _told_doing(self, now: float) -> str:
        doing = self._doing  # another thread may set it meanwhile
        return "" if doing is None else f": for {now - doing[1]:.0f} s it has been {doing[0]}"

    def stuck(self) -> list[Stuck]:
        """Partitions that stand still; one that waits for what is down says so itself, and without a broker all do."""
        if self._now() - self.reach.since <= self.standstill.patience_s:
            return []
        down = self._down
        return [stuck for stuck in self.standstill.stuck() if stuck.place not in down]


async def beat(watchdog: "Watchdog", every_s: float) -> None:
    """Tell a watchdog for ever that this event loop turns: a function that waits lets it, one that hangs does not."""
    while True:
        watchdog.busy("a step of the event loop")
        await asyncio.sleep(every_s)


class Watchdog:
    """Ends the process when what a thread is busy with lasts longer than `limit_s`.

    No call of librdkafka may be trusted to return: after a broker's restart some were seen not to, whatever timeout
    they were given.
    """

    def __init__(self, die: Die, limit_s: float = BUSY_LIMIT_S) -> None:
        self._die = die
        self._limit = limit_s
        self._busy: tuple[str, float] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def busy(self, what: str) -> None:
        """Something named `what` begins, and whatever was before it is over."""
        self._busy = (what, time.monotonic())

    def idle(self) -> None:
        """It is over."""
        self._busy = None

    def _watch(self) -> None:
        while not self._stopped.wait(self._limit / 20):
            busy = self._busy
            if busy is not None and time.monotonic() - busy[1] > self._limit:
                self._die(f"{busy[0]} has not returned for {self._limit:.0f} s; this worker starts anew")
