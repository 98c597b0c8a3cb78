"""The work of every contender: read the application, compute a ratio, write an event. The standard library alone.

Each contender is a program `NAME BOOTSTRAP INPUT OUTPUT GROUP` that answers every record of INPUT on OUTPUT, under the
same key, until it is killed.
"""

import json
import sys
from typing import NamedTuple


class Job(NamedTuple):
    """What a contender is told."""

    bootstrap: str
    source: str
    target: str
    group: str


def job() -> Job:
    """From the command line."""
    return Job(*sys.argv[1:5])


def answer(value: bytes) -> bytes:
    """The output record for one input record."""
    application = json.loads(value)
    amount, income = application["loan"]["amount"], application["annual_income"]
    application["loan_to_income"] = round(amount / income, 4) if income else None
    return json.dumps(application, separators=(",", ":")).encode()
