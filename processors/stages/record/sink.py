"""Writes planned ranges of records into the warehouse, each row once however often a range is written.

ClickHouse drops an insert whose token it has seen. A range that holds a row it refuses is halved until that row stands
alone; the halves are the same each time, and so are their tokens. What is refused becomes a dead letter at the end,
after everything else has gone in.

Of decisions, records that are not the first of their revision are noted before the range goes in (see
`stores.warehouse.repeats`): no figure ever counts a repeat. Whatever is cut off, the range is written again, and notes
the same places.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from clickhouse_connect.driver.exceptions import ClickHouseError, Error

from processors.deadletters import Refused
from processors.stages.guard import ErrorBudget
from processors.stages.record.references import References
from processors.stages.record.rows import Rows, rows_of_all
from processors.transport.ranges import OffsetRange
from processors.transport.specs import Retry
from schemas.decode import Undecodable
from schemas.operations import FieldError
from schemas.records import Message, Partition, place
from schemas.topics import topic_of
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.repeats import Decided, note_repeats, release_firsts

log = logging.getLogger(__name__)

DeadLetters = Callable[[Sequence[Refused]], None]
Entry = tuple[Message, bytes]
"""A record and the line that is its row."""

REFUSALS: dict[int, str] = {
    6: "cannot_parse_text",
    26: "cannot_parse_quoted_string",
    27: "cannot_parse_input",
    33: "cannot_read_all_data",
    38: "cannot_parse_date",
    41: "cannot_parse_datetime",
    53: "type_mismatch",
    69: "argument_out_of_bound",
    70: "cannot_convert_type",
    72: "cannot_parse_number",
    117: "incorrect_data",
    131: "too_large_string",
    190: "sizes_of_arrays_dont_match",
    321: "value_out_of_range",
    349: "null_in_a_required_column",
    376: "cannot_parse_uuid",
    407: "decimal_overflow",
    469: "violated_constraint",
}
"""ClickHouse's error codes that are a row's own fault. Every other error is the warehouse's: the range waits."""

DECISIONS = "decisions_log"
BUNDLE_REFERENCES = "loanstream.bundle_references"

AT_ONCE = 50
"""Records that are made into rows together: many enough for short loops, few enough to stay in a processor's cache."""

FEW_ERRORS = 10
"""Records a minute on which our own code may fail, however little traffic there is: a record that fails here has been
decided all the same, its dead letter keeps it, and no restart would get past it."""

_INTERNAL = Undecodable(
    "internal_error", FieldError(field="(record)", error="internal_error", expected="code without this fault")
)

