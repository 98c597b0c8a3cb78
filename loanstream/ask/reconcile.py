"""Does the warehouse equal the topics? Every offset still retained, record by record, every difference by name."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from loanstream.ask.balance import OPENS, Balance
from loanstream.ask.difference import Difference
from loanstream.ask.tally import DecisionRecords, decision_records
from loanstream.ask.told import told
from loanstream.installation import Installation
from processors.stages.record.rows import RECORDINGS, rows_of
from schemas.decode import Undecodable
from schemas.problem import Problem
from schemas.records import Message, Partition
from schemas.topics import ENDS, TOPICS
from stores.topics import Bounds, KafkaTopics, TopicReader
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.pages import Digests, Fingerprint, StoredRows
from stores.warehouse.sealed import Row

COMPARED = tuple(key for key in RECORDINGS if key not in {"metrics", "metrics_dlq"})
"""Topic families that are compared; service metrics are not worth the time."""

PATIENCE_S = 60.0
_POLL_S = 0.1

Place = tuple[int, int]


class SinkBehind(Problem):
    """The record stage did not reach the offsets that reconcile saw at its start."""


class Expected(NamedTuple):
    """A row that a record makes, as little of it as must be remembered."""

    fingerprint: Fingerprint
    tenant: str | None
    application_id: str | None
    revision: int | None


@dataclass(slots=True)
class Reconciliation:
    """The warehouse is right where `differences` is empty. `compared` counts the rows of each table that were expected,
    `records` the records of each topic family that were read.

    The rest says why other counts differ from these. `rowless`: records that make no row, by family. By table: rows
    whose records retention took (`older`), rows of records that came after the start (`later`), and rows that a former
    version wrote without the place of their application's record (`without_origin`), and rows of records that cannot be
    read, made from their letters by a redrive (`from_letters`). `decision_records` are all that
    the warehouse holds: of their decisions `replay` tells. `rejections`: what banks were told of their own records.
    """

    differences: list[Difference] = field(default_factory=list)
    compared: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    rowless: Counter[str] = field(default_factory=Counter)
    older: Counter[str] = field(default_factory=Counter)
    later: Counter[str] = field(default_factory=Counter)
    without_origin: Counter[str] = field(default_factory=Counter)
    from_letters: Counter[str] = field(default_factory=Counter)
    decision_records: DecisionRecords = field(default_factory=DecisionRecords)
    rejections: Counter[str] = field(default_factory=Counter)

    @property
    def exit_code(self) -> int:
        """0 where nothing differs, else 1."""
        return int(bool(self.differences))


def reconcile(installation: Installation, tenants: Sequence[str] | None = None) -> Reconciliation:
    """Compare a running stack's warehouse with its topics. Raises `SinkBehind`, `TopicsUnreadable`."""
    topics = KafkaTopics(installation.bootstrap, installation.security)
    with closing(topics), closing(installation.warehouse()) as client:
        return compare(client, topics, tenants or installation.tenants, installation.cipher)


def compare(
    client: Any, topics: TopicReader, tenants: Sequence[str], cipher: ColumnCipher, patience_s: float = PATIENCE_S
) -> Reconciliation:
    """Compare the warehouse behind `client` (a reader is enough) with `topics`, for `tenants` and the shared topics.

    What comes after the start is left for the next time. Memory grows with the records of one topic, by about 300
    bytes each. Raises `SinkBehind` after `patience_s` seconds without progress of the record stage.
    """
    names = {
        TOPICS[key].name(tenant): (key, tenant)
        for key in COMPARED
        for tenant in (tenants if TOPICS[key].per_tenant else (None,))
    }
    bounds = topics.bounds([*names, *(TOPICS["applications_slow"].name(tenant) for tenant in tenants)])
    run = _Run(client, topics, cipher, bounds, patience_s)
    for name, (key, tenant) in names.items():
        run.compare_topic(name, key, tenant)
    for tenant in tenants:
        run.balance(tenant)
        found = told(topics, tenant, patience_s)
        run.result.differences += found.differences
        run.result.rejections += found.counts
    run.result.decision_records = decision_records(client, tenants)
    return run.result


