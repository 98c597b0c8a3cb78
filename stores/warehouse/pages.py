"""The warehouse's rows as the sink wrote them: read in pages, comparable with a row made from a record."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from stores.warehouse.cipher import ColumnCipher, SealBroken
from stores.warehouse.sealed import SEALED, Row, opened

PAGE = 5_000

PAGED_BY: dict[str, str] = {
    "applications_log": "application_id",
    "monitoring_log": "application_id",
    "verifications_log": "application_id",
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
        self._selected = ", ".join(_as_sent(str(row[0]), str(row[1])) for row in described)

    def of(self, topic: str, tenant: str | None) -> Iterator[Row]:
        """Every row made from `topic`'s records, sealed columns as `Digests` has them, or None where one is broken."""
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
        page = f"SELECT {self._selected} {rest} AND log.{by} <= {{end:{kind}}}"
        while True:
            parameters = {"topic": topic, "tenant": tenant or "", "last": last}
            (count, upto), *_ = self._client.query(end, parameters=parameters).result_rows
            if count == 0:
                return
            parameters["end"] = upto
            lines = self._client.raw_query(page, parameters=parameters, fmt="JSONEachRow").splitlines()
            for line in lines:
                yield self._digested(orjson.loads(line))
            last = upto

    def _digested(self, row: Row) -> Row:
        if self.table in SEALED:
            column, _ = SEALED[self.table]
            try:
                row[column] = hashlib.sha256(opened(self.table, row, self._cipher)).hexdigest()
            except SealBroken:
                row[column] = None
        return row

    def fingerprint(self, row: Row) -> Fingerprint:
        """What tells a row from every other."""
        values = map(row.get, self._rest)
        rest = hash(tuple(frozen(value) if type(value) in _NESTED else value for value in values))
        known = self.table in _WITH_ORIGIN and row.get(ORIGIN[0]) is not None
        return Fingerprint(rest, hash(tuple(map(row.get, ORIGIN))) if known else None)

    def changed(self, expected: Row, found: Row) -> tuple[str, ...]:
        """The columns in which two rows differ."""
        return tuple(name for name in self.columns if frozen(expected.get(name)) != frozen(found.get(name)))


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
