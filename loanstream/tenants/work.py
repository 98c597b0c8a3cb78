"""What a verb for banks works on, and how a table of steps is planned and taken.

A plan is made of what is there: whoever was killed half-way runs the same command again, and it goes on where it was.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from loanstream.installation import Installation
from loanstream.stack.auth.paths import AuthFiles
from loanstream.tenants.book import Standing, TenantBook
from loanstream.tenants.broker import Broker
from schemas.problem import Problem

LOOK_EVERY_S = 0.5


@dataclass(frozen=True)
class Work:
    """One bank of one installation.

    `book` is the list of banks; None where `LOANSTREAM_TENANTS` has the names. `auth` are the files of the embedded
    token server; None where tokens are another's. `recorded` says how many applications of the bank the warehouse
    holds, `told` whether the running stack tells of the bank as the book does. `delete` are kinds of data that go with
    it. With `leave_grants` others keep the broker's ACLs. What takes others a while is waited for, `within_s` seconds.
    """

    tenant: str
    installation: Installation
    broker: Broker
    book: TenantBook | None
    auth: AuthFiles | None
    recorded: Callable[[], int]
    told: Callable[[], bool] = lambda: True
    delete: frozenset[str] = frozenset()
    leave_grants: bool = False
    waits: bool = True
    within_s: float = 120.0
    sleep: Callable[[float], None] = time.sleep

    @property
    def standing(self) -> Standing | None:
        """As the book says; without one, whether settings name the bank."""
        if self.book is not None:
            return self.book.standings.get(self.tenant)
        return "served" if self.tenant in self.installation.tenants else None

    def note(self, standing: Standing | None) -> None:
        """Write it into the book, where there is one."""
        if self.book is not None:
            self.book.note(self.tenant, standing)

    def wait_for(self, lines: Callable[[], list[str]], what: str) -> None:
        """Return once there are no `lines`. Problem after `within_s` seconds, with the first of them."""
        until = time.monotonic() + self.within_s
        while left := lines():
            if time.monotonic() > until:
                raise Problem(f"{what} after {self.within_s:.0f} s: {left[0]}; run it again to wait on")
            self.sleep(LOOK_EVERY_S)


class Step(NamedTuple):
    """`missing` says what `make` would do, a line each; both raise Problem where a person has to do something."""

    name: str
    missing: Callable[[Work], list[str]]
    make: Callable[[Work], object]


Plan = Mapping[str, list[str]]
"""Step -> what it would do, a line each."""


def plan(steps: tuple[Step, ...], work: Work) -> Plan:
    """What the steps would do now. Problem where a person has to mend something first."""
    return {step.name: step.missing(work) for step in steps}


def take(steps: tuple[Step, ...], work: Work) -> Iterator[str]:
    """Take the steps in order, each where something of it is missing by then; the names of those taken, as they are."""
    for step in steps:
        if step.missing(work):
            step.make(work)
            yield step.name
