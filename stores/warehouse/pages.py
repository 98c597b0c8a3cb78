"""The warehouse's rows as the sink wrote them: read in pages, comparable with a row made from a record."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from schemas.records import Place
from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.sealed import SEALED, Row, opened

PAGE = 5_000

STRAYS = 1_000
"""Rows of no topic that are named one by one: more say no more."""

PAGED_BY: dict[str, str] = {
    "applications_log": "application_id",
    "monitoring_log": "application_id",
    "verifications_log": "application_id",
    "features_log": "application_id",
    "decisions_log": "application_id",
    "outcomes_log": "application_id",
    "dead_letters_log": "kafka_offset",
    "activations_log": "kafka_offset",
    "letters_handled_log": "kafka_offset",
}
"""The column that pages of a table follow: the first of its order after the tenant where it has a tenant."""


ORIGIN = ("origin_topic", "origin_partition", "origin_offset")
"""Columns that a row has only where the record stage that made it knew of them: while an upgrade rolls, an older one
does not."""


class Fingerprint(NamedTuple):
    """Numbers that equal rows share, whichever side they come from (within one process).

    `origin` is None where a row says nothing of it.
    """

    rest: int
    origin: int | None


class Stored(NamedTuple):
    """A row as the warehouse has it, its sealed column as `Digests` has it, or None where the seal is broken; `plain`
    is what was sealed, None where nothing is or the seal is broken.
    """

    row: Row
    plain: bytes | None


class Digests:
    """Stands in for the cipher where rows are only compared: a sealed column is its plaintext's hash."""

    def seal(self, plaintext: bytes, column: str, tenant: str, *place: str | int) -> str:  # noqa: ARG002 - the cipher's
        """The hash that stands for `plaintext`."""
        return hashlib.sha256(plaintext).hexdigest()


