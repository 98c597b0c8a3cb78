"""`python -m loanstream.gateway`: serve HTTPS, configured by the environment, until SIGTERM."""

import sys

from loanstream.gateway.server import run
from loanstream.settings import load
from schemas.problem import Problem


def main() -> int:
    """The exit code."""
    try:
        settings = load()
    except Problem as error:
        sys.stderr.write(f"loanstream: {error}\n")
        return 1
    return run(settings)


if __name__ == "__main__":
    sys.exit(main())
