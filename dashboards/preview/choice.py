"""What a reader chose, from the address of the page: time and variables; and what a pinned preview leaves of it."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dashboards.macros import Window, expand, variables_of
from dashboards.panels import VARIABLES, Dashboard, Variable
from dashboards.preview import times
from dashboards.preview.asking import Asking, Found

ALL: Final = "$__all"
"""Grafana's word in an address for every value."""
VALUES_MOST = 500
KEPT_S = 5.0
"""So long the values of a variable are kept: a page's panels ask for them one after the other."""

TENANT: Final = "tenant"


class NotAllowed(Exception):
    """The question cannot be narrowed to the bank that the preview is pinned to."""


class Unreadable(ValueError):
    """What was chosen cannot be answered; the message says what is expected."""


@dataclass(frozen=True, slots=True)
class Choice:
    """`values` are what queries get. `options` are what can be chosen; `unknown` what was, and is no option."""

    window: Window
    values: Mapping[str, tuple[str, ...]]
    options: Mapping[str, tuple[tuple[str, str], ...]]
    unknown: tuple[tuple[str, str], ...]
    untyped: tuple[str, ...]
    typed: tuple[str, ...]


class Choices:
    """Reads choices; with `pin` every one of them is of that bank, whatever was asked for."""

    def __init__(self, asking: Asking, pin: str | None) -> None:
        self._asking, self._pin = asking, pin
        self._kept: dict[str, tuple[float, asyncio.Task[tuple[tuple[str, str], ...]]]] = {}

    async def read(self, dashboard: Dashboard, given: Mapping[str, Sequence[str]]) -> Choice:
        """The choice in an address' parameters. Raises NoTime, Unreadable, Unanswered."""
        points = given.get("points", [""])[-1]
        window = times.window(
            given.get("from", [dashboard.since])[-1],
            given.get("to", ["now"])[-1],
            int(points) if points.isascii() and points.isdecimal() and len(points) < 6 else times.POINTS,
        )
        values: dict[str, tuple[str, ...]] = {}
        options: dict[str, tuple[tuple[str, str], ...]] = {}
        for name in dashboard.variables:
            asked = tuple(dict.fromkeys(given.get(f"var-{name}", ())))
            if len(asked) > VALUES_MOST:
                title = VARIABLES[name].title
                raise Unreadable(f"more than {VALUES_MOST} values of {title} are chosen; choose fewer, or all")
            options[name] = await self._options(VARIABLES[name], window, values)
            values[name] = self._values(VARIABLES[name], asked, options[name])
        unknown = [
            (VARIABLES[name].title, value)
            for name in dashboard.variables
            for value in values[name]
            if VARIABLES[name].query and value not in {known for known, _ in options[name]}
        ]
        by_hand = [name for name in dashboard.variables if VARIABLES[name].query is None]
        untyped = tuple(VARIABLES[name].title for name in by_hand if values[name] == ("",))
        typed = tuple(value for name in by_hand for value in values[name] if value)
        return Choice(window, values, options, tuple(unknown), untyped, typed)

    def expanded(self, sql: str, choice: Choice) -> str:
        """A query for this choice. Raises MacroProblem; NotAllowed where it cannot be narrowed to the pinned bank."""
        self._check(sql)
        return expand(sql, choice.window, choice.values)

    def shown(self, found: Found) -> Found:
        """An answer without rows that name another bank than the pinned one, should a query bring any."""
        if self._pin is None or TENANT not in found.names:
            return found
        place = found.names.index(TENANT)
        return replace(found, rows=[row for row in found.rows if row[place] == self._pin])

    def _check(self, sql: str) -> None:
        if self._pin is not None and TENANT not in variables_of(sql):
            raise NotAllowed

    def _values(
        self, variable: Variable, asked: tuple[str, ...], options: Sequence[tuple[str, str]]
    ) -> tuple[str, ...]:
        if variable.name == TENANT and self._pin is not None:
            return (self._pin,)
        if variable.query is None:
            return asked[-1:] or ("",)
        if ALL in asked or not asked:
            return tuple(value for value, _ in options)
        return asked if variable.many else asked[-1:]

    async def _options(
        self, variable: Variable, window: Window, values: Mapping[str, tuple[str, ...]]
    ) -> tuple[tuple[str, str], ...]:
        if variable.query is None:
            return ()
        if variable.name == TENANT and self._pin is not None:
            return ((self._pin, self._pin),)
        try:
            self._check(variable.sql)
        except NotAllowed:
            return ()
        return await self._once(expand(variable.sql, window, values))

    async def _once(self, sql: str) -> tuple[tuple[str, str], ...]:
        """The values of a variable, asked for once by whoever wants them within some seconds."""
        now = time.monotonic()
        self._kept = {key: kept for key, kept in self._kept.items() if now - kept[0] < KEPT_S and not _failed(kept[1])}
        if sql not in self._kept:
            self._kept[sql] = now, asyncio.create_task(self._asked(sql))
        return await asyncio.shield(self._kept[sql][1])

    async def _asked(self, sql: str) -> tuple[tuple[str, str], ...]:
        found = await self._asking.ask(sql)
        return tuple((str(row[0]), str(row[min(1, len(row) - 1)])) for row in found.rows if row[0] is not None)


def _failed(task: "asyncio.Task[tuple[tuple[str, str], ...]]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
