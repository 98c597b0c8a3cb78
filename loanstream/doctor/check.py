"""One line of the doctor's report, and how lines come about without ever raising, from a table of rows."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from loanstream.problem import describe_problem
from loanstream.settings import SettingProblem

REINSTALL = "reinstall the environment: make clean setup"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was looked at, whether it is well, what was found, how to mend it.

    What was not looked at is not well either: what keeps the doctor from looking is another line.
    """

    name: str
    ok: bool
    found: str
    fix: str = ""
    looked: bool = True


NAMED = re.compile(r"LOANSTREAM_\w+")

Found = tuple[bool, str]
"""Whether it is well, and what was found."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of checks: how to look at an installation, how to mend (`fix` may name places, as `{logs}`).

    `needs` is the row before it without which nothing can be seen here. A look that raises has found that it cannot
    look.
    """

    look: Callable[[Any], Found]
    fix: str
    needs: str | None = None


AWAY: Mapping[str, str] = {
    "kafka": "Kafka is away",
    "operator": "the operator may not see it",
    "warehouse": "the warehouse is away",
    "warehouse reader": "the reader does not get in",
}
"""A row that others need -> what is said of those others where it is not well."""


def _looked(name: str, row: Row, installation: Any, fix: str) -> Check:
    return guarded(name, lambda: Check(name, *row.look(installation), fix), fix)


def look_through(rows: Mapping[str, Row], installation: Any, places: Mapping[str, object]) -> Iterator[Check]:
    """The checks of a table, in its order; what is away is looked at once, and named in the rows that need it."""
    away: dict[str, str] = {}
    for name, row in rows.items():
        if row.needs in away:
            away[name] = away[row.needs]  # who needs this row needs what it needs
            yield Check(name, ok=False, found=f"not looked at: {away[name]}", looked=False)
            continue
        check = _looked(name, row, installation, row.fix.format(**places))
        if not check.ok and name in AWAY:
            away[name] = AWAY[name]
        yield check


def guarded(name: str, check: Callable[[], Check], fix: str = REINSTALL) -> Check:
    """What `check` finds; a check that cannot look is a finding too, and the others go on."""
    try:
        return check()
    except SettingProblem as problem:
        named = NAMED.search(str(problem))
        return Check(name, ok=False, found=str(problem), fix=f"set {named.group()} as it says" if named else fix)
    except Exception as error:  # noqa: BLE001 - whatever kept it from looking
        line = describe_problem(error) or " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, False, line, fix)
