"""A stack whose tokens live for seconds: `python -m loanstream.lab.chaos.short_lived --state D --life S --tenants A,B`.

For the lab alone: `loanstream up` has no option for it. Whoever shortens the life of tokens to be safe would have every
client of every bank ask again each few seconds. All else is as `up` has it, the pace of a key rotation included.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loanstream.cli.up import start
from loanstream.demo.run import stack
from loanstream.stack.auth.ring import Times
from loanstream.stack.running import RunningStack
from schemas.problem import Problem

MODULE = ("loanstream.lab.chaos.short_lived",)


@contextmanager
def short_lived(state: Path, life_s: int, tenants: str) -> Iterator[RunningStack]:
    """Such a stack, running. Problem where it does not start."""
    with stack(state, "--life", str(life_s), "--tenants", tenants, module=MODULE) as (running, _):
        yield running


def main() -> int:
    """Run it until it is told to stop."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE[0]}", description=__doc__)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--life", type=int, required=True, help="seconds that a token lives")
    parser.add_argument("--tenants", required=True, help="banks, by commas")
    told = parser.parse_args()
    try:
        return start(told.state, told.tenants, 1, None, None, times=Times(life_s=told.life))
    except Problem as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
