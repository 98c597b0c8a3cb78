"""The ledger: which batches are open, and which partitions must be read again. No thread and no Kafka in it.

A batch is opened by `admit` in the poll thread, and closed by `settle` in the commit thread. Three things turn back:

* `abort` (a transaction failed): every open batch is void, and its partitions rewind to their first open offset;
* `defer` (a partition cannot be processed now): the partition rewinds to the batch's first offset, and later open
  batches lose their messages of it;
* `abandon` (partitions were revoked, lost or assigned): every open batch is void, and nothing rewinds: the next
  owner begins at the committed offsets.

Between the moment when the poll thread last applied rewinds and the moment when it admits what it polled since, any of
the three may happen. Such a batch begins past a rewind; committing it would decide records twice. So each turn makes a
new `version`, and `admit` refuses (and rewinds) what was polled under an older one: the veto.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from processors.transport.batches import Span
from schemas.records import Partition

OUTDATED = -1
"""The version of what was polled at no time known: it is never admitted, always read again."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """Read a partition again from `offset`; `deferred` asks for a pause before that."""

    offset: int
    deferred: bool = False


@dataclass(slots=True)
class _Open:
    spans: Mapping[Partition, Span]
    withdrawn: set[Partition] = field(default_factory=set)


class Ledger:
    """Open batches, oldest first, and pending rewinds. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: dict[int, _Open] = {}
        self._rewinds: dict[Partition, Rewind] = {}
        self._admitted = 0
        self._version = 0

    def wait_for_slot(self, most: int, timeout: float) -> bool:
        """Wait until fewer than `most` batches are open; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._open) < most, timeout)

    def take_rewinds(self) -> tuple[int, dict[Partition, Rewind]]:
        """What to rewind before the next poll, and the version under which that poll happens."""
        with self._changed:
            rewinds, self._rewinds = self._rewinds, {}
            return self._version, rewinds

    def admit(self, spans: Mapping[Partition, Span], version: int) -> int | None:
        """Open a batch polled under `version`; its number, or None (and rewinds) if something turned back since."""
        with self._changed:
            if self._vetoed(version):
                self._rewind({partition: Rewind(span.first) for partition, span in spans.items()})
                return None
            self._admitted += 1
            self._open[self._admitted] = _Open(spans)
            return self._admitted

    def live(self, number: int) -> frozenset[Partition]:
        """The partitions of a batch that are still to be processed and committed; none once it is void."""
        with self._changed:
            entry = self._open.get(number)
            return frozenset() if entry is None else frozenset(entry.spans.keys() - entry.withdrawn)

    def defer(self, number: int, partitions: Iterable[Partition]) -> None:
        """Take `partitions` out of a batch and of all later ones; after a pause they are read again from there."""
        with self._changed:
            entry = self._open.get(number)
            if entry is None:
                return
            deferred = frozenset(partitions) & entry.spans.keys() - entry.withdrawn
            self._rewind({partition: Rewind(entry.spans[partition].first, deferred=True) for partition in deferred})
            for later, other in self._open.items():
                if later >= number:
                    other.withdrawn |= deferred & other.spans.keys()

    def settle(self, number: int) -> None:
        """Close a batch: what was live of it is committed."""
        with self._changed:
            self._open.pop(number, None)
            self._changed.notify_all()

    def abort(self) -> None:
        """Void every open batch; all their live partitions are read again."""
        with self._changed:
            for entry in self._open.values():
                self._rewind(
                    {
                        partition: Rewind(span.first)
                        for partition, span in entry.spans.items()
                        if partition not in entry.withdrawn
                    }
                )
            self._close_all()

    def abandon(self) -> None:
        """Void every open batch and every rewind: the assignment changed, reading begins at committed offsets."""
        with self._changed:
            self._version += 1
            self._rewinds.clear()
            self._close_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until no batch is open; False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, timeout)

    @property
    def open_batches(self) -> int:
        """How many batches are open."""
        with self._changed:
            return len(self._open)

    def _vetoed(self, version: int) -> bool:
        return version != self._version

    def _close_all(self) -> None:
        self._open.clear()
        self._changed.notify_all()

    def _rewind(self, rewinds: Mapping[Partition, Rewind]) -> None:
        for partition, new in rewinds.items():
            old = self._rewinds.get(partition, new)
            self._rewinds[partition] = Rewind(min(old.offset, new.offset), old.deferred or new.deferred)
        if rewinds:
            self._version += 1
