"""ClickHouse's accounts: what the migrations need, on the page for a ClickHouse of yours and in the compose file's."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import pytest

from loanstream.settings import load
from stores.warehouse.migrate import migrations, statements
from stores.warehouse.repeats import REPEATS
from tests.compose.files import ROOT

USERS = ET.parse(ROOT / "deploy" / "compose" / "clickhouse" / "users.xml").getroot()
PAGE = (ROOT / "docs" / "own-kafka-and-clickhouse.md").read_text("utf-8")
NEEDS = {
    # how a statement of a migration begins, and what its account must be granted
    r"CREATE DATABASE ": {"CREATE DATABASE"},
    r"CREATE TABLE ": {"CREATE TABLE"},
    r"CREATE VIEW ": {"CREATE VIEW", "SELECT"},
    r"CREATE OR REPLACE VIEW ": {"CREATE VIEW", "DROP VIEW", "SELECT"},
    r"DROP VIEW ": {"DROP VIEW"},
    # What a view writes to belongs to whoever made it.
    r"CREATE MATERIALIZED VIEW ": {"CREATE VIEW", "SELECT", "INSERT"},
    r"INSERT INTO ": {"INSERT", "SELECT"},
    r"ALTER TABLE \S+ ADD PROJECTION ": {"ALTER ADD PROJECTION"},
    r"ALTER TABLE \S+ MATERIALIZE PROJECTION ": {"ALTER MATERIALIZE PROJECTION"},
    r"ALTER TABLE \S+ ADD COLUMN ": {"ALTER ADD COLUMN"},
    r"ALTER TABLE \S+ MODIFY COLUMN ": {"ALTER MODIFY COLUMN"},
    r"ALTER TABLE \S+ MATERIALIZE COLUMN ": {"ALTER MATERIALIZE COLUMN"},
}


def needed(statement: str) -> set[str]:
    """KeyError for a statement of a kind that the table does not know yet."""
    for begins, grants in NEEDS.items():
        if re.match(begins, " ".join(statement.split())):
            return grants
    raise KeyError(statement.split("\n")[0])


def granted(lines: Iterator[str]) -> set[str]:
    """What is granted on our database."""
    found = (re.fullmatch(r"GRANT (.*) ON loanstream\.\*(?: TO \w+;)?", line.strip()) for line in lines)
    return {part.strip() for grant in found if grant for part in grant[1].split(",")}


def of_compose(account: str) -> set[str]:
    return granted(query.text or "" for query in USERS.iterfind(f"users/{account}/grants/query"))


def of_repeats(lines: Iterator[str]) -> list[str]:
    """What is granted on the set of repeats alone."""
    return re.findall(rf"GRANT (.*) ON loanstream\.{REPEATS}(?: TO writer;)?$", "\n".join(lines), re.MULTILINE)


def of_page(account: str) -> set[str]:
    return granted(line for line in PAGE.splitlines() if line.endswith(f" TO {account};"))


@pytest.mark.parametrize("name", migrations())
def test_the_writer_may_do_what_each_migration_does(name: str) -> None:
    """Install is not refused by a ClickHouse in which the writer has what we say it needs."""
    for statement in statements(migrations()[name]):
        assert needed(statement) <= of_compose("writer")


def test_the_page_and_the_compose_file_grant_the_same() -> None:
    """Whoever keeps his own ClickHouse grants what ours grants."""
    for account in ("writer", "reader"):
        assert of_page(account) == of_compose(account) != set()
    assert of_compose("reader") == {"SELECT"}
    assert {"INSERT", "CREATE DATABASE"} <= of_compose("writer")
    queries = (query.text or "" for query in USERS.iterfind("users/writer/grants/query"))
    assert of_repeats(queries) == of_repeats(iter(PAGE.splitlines())) == ["ALTER DELETE"]


def test_there_are_two_accounts_and_no_other() -> None:
    """They are called as settings call them, and the default account is gone; their hashes come from secrets."""
    accounts = {each.tag: each for each in USERS.find("users") or ()}
    settings = load({})
    assert accounts.keys() == {settings.warehouse_writer, settings.warehouse_reader, "default"}
    assert accounts["default"].attrib == {"remove": "remove"}
    for name in (settings.warehouse_writer, settings.warehouse_reader):
        hashes = [each.get("from_env") for each in accounts[name].iterfind("password_sha256_hex")]
        assert hashes == [f"WAREHOUSE_{name.upper()}_SHA256"]
        assert accounts[name].find("password") is None


def test_a_statement_of_a_new_kind_is_seen() -> None:
    """Whoever writes a migration that needs another right says so in the table above."""
    with pytest.raises(KeyError):
        needed("DROP TABLE loanstream.decisions_log")
