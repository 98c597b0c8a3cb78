"""Do the rows of each table equal the records of its topics? Row by row, every difference by name."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from loanstream.ask.difference import Difference, Kind
from loanstream.ask.evidence import place_of
from loanstream.ask.kept import BESIDE, KEPT, UNPROVEN, Altered, altered, altered_application
from loanstream.ask.origins import applied_ms, lacks_origin, lost_origin, moment_ms, origins_since_ms
from loanstream.ask.reconciliation import Reconciliation
from loanstream.ask.recorded_letters import RecordedLetters
from loanstream.ask.retained import Retained
from loanstream.ask.waiting import Say, Wait
from processors.stages.record.rows import RECORDINGS, Rows, rows_as_stored, rows_of
from schemas.decode import Undecodable
from schemas.problem import Problem
from schemas.records import Message, Partition, Place
from schemas.topics import TOPICS, topic_of
from stores.topics import Bounds, TopicReader
from stores.warehouse.pages import Digests, Fingerprint, Stored, StoredRows
from stores.warehouse.retention import MOMENTS, kept_since_ms
from stores.warehouse.sealed import Row

Number = tuple[int, int]
"""Where a record stands in its topic: the partition and the offset."""


FEATURES, FEATURES_CAME = "features_log", "0015_features.sql"
SLACK_MS = 60 * 60 * 1000
"""Rows whose retention ends within it may go while they are compared."""


class SinkBehind(Problem):
    """The record stage did not reach the offsets that reconcile saw at its start."""


class Expected(NamedTuple):
    """A row that a record makes, as little of it as must be remembered."""

    fingerprint: Fingerprint
    tenant: str | None
    application_id: str | None
    revision: int | None
    may_lack: bool
    """A former version made no such row of records of its time."""
    is_past: bool = False
    """Whether the warehouse need not keep it any longer."""


class Comparison:
    """What is retained, against the tables behind `client`; what comes out is added to `result`."""

    def __init__(
        self,
        client: Any,
        topics: TopicReader,
        retained: Retained,
        table: Callable[[str], StoredRows],
        result: Reconciliation,
        patience_s: float,
        say: Say,
    ) -> None:
        self._topics, self._retained, self._table, self._result = topics, retained, table, result
        self._patience_s, self._say = patience_s, say
        self._origins_since_ms = origins_since_ms(client)
        self._features_since = applied_ms(client, FEATURES_CAME)
        self._kept_since_ms = kept_since_ms(client, SLACK_MS)
        self._letters = RecordedLetters(client, topics, lambda: table("dead_letters_log"))

    def compare_topic(self, topic: str, key: str, tenant: str | None) -> None:
        """Compare all tables that a topic's records fill. Raises `SinkBehind`, `TopicsUnreadable`."""
        tables = RECORDINGS[key].tables
        expected: dict[str, dict[Number, Expected]] = {table: {} for table in tables}
        last: dict[Partition, int] = {}
        for partition, bounds in self._retained.partitions(topic):
            for message in self._retained.records(partition, bounds):
                last[partition] = message.offset()
                self._result.records[key] += 1
                made = _rows(message)
                self._result.rowless[key] += not made
                for table, row in made:
                    expected[table][partition[1], message.offset()] = self._expect(table, row)
        self._wait_for_sink(last)
        for table in tables:
            self._result.compared[table] += len(expected[table])
            self._compare_table(table, topic, tenant, expected[table])

    def _expect(self, table: str, row: Row) -> Expected:
        fingerprint = self._table(table).fingerprint(row)
        found = (row.get("tenant"), row.get("application_id"), row.get("revision"))
        since_ms = self._kept_since_ms.get(table)
        return Expected(
            fingerprint,
            *found,
            may_lack=table == FEATURES and moment_ms(row["kafka_timestamp"]) < self._features_since,
            is_past=since_ms is not None and moment_ms(row[MOMENTS[table]]) < since_ms,
        )

    def _wait_for_sink(self, last: Mapping[Partition, int]) -> None:
        """Wait until the last records read are recorded. (After them stand transaction markers at most: the group's
        offsets never reach a topic's end.)
        """
        behind, best = dict(last), -1

        def first() -> str:
            (topic, partition), offset = next(iter(behind.items()))
            return f"offset {offset} of {topic}[{partition}]"

        wait = Wait(self._patience_s, self._say, lambda: f"record to reach {first()}")
        while behind:
            recorded = self._topics.recorded(list(last))
            behind = {place: offset for place, offset in behind.items() if recorded.get(place, -1) <= offset}
            if sum(recorded.values()) > best:
                best = sum(recorded.values())
                wait.renew()
            if behind and not wait.once_more():
                raise SinkBehind(f"record does not reach {first()}; is its worker running?")

    def _compare_table(self, table: str, topic: str, tenant: str | None, expected: dict[Number, Expected]) -> None:
        stored, seen = self._table(table), set[Number]()
        beyond: dict[Number, Expected] = {}
        for page in stored.pages(topic, tenant):
            older: list[Stored] = []
            for one in page:
                number = (one.row["kafka_partition"], one.row["kafka_offset"])
                bounds = self._retained.bounds.get((topic, number[0]))
                if number in seen:
                    self._add("duplicated", table, one.row)
                    continue
                if number in expected:
                    self._compare_row(stored, one.row, expected.pop(number).fingerprint)
                elif bounds is not None and number[1] < bounds.low:
                    older.append(one)
                    continue
                elif bounds is None or number[1] >= bounds.end:
                    beyond[number] = self._expect(table, one.row)
                else:
                    self._explain(stored, one.row)
                seen.add(number)
            self._hold(stored, tenant, older)
        for number, lost in expected.items():
            if lost.is_past:
                self._result.past[table] += 1
            elif lost.may_lack:
                self._result.without_features[table] += 1
            else:
                self._differs("lost", table, lost, Place(topic, *number))
        self._second_look(stored, topic, beyond)

    def _compare_row(self, stored: StoredRows, row: Row, expected: Fingerprint) -> None:
        if stored.fingerprint(row) != expected:
            self._add("altered", stored.table, row, self._changed(stored, place_of(row), row))
        else:
            self._result.without_origin[stored.table] += lacks_origin(row)  # nor does its record

    def _changed(self, stored: StoredRows, place: Place, row: Row) -> Altered:
        """The altered columns: the record is read once more."""
        partition, bounds = (place.topic, place.partition), Bounds(place.offset, place.offset + 1)
        for message in self._retained.records(partition, bounds):
            return next((stored.changed(made, row) for table, made in _rows(message) if table == stored.table), ())
        return ()

    def _explain(self, stored: StoredRows, row: Row) -> None:
        """A row whose record makes none is right where a former version took the record, or where a letter's original
        makes the same; else it is one too many.
        """
        place = place_of(row)
        for counter, rows in (
            (self._result.taken_then, self._taken_then),
            (self._result.from_letters, self._letters.rows),
        ):
            made = next((made for table, made in rows(place) if table == stored.table), None)
            if made is None:
                continue
            if stored.fingerprint(made) == stored.fingerprint(row):
                counter[stored.table] += 1
            else:
                self._add("altered", stored.table, row, stored.changed(made, row))
            return
        self._add("extra", stored.table, row)

    def _taken_then(self, place: Place) -> Rows:
        """The rows that a former version, of laxer checks, made of the record at `place`; where there is one."""
        partition, nothing = (place.topic, place.partition), Bounds(0, 0)
        if RECORDINGS[topic_of(place.topic)[0].key].as_stored is None:
            return []
        holds = self._topics.bounds([place.topic]).get(partition, nothing)
        if not holds.low <= place.offset < holds.end:  # to read beyond an end would wait for what never comes
            return []
        for message in self._retained.records(partition, Bounds(place.offset, place.offset + 1)):
            try:
                return rows_as_stored(message, Digests())
            except Undecodable:
                break
        return []

    def _hold(self, stored: StoredRows, tenant: str | None, older: Sequence[Stored]) -> None:
        """Hold rows whose records retention took against what the warehouse keeps of these."""
        self._result.older[stored.table] += len(older)
        seen: set[Number] = set()
        for one, names in zip(older, self._held(stored, tenant, older), strict=True):
            number = (one.row["kafka_partition"], one.row["kafka_offset"])
            if number in seen:
                self._add("duplicated", stored.table, one.row)
            seen.add(number)
            self._result.held[stored.table] += names is not None
            lost = lost_origin(one.row, self._origins_since_ms)
            self._result.origin_lost[stored.table] += lost
            self._result.without_origin[stored.table] += lacks_origin(one.row) and not lost
            if names:
                self._add("altered", stored.table, one.row, names)

    def _held(self, stored: StoredRows, tenant: str | None, older: Sequence[Stored]) -> list[Altered | None]:
        if stored.table in KEPT:
            return [altered(stored, one) for one in older]
        if stored.table not in BESIDE or tenant is None or not older:
            return [None] * len(older)
        ids = [one.row["application_id"] for one in older]
        verified: dict[tuple[str, int], list[Stored]] = {}
        for one in self._table(BESIDE[stored.table]).between(tenant, min(ids), max(ids)):
            verified.setdefault((one.row["application_id"], one.row["revision"]), []).append(one)
        return [
            altered_application(
                stored,
                one,
                verified.get((one.row["application_id"], one.row["revision"]), ()),
                self._origins_since_ms,
            )
            for one in older
        ]

    def _second_look(self, stored: StoredRows, topic: str, beyond: Mapping[Number, Expected]) -> None:
        """Rows of records from beyond what was there at the start: what is real stands there by now."""
        if not beyond:
            return
        now = self._topics.bounds([topic])
        stands: dict[Number, Fingerprint] = {}
        for partition, bounds in now.items():
            offsets = [offset for number, offset in beyond if number == partition[1]]
            if offsets:
                within = Bounds(max(bounds.low, min(offsets)), min(bounds.end, max(offsets) + 1))
                for message in self._retained.records(partition, within):
                    for table, made in _rows(message):
                        if table == stored.table:
                            stands[partition[1], message.offset()] = stored.fingerprint(made)
        for number, row in beyond.items():
            real, bounds = stands.get(number), now.get((topic, number[0]), Bounds(0, 0))
            if real == row.fingerprint:
                self._result.later[stored.table] += 1
            elif number[1] < bounds.low:
                self._result.older[stored.table] += 1
            else:
                self._judge_beyond(stored, Place(topic, *number), real)

    def _judge_beyond(self, stored: StoredRows, place: Place, real: Fingerprint | None) -> None:
        found = stored.at(place)
        if found is None:
            return
        if real is None:
            self._explain(stored, found.row)
        else:
            self._add("altered", stored.table, found.row, self._changed(stored, place, found.row))

    def _add(self, kind: Kind, table: str, row: Row, fields: Altered = ()) -> None:
        self._result.differences.append(_difference(kind, table, row, fields))

    def _differs(self, kind: Kind, table: str, row: Expected, place: Place) -> None:
        found = (row.tenant, row.application_id, row.revision)
        self._result.differences.append(Difference(kind, table, *found, *place))

    def strays(self, tenant: str | None) -> None:
        """Rows that belong to no topic of their tenant's; with None, of the topics that belong to no tenant."""
        topics: dict[str, list[str]] = {}
        for key, recording in RECORDINGS.items():
            if TOPICS[key].per_tenant == (tenant is not None):
                for table in recording.tables:
                    topics.setdefault(table, []).append(TOPICS[key].name(tenant))
        for table in topics.keys() & (KEPT.keys() | BESIDE.keys() | UNPROVEN.keys()):
            # Dead letters of shared topics have an empty tenant; elsewhere the tenant is what the event says.
            own = "" if tenant is None and table in KEPT else tenant
            for one in self._table(table).strays(topics[table], own):
                difference = _difference("extra", table, one.row)
                if difference not in self._result.differences:  # another bank or topic may have told it
                    self._result.differences.append(difference)


def _difference(kind: Kind, table: str, row: Row, fields: Altered = ()) -> Difference:
    found = (row.get("tenant"), row.get("application_id"), row.get("revision"))
    return Difference(kind, table, *found, *place_of(row), fields)


def _rows(message: Message) -> Sequence[tuple[str, Row]]:
    """A record's rows, sealed columns as hashes; none where the record is a dead letter of the record stage."""
    try:
        return rows_of(message, Digests())
    except Undecodable:
        return []
