"""One bad record never stops the stream; errors of our own do, when they are many."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from processors.deadletters import dead_letter, refused
from processors.identity import Worker
from processors.topics_there import Exists, everywhere
from processors.transport.batches import Output
from schemas.decode import Undecodable, why_unreadable
from schemas.operations import FieldError
from schemas.records import Message, Unreadable, place

log = logging.getLogger(__name__)
T = TypeVar("T")

WINDOW_MS = 60_000
SHARE = 0.01


@dataclass
class ErrorBudget:
    """Our own errors among the records of the last minute: above 1 % the worker stops instead of refusing more.

    A single failure is let through only among a hundred good records: what fails on the very first record would
    otherwise turn a whole topic into dead letters. The worker's restart then isolates the record (crash journal). A
    stage whose restart isolates nothing lets a `few` through in any case.
    """

    few: int = 0
    _seen: deque[tuple[int, int, int]] = field(default_factory=deque)
    _records: int = 0
    _errors: int = 0

    def spend(self, now_ms: int, records: int, errors: int) -> bool:
        """Note a batch; whether the errors of the window stay within the budget."""
        # Sums that are kept: a minute holds thousands of batches.
        self._seen.append((now_ms, records, errors))
        self._records += records
        self._errors += errors
        while self._seen[0][0] < now_ms - WINDOW_MS:
            _, old_records, old_errors = self._seen.popleft()
            self._records -= old_records
            self._errors -= old_errors
        return self._errors <= max(self.few, SHARE * self._records)


class Guard:
    """Applies a function to each record: its result, or the record's dead letter and what its sender is told.

    `exists` says whether a topic is there.
    """

    def __init__(self, worker: Worker, budget: ErrorBudget | None = None, exists: Exists = everywhere) -> None:
        self._worker = worker
        self._exists = exists
        self._budget = budget or ErrorBudget()

    def each(
        self, messages: Sequence[Message], decode: Callable[[Message], T]
    ) -> tuple[list[T], list[tuple[Message, Output]]]:
        """Decode every record; what is undecodable comes beside its dead letter, and beside what its sender is told."""
        good: list[T] = []
        dead: list[tuple[Message, Output]] = []
        for message in messages:
            try:
                if isinstance(message, Unreadable):
                    raise why_unreadable(message)
                good.append(decode(message))
            except Undecodable as error:
                made = refused(message, error.cause, error.errors, self._worker, self._exists)
                dead += [(message, output) for output in made]
        return good, dead

    def all_or_each(
        self, items: Sequence[T], work: Callable[[Sequence[T]], list[Output]], of: Callable[[T], Message]
    ) -> list[Output]:
        """`work` on the whole batch; where it fails, on each item alone, so that one item costs only itself.

        Raises the failure when our own errors exceed their budget: the worker then stops with nothing committed.
        """
        try:
            outputs = work(items)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is ours: find the record or stop
            outputs, errors, last = self._one_by_one(items, work, of)
            if not self._budget.spend(self._worker.now_ms(), len(items), errors):
                raise last or error from None
            return outputs
        self._budget.spend(self._worker.now_ms(), len(items), 0)
        return outputs

    def _one_by_one(
        self, items: Sequence[T], work: Callable[[Sequence[T]], list[Output]], of: Callable[[T], Message]
    ) -> tuple[list[Output], int, Exception | None]:
        outputs: list[Output] = []
        failed, last = 0, None
        for item in items:
            try:
                outputs += work([item])
            except Exception as error:  # noqa: BLE001 - see all_or_each
                failed, last = failed + 1, error
                # The type alone: an exception's text and trace may hold the applicant's value.
                log.error("internal error on %s: %s", place(of(item)), type(error).__name__)  # noqa: TRY400
                expected = FieldError(field="(record)", error="internal_error", expected="code without this fault")
                outputs.append(dead_letter(of(item), "internal_error", [expected], self._worker))
        return outputs, failed, last
