"""`python -m loanstream.gateway` where what others make is not here: each call of such a part says so."""

import sys
from contextlib import asynccontextmanager
from typing import Any

from loanstream.gateway.parts import Made, door
from loanstream.gateway.server import run
from loanstream.settings import load
from producers.gateway.problems import ProblemError

OTHERS = ("sender", "claims", "decisions", "reviews", "score")


class Absent:
    """A part that is not here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, _: str) -> Any:
        async def refuse(*_args: Any, **_named: Any) -> Any:
            raise ProblemError("unavailable", f"{self._name}: not here", retry_after_s=5)

        return refuse


@asynccontextmanager
async def absent(_):
    yield Made({name: Absent(name) for name in OTHERS}, {})


if __name__ == "__main__":
    sys.exit(run(load(), {"door": door, "others": absent}))
