"""Workers that run and are not well, told while a stack runs: what one complains of, and that it is over."""

import json
import time
from collections.abc import Callable, Iterator, Mapping

from loanstream.stack.probe import Page

LOOKS = 2
"""So many looks in a row must find a complaint, or silence: a moment without a processor is none."""
PAGES: Mapping[str, str] = {"/healthz": "complaint", "/readyz": "why"}
"""A worker's page -> the name under which it says what is amiss."""


def complaint_of(url: str, ask: Callable[[str], Page | None]) -> str | None:
    """What the worker at `url` complains of or waits for; None where it is well."""
    said = (complaint_in(ask(f"{url}{path}"), path) for path in PAGES)
    return next((told for told in said if told is not None), None)


def complaint_in(found: Page | None, path: str) -> str | None:
    """What a page of `PAGES` complains of; None where it does not."""
    if found is None:
        return f"it does not answer at {path}"
    try:
        told = json.loads(found.body)[PAGES[path]]
    except (ValueError, KeyError, TypeError):
        return f"it answers with status {found.status} at {path}"
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
