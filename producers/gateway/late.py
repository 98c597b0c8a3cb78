"""What was heard of applications of late, in memory of a bounded size: accepted, decided, rejected."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import orjson

from producers.gateway.parts import Decided
from schemas.records import Place

BYTES_MOST = 64 * 1024 * 1024
"""What all of it may take; some twenty thousand decisions."""

RECORDS_MOST = 32
"""Decision records of one application that are kept: more are repeats, or a mistake of somebody's."""

OVERHEAD = 600
"""Bytes that Python takes for one application, besides its records."""

Name = tuple[str, str]
"""A bank, and its id of an application."""


class _Application:
    """What was heard of one. Decision records are read when somebody asks, and only then."""

    __slots__ = ("accepted", "decisions", "is_sure", "rejection")

    def __init__(self) -> None:
        self.accepted: dict[int, Place] = {}
        self.decisions: list[bytes] = []
        self.rejection: bytes | None = None
        self.is_sure: set[int] = set()


class Late:
    """What was heard of late, by application; what was not heard of for longest goes first."""

    def __init__(self, bytes_most: int = BYTES_MOST) -> None:
        self._most, self._bytes = bytes_most, 0
        self._applications: OrderedDict[Name, _Application] = OrderedDict()
        self._of_id: dict[Name, str] = {}
        self._ids: dict[Name, list[str]] = {}

    def __len__(self) -> int:
        return len(self._applications)

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return self._bytes

    def accept(self, name: Name, revision: int, place: Place) -> None:
        """An application was confirmed at a place."""
        kept = self._touch(name).accepted
        if revision not in kept:
            self._grow(OVERHEAD // 4)
        kept[revision] = place

    def decide(self, name: Name, decision_id: str, event: bytes) -> None:
        """A decision's record, in the topic's order."""
        kept = self._touch(name)
        if len(kept.decisions) >= RECORDS_MOST:
            return
        kept.decisions.append(event)
        if self._of_id.setdefault((name[0], decision_id), name[1]) == name[1]:
            self._ids.setdefault(name, []).append(decision_id)
        self._grow(len(event) + OVERHEAD // 2)

    def reject(self, name: Name, event: bytes | None) -> None:
        """The last word about a record of this application that was rejected; None where it was taken after all."""
        kept = self._touch(name)
        before, kept.rejection = kept.rejection, event
        self._grow(len(event or b"") - len(before or b""))

    def found(self, name: Name, revision: int | None = None) -> Decided | None:
        """The first decision of the highest revision that was decided, or of that one."""
        events = self._events(name)
        wanted = revision or max((event["revision"] for event in events), default=0)
        return first_of([event for event in events if event["revision"] == wanted])

    def by_id(self, tenant: str, decision_id: str) -> Decided | None:
        """The decision of this id."""
        application_id = self._of_id.get((tenant, decision_id))
        if application_id is None:
            return None
        events = self._events((tenant, application_id))
        mine = next((event for event in events if event["decision_id"] == decision_id), None)
        if mine is None:
            return None
        others = [event for event in events if event["revision"] == mine["revision"]]
        return Decided(mine, conflicting=any(_said(event) != _said(mine) for event in others))

    def accepted(self, name: Name) -> dict[int, Place]:
        """The revisions that were accepted here, and where."""
        kept = self._applications.get(name)
        return {} if kept is None else kept.accepted

    def rejection(self, name: Name) -> dict[str, Any] | None:
        """What was last said of a rejected record of this application."""
        kept = self._applications.get(name)
        return None if kept is None or kept.rejection is None else dict(orjson.loads(kept.rejection))

    def is_sure(self, name: Name, revision: int) -> bool:
        """Whether it is known that no decision of this revision came before the first one here."""
        kept = self._applications.get(name)
        return kept is not None and revision in kept.is_sure

    def make_sure(self, name: Name, revision: int) -> None:
        """The warehouse knew of none before."""
        if name in self._applications:
            self._applications[name].is_sure.add(revision)

    def _events(self, name: Name) -> list[dict[str, Any]]:
        kept = self._applications.get(name)
        if kept is None:
            return []
        self._applications.move_to_end(name)
        return [orjson.loads(event) for event in kept.decisions]

    def _touch(self, name: Name) -> _Application:
        kept = self._applications.get(name)
        if kept is None:
            kept = self._applications[name] = _Application()
            self._bytes += OVERHEAD
        self._applications.move_to_end(name)
        return kept

    def _grow(self, size: int) -> None:
        self._bytes += size
        while self._bytes > self._most and len(self._applications) > 1:
            self._forget()

    def _forget(self) -> None:
        name, kept = self._applications.popitem(last=False)
        for decision_id in self._ids.pop(name, ()):
            self._of_id.pop((name[0], decision_id), None)
        self._bytes -= OVERHEAD + OVERHEAD // 4 * len(kept.accepted) + len(kept.rejection or b"")
        self._bytes -= sum(len(event) + OVERHEAD // 2 for event in kept.decisions)


def first_of(events: Sequence[dict[str, Any]]) -> Decided | None:
    """The first of several decisions of one revision, in the topic's order; whether another says something else."""
    if not events:
        return None
    return Decided(events[0], conflicting=any(_said(event) != _said(events[0]) for event in events[1:]))


def _said(event: dict[str, Any]) -> tuple[Any, ...]:
    """What two makings of the same decision have in common."""
    return event["decision_id"], event["outcome"], event["score_final"]
