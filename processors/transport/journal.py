"""The journal of a slot: what `process` is working on right now, so that a record that crashes its worker is found.

Before a batch is handed to `process` its offsets are written here; when `process` has answered they are cleared. A
worker that finds offsets at its start knows that its predecessor died over them. It hands the records of the
partitions named there to `process` one by one until it is past them (they are still committed together: a transaction
each would take too long); a record over which the process died twice while it was alone crashes its worker and
goes to `StageSpec.crashed`. A file survives the death of its process without fsync, and losing it with the machine only
means that the search starts again.
"""

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from processors.transport.batches import Span
from schemas.records import Partition

STRIKES = 2
"""Deaths alone in a batch after which a record counts as one that crashes its worker."""


class InFlightJournal:
    """One file per slot; its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._closed = False
        self._running: dict[Partition, Span] = {}
        self._strikes: dict[tuple[str, int, int], int] = {}
        self._suspects: dict[Partition, int] = {}
        self._inherit(os.pread(self._file, os.fstat(self._file).st_size, 0))

    def begin(self, spans: Mapping[Partition, Span]) -> None:
        """`process` is about to get a batch that covers `spans`."""
        with self._lock:
            self._running = dict(spans)
            self._write()

    def clear(self) -> None:
        """`process` has answered, or the worker ends for a reason that is not the batch's."""
        with self._lock:
            if self._running:
                self._running = {}
                self._write()

    def suspects(self) -> frozenset[Partition]:
        """The partitions whose records are to be processed one by one."""
        with self._lock:
            return frozenset(self._suspects)

    def crashes_worker(self, partition: Partition, offset: int) -> bool:
        """Whether its worker died over the record `STRIKES` times while it was alone."""
        return self._strikes.get((*partition, offset), 0) >= STRIKES

    def passed(self, partition: Partition, next_offset: int) -> None:
        """`partition` is committed up to `next_offset`: suspicion up to there is over."""
        with self._lock:
            last = self._suspects.get(partition)
            if last is not None and next_offset > last:
                del self._suspects[partition]
                self._strikes = {key: count for key, count in self._strikes.items() if key[:2] != partition}
                self._write()

    def close(self) -> None:
        """Close the file; what it says stays."""
        with self._lock:
            os.close(self._file)
            self._closed = True

    def _inherit(self, content: bytes) -> None:
        try:
            state = json.loads(content) if content else {}
        except ValueError:
            return  # torn by the machine's death: the search starts again
        self._suspects = {(topic, number): last for topic, number, last in state.get("suspects", [])}
        self._strikes = {(topic, number, offset): count for topic, number, offset, count in state.get("strikes", [])}
        died_over = {(topic, number): Span(first, after) for topic, number, first, after in state.get("running", [])}
        for partition, span in died_over.items():
            self._suspects[partition] = max(span.next - 1, self._suspects.get(partition, 0))
            if len(died_over) == 1 and span.next - span.first == 1:
                record = (*partition, span.first)
                self._strikes[record] = self._strikes.get(record, 0) + 1
        if died_over:
            self._write()

    def _write(self) -> None:
        if self._closed:
            return  # an agent may still be at work when a drain was given up; the number may be another file's by now
        state = {
            "running": [[*key, *span] for key, span in self._running.items()],
            "suspects": [[*key, last] for key, last in self._suspects.items()],
            "strikes": [[*key, count] for key, count in self._strikes.items()],
        }
        content = json.dumps(state, separators=(",", ":")).encode()
        # Padded, not truncated: a kill between two calls must not leave a shorter state with an older tail.
        size = os.fstat(self._file).st_size
        os.pwrite(self._file, content.ljust(size), 0)
