"""What workers refuse, told while a stack runs: a line for a tenant and a cause when their dead letters grow."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.parser import text_string_to_metric_families

LETTERS = "loanstream_letters_total"
AGAIN_S = 60.0
"""Between two lines about one tenant and cause: who sends a million bad records is told once a minute."""

Kind = tuple[str, str]
"""Tenant and cause."""


def letters_in(text: str) -> dict[Kind, int]:
    """The dead letters by tenant and cause, by a worker's page of metrics."""
    return {
        (sample.labels["tenant"], sample.labels["cause"]): int(sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == LETTERS
    }


class Refusals:
    """Dead letters of all workers together, and which of them have not been told yet."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: dict[str, Mapping[Kind, int]] = {}
        self._untold: Counter[Kind] = Counter()
        self._told_at: dict[Kind, float] = {}

    def saw(self, worker: str, letters: Mapping[Kind, int]) -> None:
        """A worker has made so many since its start; one that counts from nothing again was started anew."""
        before = self._seen.get(worker, {})
        if any(letters.get(kind, 0) < count for kind, count in before.items()):
            before = {}
        self._untold.update({kind: count - before.get(kind, 0) for kind, count in letters.items()})
        self._seen[worker] = letters

    def lines(self) -> Iterator[str]:
        """What is to be told now."""
        now = self._now()
        for kind, count in sorted((+self._untold).items()):
            if now - self._told_at.get(kind, float("-inf")) >= AGAIN_S:
                self._told_at[kind] = now
                del self._untold[kind]
                tenant, cause = kind
                records = "record" if count == 1 else "records"
                yield f"{tenant}: {count} {records} refused, {cause} (loanstream dlq list shows them)"