_SETTINGS = {
    "async_insert": "0",
    # A range is far below the size that is cut among threads; they would only be started.
    "input_format_parallel_parsing": "0",
    "date_time_input_format": "best_effort",
    "input_format_skip_unknown_fields": "0",
    "precise_float_parsing": "1",
}
_CONSTRAINT = re.compile(r"Constraint `([a-z_]{1,64})`")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a range's records become: lines by table, the records that make none, each with its fault, which of them are
    decisions (of the one tenant that the topic is of), and the bundles that decided.
    """

    tables: dict[str, list[Entry]]
    refused: list[Refused]
    decided: list[Decided]
    bundles: set[str]


class WarehouseSink:
    """The record stage's `prepare` and `write`.

    `client_factory` makes a clickhouse-connect client that may write; it is called again after each trouble,
    when its last one is closed; `close` gives back the one in use.
    `dead_letters` takes a range's records that make no row, each with its fault. `budget` bounds our own errors.
    `references` has what bundles say of their training data.
    """

    def __init__(
        self,
        client_factory: Callable[[], Any],
        cipher: ColumnCipher,
        dead_letters: DeadLetters,
        budget: ErrorBudget | None = None,
        references: References | None = None,
    ) -> None:
        self._client_factory = client_factory
        self._client: Any = None
        self._cipher = cipher
        self._dead_letters = dead_letters
        self._references = references
        self._budget = budget or ErrorBudget(FEW_ERRORS)

    def prepare(self, messages: Sequence[Message]) -> Prepared:
        """The rows of a range, as ClickHouse reads them. Asks the warehouse nothing."""
        made = Prepared({}, [], [], set())
        for start in range(0, len(messages), AT_ONCE):
            some = messages[start : start + AT_ONCE]
            for message, found in zip(some, self._rows(some), strict=True):
                if isinstance(found, Undecodable):
                    made.refused.append((message, found))
                    continue
                for table, row in found:
                    made.tables.setdefault(table, []).append((message, orjson.dumps(row)))
                    if table == DECISIONS:
                        made.decided.append(Decided((row["application_id"], row["revision"]), message.offset()))
                        made.bundles.add(row["receipt_bundle_id"])
        return made

    def _rows(self, messages: Sequence[Message]) -> list[Rows | Undecodable]:
        """The rows of some records; where making them fails, of each alone, so that one record costs only itself.

        Raises the failure when our own errors are too many: the worker then stops with nothing committed.
        """
        try:
            made = rows_of_all(messages, self._cipher)
        except Exception as error:
            made = [self._row_or_fault(message) for message in messages]
            if not self._budget.spend(time.time_ns() // 1_000_000, len(messages), made.count(_INTERNAL)):
                raise error from None
        else:
            self._budget.spend(time.time_ns() // 1_000_000, len(messages), 0)
        return made

    def _row_or_fault(self, message: Message) -> Rows | Undecodable:
        try:
            return rows_of_all([message], self._cipher)[0]
        except Exception as error:  # noqa: BLE001 - see _rows
            # The type alone: an exception's text and trace may hold the applicant's value.
            log.error("internal error on %s: %s", place(message), type(error).__name__)  # noqa: TRY400
            return _INTERNAL

    def write(self, range_: OffsetRange, prepared: Prepared) -> None:
        """Write all rows of a range of one partition. Raises `Retry` while the warehouse takes none."""
        refused = list(prepared.refused)
        self._write_references(prepared.bundles)
        decided, partition = prepared.decided, (range_.topic, range_.partition)
        if decided:
            self._asked(lambda client: note_repeats(client, topic_of(partition[0])[1] or "", partition, decided))
        for table, entries in prepared.tables.items():
            faults = self._insert(table, entries, range_.token)
            if faults and table == DECISIONS:
                self._release({message.offset() for message, _ in faults}, decided, partition)
            refused += faults
        if refused:  # a record has one letter, however many of its rows are refused
            self._dead_letters(list({message.offset(): (message, fault) for message, fault in refused}.values()))

    def _write_references(self, bundle_ids: set[str]) -> None:
        """How features lay in the training data of bundles met for the first time: drift is held against it."""
        if self._references is None:
            return
        rows = self._references.new(bundle_ids)
        if rows:
            lines, settings = b"\n".join(map(orjson.dumps, rows)), {"async_insert": "0"}
            self._asked(lambda client: client.raw_insert(BUNDLE_REFERENCES, None, lines, settings, "JSONEachRow"))
        self._references.met(bundle_ids)

    def _release(self, refused: set[int], decided: Sequence[Decided], partition: Partition) -> None:
        """What follows a refused record may be the first of its revision, and was noted as a repeat."""
        revisions = [record.revision for record in decided if record.offset in refused]
        self._asked(lambda client: release_firsts(client, topic_of(partition[0])[1] or "", partition, revisions))

    def close(self) -> None:
        """Give the connection back; a later write makes another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _insert(self, table: str, entries: Sequence[Entry], token: str) -> list[Refused]:
        """Insert what ClickHouse takes; the rest comes back with its fault."""
        fault = self._try_insert(table, [line for _, line in entries], token)
        if fault is None:
            return []
        if len(entries) == 1:
            return [(entries[0][0], fault)]
        middle = len(entries) // 2
        halves = (entries[:middle], entries[middle:])
        return [refused for half in halves for refused in self._insert(table, half, _token(token, half))]

    def _asked(self, ask: Callable[[Any], object]) -> None:
        """Do at the warehouse what no record's fault can stop. Raises `Retry`."""
        try:
            ask(self._connected())
        except (ClickHouseError, OSError) as error:
            self.close()
            raise Retry(f"the warehouse does not take what goes before decisions: {_named(error)}") from None

    def _connected(self) -> Any:
        if self._client is None:
            self._client = self._client_factory()
        return self._client

    def _try_insert(self, table: str, lines: Sequence[bytes], token: str) -> Undecodable | None:
        settings = {**_SETTINGS, "insert_deduplication_token": token}
        try:
            self._connected().raw_insert(f"loanstream.{table}", None, b"\n".join(lines), settings, "JSONEachRow")
        except (ClickHouseError, OSError) as error:
            code = error.code if isinstance(error, Error) else None
            if code in REFUSALS:
                return _fault(code, str(error))
            self.close()
            raise Retry(f"the warehouse does not take {table}: {_named(error)}") from None
        return None


def _named(error: Exception) -> str:
    """The text of an error may quote a row: the type and code must do."""
    return f"{type(error).__name__}, code {error.code if isinstance(error, Error) else None}"


def _token(token: str, half: Sequence[Entry]) -> str:
    return f"{token.partition('#')[0]}#{half[0][0].offset()}-{half[-1][0].offset()}"


def _fault(code: int, text: str) -> Undecodable:
    """Of ClickHouse's message only the name of a constraint is kept; the rest quotes values."""
    found = _CONSTRAINT.search(text)
    expected = f"a row that keeps the constraint {found.group(1)}" if found else "a row the table takes"
    return Undecodable(
        "refused_by_warehouse", FieldError(field="(row)", error=REFUSALS[code], expected=f"{expected} (code {code})")
    )
