"""One line of the doctor's report, and how it comes about without ever raising."""

from collections.abc import Callable
from dataclasses import dataclass

from loanstream.problem import describe_problem

REINSTALL = "reinstall the environment: make clean setup"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was looked at, whether it is well, what was found, how to mend it."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def guarded(name: str, check: Callable[[], Check], fix: str = REINSTALL) -> Check:
    """What `check` finds; a check that cannot look is a finding too, and the others go on."""
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - whatever kept it from looking
        line = describe_problem(error) or " ".join(f"{type(error).__name__}: {error}".split())
        return Check(name, False, line, fix)