class StoredRows:
    """One table, as `client` (a reader) sees it."""

    def __init__(self, client: Any, cipher: ColumnCipher, table: str) -> None:
        self._client, self._cipher, self.table = client, cipher, table
        # What the warehouse computes by itself is no part of what a record makes.
        described = [row for row in client.query(f"DESCRIBE TABLE loanstream.{table}").result_rows if not row[2]]
        self.columns: tuple[str, ...] = tuple(str(row[0]) for row in described)
        self._rest = tuple(name for name in self.columns if self.table not in _WITH_ORIGIN or name not in ORIGIN)
        self.selected = ", ".join(_as_sent(str(row[0]), str(row[1])) for row in described)
        """The columns in SQL, as events write them; the table is to be named `log`."""

    def pages(self, topic: str, tenant: str | None) -> Iterator[list[Stored]]:
        """Every row made from `topic`'s records, a page at a time: all rows of one application are on the same."""
        by = PAGED_BY[self.table]
        kind, last = ("String", "") if by == "application_id" else ("Int64", -1)
        own = "tenant = {tenant:String} AND " if tenant is not None else ""
        # An alias must not stand in for the column in WHERE.
        rest = (
            f"FROM loanstream.{self.table} AS log "
            f"WHERE {own}log.kafka_topic = {{topic:String}} AND log.{by} > {{last:{kind}}}"
        )
        # Where a page ends is asked of its column alone: to sort whole rows of a large table takes more than a GiB.
        order = f"ORDER BY {'log.tenant, ' if tenant is not None else ''}log.{by} LIMIT {PAGE}"
        end = f"SELECT count(), max({by}) FROM (SELECT log.{by} {rest} {order})"  # noqa: S608 - see above
        page = f"SELECT {self.selected} {rest} AND log.{by} <= {{end:{kind}}}"
        while True:
            parameters = {"topic": topic, "tenant": tenant or "", "last": last}
            (count, upto), *_ = self._client.query(end, parameters=parameters).result_rows
            if count == 0:
                return
            parameters["end"] = upto
            yield self.rows(page, parameters)
            last = upto

    def strays(self, topics: Sequence[str], tenant: str | None) -> list[Stored]:
        """Rows that no page has: that name `tenant` and none of its `topics`, or one of these and another tenant; with
        None, that name no topic of `topics`. The first thousand.
        """
        named = "log.kafka_topic IN {topics:Array(String)}"
        wrong = f"NOT ({named})" if tenant is None else f"(log.tenant = {{tenant:String}}) != ({named})"
        return self.rows(
            f"SELECT {self.selected} FROM loanstream.{self.table} AS log WHERE {wrong} LIMIT {STRAYS}",  # noqa: S608 - see above
            {"topics": list(topics), "tenant": tenant or ""},
        )

    def at(self, place: Place) -> Stored | None:
        """The row of the record at `place`; None where there is none."""
        found = self.rows(
            f"SELECT {self.selected} FROM loanstream.{self.table} AS log WHERE log.kafka_topic = {{topic:String}} "  # noqa: S608 - see above
            "AND log.kafka_partition = {partition:UInt32} AND log.kafka_offset = {offset:UInt64} LIMIT 1",
            place._asdict(),
        )
        return found[0] if found else None

    def between(self, tenant: str, first: str, last: str) -> list[Stored]:
        """A tenant's rows of the applications from `first` to `last`, of a table that has applications."""
        return self.rows(
            f"SELECT {self.selected} FROM loanstream.{self.table} AS log WHERE log.tenant = {{tenant:String}} "  # noqa: S608 - see above
            "AND log.application_id BETWEEN {first:String} AND {last:String} "
            "ORDER BY log.tenant, log.application_id, log.revision, log.kafka_offset",
            {"tenant": tenant, "first": first, "last": last},
        )

    def of_application(self, application_id: str, tenant: str | None) -> list[Stored]:
        """The rows on one application (of `tenant`, or of every tenant that has one), in the order of their records."""
        return self.rows(
            f"SELECT {self.selected} FROM loanstream.{self.table} AS log "  # noqa: S608 - see above
            "WHERE log.application_id = {application:String} "
            "AND ({tenant:String} = '' OR log.tenant = {tenant:String}) "
            "ORDER BY log.tenant, log.revision, log.kafka_offset",
            {"application": application_id, "tenant": tenant or ""},
        )

    def of_applications(self, topic: str, tenant: str, ids: Sequence[str]) -> list[Stored]:
        """A tenant's rows of `topic`'s records on some applications; a hundred at once: an address has its bounds."""
        return self.rows(
            f"SELECT {self.selected} FROM loanstream.{self.table} AS log WHERE log.tenant = {{tenant:String}} "  # noqa: S608 - see above
            "AND log.kafka_topic = {topic:String} AND log.application_id IN {ids:Array(String)}",
            {"tenant": tenant, "topic": topic, "ids": list(ids)},
        )

    def rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Stored]:
        """What a query for `selected` gives."""
        lines = self._client.raw_query(sql, parameters=dict(parameters), fmt="JSONEachRow").splitlines()
        return [self._stored(orjson.loads(line)) for line in lines]

    def _stored(self, row: Row) -> Stored:
        if self.table not in SEALED:
            return Stored(row, None)
        column, _ = SEALED[self.table]
        try:
            plain = opened(self.table, row, self._cipher)
        except SealBroken:
            return Stored({**row, column: None}, None)
        return Stored({**row, column: hashlib.sha256(plain).hexdigest()}, plain)

    def fingerprint(self, row: Row) -> Fingerprint:
        """What tells a row from every other."""
        values = map(row.get, self._rest)
        rest = hash(tuple(frozen(value) if type(value) in _NESTED else value for value in values))
        known = self.table in _WITH_ORIGIN and row.get(ORIGIN[0]) is not None
        return Fingerprint(rest, hash(tuple(map(row.get, ORIGIN))) if known else None)

    def changed(self, expected: Row, found: Row) -> tuple[str, ...]:
        """The columns in which two rows differ."""
        pairs = ((name, expected.get(name), found.get(name)) for name in self.columns)
        # What is equal as it stands is the usual case, and costs a tenth.
        return tuple(name for name, one, other in pairs if one != other and frozen(one) != frozen(other))


_NESTED = (dict, list)
_WITH_ORIGIN = frozenset({"verifications_log", "decisions_log"})


def frozen(value: Any) -> Any:
    """A JSON value as something to compare and hash: 1 and 1.0 are equal, and so are a missing name and null."""
    if isinstance(value, dict):
        return frozenset((name, frozen(part)) for name, part in value.items() if part is not None)
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return value


def _as_sent(column: str, kind: str) -> str:
    """The SQL that gives a column as events write it: times as RFC 3339, amounts as two-decimal strings."""
    if kind.startswith(("DateTime64", "Nullable(DateTime64")):
        return f"concat(replaceOne(toString(log.{column}), ' ', 'T'), 'Z') AS {column}"
    if "Decimal(" in kind:
        return f"toDecimalString(log.{column}, 2) AS {column}"
    return f"log.{column} AS {column}"