class _Run:
    """One comparison: what was asked, and what came out so far."""

    def __init__(
        self,
        client: Any,
        topics: TopicReader,
        cipher: ColumnCipher,
        bounds: Mapping[Partition, Bounds],
        patience_s: float,
    ) -> None:
        self._client, self._topics, self._cipher = client, topics, cipher
        self._bounds, self._patience_s = bounds, patience_s
        self._stored: dict[str, StoredRows] = {}
        self.result = Reconciliation()

    def compare_topic(self, topic: str, key: str, tenant: str | None) -> None:
        """Compare all tables that a topic's records fill."""
        tables = RECORDINGS[key].tables
        expected: dict[str, dict[Place, Expected]] = {table: {} for table in tables}
        last: dict[Partition, int] = {}
        for partition, bounds in self._partitions(topic):
            for message in self._topics.read(partition, bounds):
                last[partition] = message.offset()
                self.result.records[key] += 1
                made = _rows(message)
                self.result.rowless[key] += not made
                for table, row in made:
                    expected[table][partition[1], message.offset()] = self._expect(table, row)
        self._wait_for_sink(last)
        for table in tables:
            self.result.compared[table] += len(expected[table])
            self._compare_table(table, topic, tenant, expected[table])

    def _partitions(self, topic: str) -> list[tuple[Partition, Bounds]]:
        return [(place, bounds) for place, bounds in self._bounds.items() if place[0] == topic]

    def _table(self, table: str) -> StoredRows:
        if table not in self._stored:
            self._stored[table] = StoredRows(self._client, self._cipher, table)
        return self._stored[table]

    @cached_property
    def _from_letters(self) -> frozenset[tuple[str, int, int]]:
        """Places of records whose letters' originals were recorded after all."""
        found = self._client.query(
            "SELECT origin_topic, origin_partition, origin_offset FROM loanstream.letters_handled "
            "WHERE action = 'recorded'"
        )
        return frozenset((str(topic), int(number), int(offset)) for topic, number, offset in found.result_rows)

    def _expect(self, table: str, row: Row) -> Expected:
        fingerprint = self._table(table).fingerprint(row)
        return Expected(fingerprint, row.get("tenant"), row.get("application_id"), row.get("revision"))

    def _wait_for_sink(self, last: Mapping[Partition, int]) -> None:
        """Wait until the last records read are recorded. (After them stand transaction markers at most: the group's
        offsets never reach a topic's end.)
        """
        behind, best, deadline = dict(last), -1, time.monotonic() + self._patience_s
        while behind:
            recorded = self._topics.recorded(list(last))
            behind = {place: offset for place, offset in behind.items() if recorded.get(place, -1) <= offset}
            if sum(recorded.values()) > best:
                best, deadline = sum(recorded.values()), time.monotonic() + self._patience_s
            if behind and time.monotonic() > deadline:
                (topic, partition), offset = next(iter(behind.items()))
                raise SinkBehind(
                    f"record does not reach offset {offset} of {topic}[{partition}]; is its worker running?"
                )
            if behind:
                time.sleep(_POLL_S)

    def _compare_table(self, table: str, topic: str, tenant: str | None, expected: dict[Place, Expected]) -> None:
        stored = self._table(table)
        seen: set[Place] = set()
        for row in stored.of(topic, tenant):
            place = (row["kafka_partition"], row["kafka_offset"])
            bounds = self._bounds.get((topic, place[0]))
            if place in seen:
                self._add("duplicated", table, row)
            elif place in expected:
                seen.add(place)
                self._compare_row(stored, topic, expected.pop(place).fingerprint, row)
            elif bounds is not None and place[1] < bounds.low:
                self.result.older[table] += 1
            elif bounds is not None and place[1] >= bounds.end:
                self.result.later[table] += 1
            elif (topic, *place) in self._from_letters:
                seen.add(place)
                self.result.from_letters[table] += 1
            else:
                seen.add(place)
                self._add("extra", table, row)
        for (partition, offset), lost in expected.items():
            self.result.differences.append(
                Difference("lost", table, lost.tenant, lost.application_id, lost.revision, topic, partition, offset)
            )

    def _compare_row(self, stored: StoredRows, topic: str, expected: Fingerprint, row: Row) -> None:
        found = stored.fingerprint(row)
        if found.rest == expected.rest and found.origin is None and expected.origin is not None:
            self.result.without_origin[stored.table] += 1
        elif found != expected:
            place = (row["kafka_partition"], row["kafka_offset"])
            self._add("altered", stored.table, row, self._changed(stored, topic, place, row))

    def _changed(self, stored: StoredRows, topic: str, place: Place, row: Row) -> tuple[str, ...]:
        """The altered columns: the record is read once more."""
        partition, offset = place
        for message in self._topics.read((topic, partition), Bounds(offset, offset + 1)):
            return next((stored.changed(made, row) for table, made in _rows(message) if table == stored.table), ())
        return ()

    def _add(self, kind: Any, table: str, row: Row, fields: tuple[str, ...] = ()) -> None:
        place = (row["kafka_topic"], row["kafka_partition"], row["kafka_offset"])
        found = (row.get("tenant"), row.get("application_id"), row.get("revision"))
        self.result.differences.append(Difference(kind, table, *found, *place, fields))

    def balance(self, tenant: str) -> None:
        """Each application as exactly one decision record or dead letter; those on their way are waited for."""
        books, at = Balance(tenant), dict(self._bounds)
        for key in (*OPENS, *ENDS):
            for partition, bounds in self._partitions(TOPICS[key].name(tenant)):
                for message in self._topics.read(partition, bounds):
                    books.put(key, message)
        deadline = time.monotonic() + self._patience_s
        while books.undecided and time.monotonic() < deadline:
            if self._read_on(books, tenant, at):
                deadline = time.monotonic() + self._patience_s
            elif books.undecided:
                time.sleep(_POLL_S)
        applications = self._partitions(TOPICS["applications"].name(tenant))
        self.result.differences += books.differences(whole=all(bounds.low == 0 for _, bounds in applications))

    def _read_on(self, books: Balance, tenant: str, at: dict[Partition, Bounds]) -> bool:
        """Enter what has ended since; whether anything has."""
        names = {TOPICS[key].name(tenant): key for key in ENDS}
        came = False
        for partition, bounds in self._topics.bounds(names).items():
            known = at.get(partition, Bounds(0, 0))
            for message in self._topics.read(partition, Bounds(known.end, bounds.end)):
                books.put_late(names[partition[0]], message)
                came = True
            at[partition] = Bounds(known.low, max(known.end, bounds.end))
        return came


def _rows(message: Message) -> Sequence[tuple[str, Row]]:
    """A record's rows, sealed columns as hashes; none where the record is a dead letter of the record stage."""
    try:
        return rows_of(message, Digests())
    except Undecodable:
        return []
