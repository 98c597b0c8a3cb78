"""Warehouses for panels' queries: databases of the engine in this process, each with every table and view that is asked.

The engine is one for the whole process, so each warehouse is a database of another name, which is put in for
`loanstream` in whatever runs there.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from as_grafana import TO, asked

from loanstream.stack.clickhouse.errors import EngineError
from loanstream.stack.clickhouse.link import Link
from stores.warehouse.migrate import migrations, statements

HOSTILE = "o'); DROP TABLE x --"
BANKS = ("bank-a", "bank-b", HOSTILE)
VALUES: Mapping[str, tuple[str, ...]] = {
    # what columns of these names hold in the made-up rows; for others, what queries compare them with
    "tenant": BANKS,
    "bundle_id": ("bundle-1", "bundle-2"),
    "receipt_bundle_id": ("bundle-1", "bundle-2"),
    "policy_id": ("policy-1", "policy-2"),
    "receipt_policy_id": ("policy-1", "policy-2"),
    "application_id": tuple(f"application-{number}" for number in range(100)),
    "outcome": ("approve", "approve", "refer", "decline"),
    "lane": ("fast", "slow"),
    "stage": ("verify", "score"),
    "value": ("one", "two", "three"),
    "feature": ("loan_amount",),
}
DECISIONS_BY = """CREATE TABLE IF NOT EXISTS loanstream.decisions_by (
    hour DateTime, bucket DateTime, tenant LowCardinality(String), bundle_id LowCardinality(String),
    policy_id LowCardinality(String), lane LowCardinality(String), dimension LowCardinality(String), value String,
    number Float64, outcome LowCardinality(String), decisions UInt64, score_sum Float64, p_sum Float64)
    ENGINE = MergeTree ORDER BY (tenant, dimension, hour)"""
DECISION_FACTS = """CREATE TABLE IF NOT EXISTS loanstream.decision_facts (
    tenant LowCardinality(String), application_id String, revision UInt32, accepted_at DateTime64(3, 'UTC'),
    decided_at DateTime64(3, 'UTC'), outcome LowCardinality(String), p_calibrated Nullable(Float64),
    score_final Nullable(Float64), bundle_id LowCardinality(String), policy_id LowCardinality(String),
    lane LowCardinality(String), verification_result LowCardinality(String))
    ENGINE = MergeTree ORDER BY (tenant, decided_at)"""
"""What panels are promised, for as long as no migration makes it."""

SORTS = re.compile(r"(?:(?:LowCardinality|Nullable)\()*(?:String|Date|U?Int|Float|Bool|Enum)[^(]*(?:\([^()]*\))?\)*")
ROWS = 4000
DAYS = 4
"""The last of them is the day that is asked for."""
COMPARED = re.compile(r"\b(\w+) (?:=|IN) \(?((?:'[^'$]*'(?:, )?)+)\)?")
NOW = re.compile(r"\bnow(?:64)?\(\d?\)")


@dataclass(frozen=True)
class Warehouse:
    """One database of the engine."""

    link: Link
    database: str

    def run(self, sql: str) -> None:
        self.link.run(self.here(sql))

    def here(self, sql: str) -> str:
        return NOW.sub(f"toDateTime64({TO}, 3)", re.sub(r"\bloanstream\.", f"{self.database}.", sql))

    def rows(self, sql: str, values: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
        """The answer to a panel's query. EngineError."""
        return self._answer(self.here(asked(sql, values)))["data"]

    def columns(self, sql: str, values: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
        """Name and type of the answer's columns. EngineError."""
        return [(each["name"], each["type"]) for each in self._answer(self.here(asked(sql, values)))["meta"]]

    def fails(self, sql: str, values: Mapping[str, Iterable[str]]) -> bool:
        try:
            self.rows(sql, values)
        except EngineError:
            return True
        return False

    def described(self, relation: str) -> list[tuple[str, str]]:
        """Name and type of the columns of a table or view."""
        found = self._answer(f"DESCRIBE {self.database}.{relation}")["data"]
        return [(each["name"], each["type"]) for each in found]

    def _answer(self, sql: str) -> dict[str, Any]:
        return json.loads(self.link.run(sql, "JSON").body)


def new(link: Link, database: str) -> Warehouse:
    """A database with nothing in it."""
    link.run(f"DROP DATABASE IF EXISTS {database}")
    link.run(f"CREATE DATABASE {database}")
    return Warehouse(link, database)


def migrated(link: Link, database: str) -> Warehouse:
    """One with every migration, empty."""
    made = new(link, database)
    for text in migrations().values():
        for statement in statements(text):
            made.run(statement)
    for promised in (DECISIONS_BY, DECISION_FACTS):
        made.run(promised)
    return made


def shaped(link: Link, database: str, shapes: Mapping[str, list[tuple[str, str]]]) -> Warehouse:
    """One whose relations are plain tables of these columns, empty."""
    made = new(link, database)
    for relation, columns in shapes.items():
        shape(made, relation, columns)
    return made


def shape(warehouse: Warehouse, relation: str, columns: list[tuple[str, str]]) -> None:
    """Make a relation anew, as a plain table of these columns, empty."""
    fields = ", ".join(f"`{name}` {kind}" for name, kind in columns)
    sorted_by = ", ".join(f"`{name}`" for name, kind in columns if SORTS.fullmatch(kind))
    warehouse.run(f"DROP TABLE IF EXISTS loanstream.{relation}")
    warehouse.run(
        f"CREATE TABLE loanstream.{relation} ({fields}) ENGINE = ReplacingMergeTree ORDER BY ({sorted_by}) "
        "SETTINGS allow_nullable_key = 1"
    )


def compared(queries: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Column -> the texts that queries hold it against."""
    found: dict[str, set[str]] = {}
    for sql in queries:
        for column, texts in COMPARED.findall(sql):
            found.setdefault(column, set()).update(re.findall(r"'([^']*)'", texts))
    return {column: tuple(sorted(texts)) for column, texts in found.items()}


def fill(
    warehouse: Warehouse, relation: str, columns: list[tuple[str, str]], values: Mapping[str, tuple[str, ...]]
) -> None:
    """Made-up rows, the same at every run: of several banks, up to the end of the day that is asked for."""
    fields = ", ".join(f"{_made_up(name, kind, values)} AS `{name}`" for name, kind in columns)
    structure = ", ".join(f"`{name}_` {kind}" for name, kind in columns).replace("'", "\\'")
    warehouse.run(
        f"INSERT INTO loanstream.{relation} SELECT {fields} FROM "
        f"(SELECT *, rowNumberInAllBlocks() AS n FROM generateRandom('{structure}', 7, 8, 3) LIMIT {ROWS})"
    )


def _made_up(name: str, kind: str, values: Mapping[str, tuple[str, ...]]) -> str:
    plain = re.sub(r"(?:LowCardinality|Nullable)\((.*)\)", r"\1", re.sub(r"LowCardinality\((.*)\)", r"\1", kind))
    drawn = f"cityHash64(n, '{name}')"
    if plain == "String" and name in values:
        return f"{_list(values[name])}[1 + {drawn} % {len(values[name])}]"
    if plain.startswith(("DateTime", "Date")):
        return f"toDateTime({TO} - {drawn} % {DAYS * 86400})"
    if plain.startswith("Float"):
        return f"({drawn} % 5) / 5"
    if name == "decisions":
        return f"20 + {drawn} % 100"
    if name == "revision_key":
        return f"{drawn} % 100"  # as many loans as applications
    if name == "bin":
        return "0"  # a number that counts have, too
    if plain.startswith(("UInt", "Int")):
        return f"1 + {drawn} % 2"
    return f"`{name}_`"


def _list(values: Iterable[str]) -> str:
    quoted = (value.replace("'", "\\'") for value in values)
    return "[" + ", ".join(f"'{value}'" for value in quoted) + "]"
