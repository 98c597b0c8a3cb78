"""Workers that run and are not well, told while a stack runs: what one complains of, and that it is over."""

import json
import time
from collections.abc import Callable, Iterator, Mapping

from loanstream.stack.probe import Page

LOOKS = 2
"""So many looks in a row must find a complaint, or silence: a moment without a processor is none."""
SILENT = "it does not answer at /healthz"


def complaint_in(found: Page | None) -> str | None:
    """What a worker's page of health complains of; None where it is well."""
    if found is None:
        return SILENT
    try:
        told = json.loads(found.body)["complaint"]
    except (ValueError, KeyError, TypeError):
        return f"it answers with status {found.status} at /healthz"
    return None if told is None else str(told)


class Wellbeing:
    """What was told of each worker, look by look."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ill: dict[str, tuple[float, int]] = {}

    def forget(self, worker: str) -> None:
        """It is another process now, or soon."""
        self._ill.pop(worker, None)

    def lines(self, complaints: Mapping[str, str | None]) -> Iterator[str]:
        """What is to be told now, where the workers complain of that."""
        for worker, complaint in complaints.items():
            since, looks = self._ill.get(worker, (self._now(), 0))
            if complaint is not None:
                self._ill[worker] = (since, looks + 1)
                if looks + 1 == LOOKS:
                    yield f"{worker} is not well: {complaint}"
            elif self._ill.pop(worker, None) is not None and looks >= LOOKS:
                yield f"{worker} is well again after {self._now() - since:.0f} s"
