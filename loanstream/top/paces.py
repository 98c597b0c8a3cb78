"""How fast a stage works, by its workers' own counts of the records whose offsets they committed."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

STALE_MS = 30_000
"""Workers tell every five seconds: what is older tells of another time."""


class Count(NamedTuple):
    """What a worker had counted since it began, at a moment in milliseconds."""

    stage: str
    worker: str
    at_ms: int
    value: float


def rates(counts: Iterable[Count], window_ms: int, now_ms: int) -> dict[str, float]:
    """Stage -> records a second, over about `window_ms` up to each worker's newest count.

    A worker that began again counts from nought; one that told nothing of late, or only once, has no rate.

    >>> rates([Count("score", "w", 0, 100.0), Count("score", "w", 10_000, 150.0)], 10_000, 12_000)
    {'score': 5.0}
    """
    by_worker: defaultdict[tuple[str, str], list[Count]] = defaultdict(list)
    for count in sorted(counts, key=lambda one: one.at_ms):
        by_worker[count.stage, count.worker].append(count)
    found: dict[str, float] = {}
    for (stage, _), own in by_worker.items():
        rate = _rate(own, window_ms, now_ms)
        if rate is not None:
            found[stage] = found.get(stage, 0.0) + rate
    return found


def _rate(own: Sequence[Count], window_ms: int, now_ms: int) -> float | None:
    newest = own[-1].at_ms
    if newest < now_ms - STALE_MS:
        return None
    before = [number for number, count in enumerate(own) if count.at_ms <= newest - window_ms]
    used = own[before[-1] if before else 0 :]
    took_ms = newest - used[0].at_ms
    if took_ms <= 0:
        return None
    done = sum(later.value - one.value if later.value >= one.value else later.value for one, later in pairwise(used))
    return done * 1000 / took_ms
