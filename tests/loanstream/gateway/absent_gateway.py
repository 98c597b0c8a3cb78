"""`python -m loanstream.gateway` where what others make is not here: each call of such a part says so."""

import sys
from typing import Any

from loanstream.gateway.parts import BUILDERS, Made
from loanstream.gateway.server import run
from loanstream.settings import load
from producers.gateway.problems import ProblemError


class Absent:
    """A part that is not here."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, _: str) -> Any:
        async def refuse(*_args: Any, **_named: Any) -> Any:
            raise ProblemError("unavailable", f"{self._name}: not here", retry_after_s=5)

        return refuse


def absent(name: str):
    return lambda _: Made(Absent(name))


if __name__ == "__main__":
    others = ("sender", "claims", "decisions", "reviews", "score")
    sys.exit(run(load(), {**{name: absent(name) for name in others}, **BUILDERS}))
