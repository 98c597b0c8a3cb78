"""The verb that makes a server's readers, against a stand-in that keeps the statements."""

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.installation import Installation
from loanstream.settings import load
from loanstream.stack.running import RunningStack
from loanstream.tenants import readers
from schemas.problem import Problem
from stores.warehouse.rights import BANKS_ROLES, RELATIONS

SETTINGS = {"LOANSTREAM_WAREHOUSE_URL": "http://warehouse:8123", "LOANSTREAM_TENANTS": "bank-a,bank-b"}


class Rows:
    def __init__(self, rows):
        self.result_rows = rows


class Server:
    """A ClickHouse server with one table, which keeps what it is told and refuses what it is to refuse."""

    def __init__(self, roles=(), refuses=None):
        self.tables = [("outcomes_log", "MergeTree", ["tenant", "kind"])]
        self.roles, self.refuses, self.told = list(roles), refuses, []

    def query(self, sql):
        if sql == RELATIONS:
            return Rows(self.tables)
        assert sql == BANKS_ROLES
        self._refuse("roles")
        return Rows([(role,) for role in self.roles])

    def command(self, line):
        self._refuse(line)
        self.told.append(line)

    def _refuse(self, line):
        if self.refuses is not None and self.refuses in line:
            raise DatabaseError(
                "Received ClickHouse exception, code: 497, server response: Code: 497. DB::Exception: x"
            )

    def close(self):
        pass


@pytest.fixture
def at(monkeypatch):
    """Makes the server that the settings name this one."""

    def use(server):
        monkeypatch.setattr(Installation, "warehouse_writer", lambda self, **options: server)
        for name, value in SETTINGS.items():
            monkeypatch.setenv(name, value)
        return server

    return use


def test_each_bank_that_is_served_has_its_readers(at, loanstream):
    """What the dry run prints is what is run, for every bank, and nothing is run before."""
    server = at(Server())
    shown = loanstream("tenant", "readers", "--dry-run").stdout
    assert server.told == []
    loanstream("tenant", "readers", "--yes")
    assert shown.replace(";\n", "\n") == "\n".join(server.told) + "\n"
    for bank in ("bank-a", "bank-b"):
        assert any(f"`loanstream_bank_{bank}` WITH REPLACE OPTION" in line for line in server.told)


def test_it_may_run_again_and_takes_away_who_left(at, loanstream):
    """A second run tells the same; the role of a bank that was removed goes."""
    server = at(Server())
    loanstream("tenant", "readers", "--yes")
    first, server.told = server.told, []
    server.roles = ["loanstream_bank_bank-a", "loanstream_bank_bank-b"]
    loanstream("tenant", "readers", "--yes")
    assert server.told == first
    server.roles.append("loanstream_bank_bank-c")
    loanstream("tenant", "readers", "--yes")
    assert "DROP ROLE IF EXISTS `loanstream_bank_bank-c`" in server.told


def test_the_embedded_warehouse_says_that_it_has_one_operator(monkeypatch):
    """Nobody believes that a bank's reader of the embedded stack sees that bank alone."""
    stack = RunningStack.__new__(RunningStack)
    with pytest.raises(Problem, match="the embedded warehouse has one operator"):
        readers.planned(stack)


@pytest.mark.parametrize("refuses", ["roles", "CREATE SETTINGS PROFILE", "CREATE ROW POLICY"])
def test_a_refused_statement_names_the_rights_that_are_needed(at, loanstream, refuses):
    """Whoever lacks a right, or runs it at the embedded engine by its address, is told so in one line."""
    at(Server(refuses=refuses))
    told = loanstream("tenant", "readers", "--yes", code=1).stderr
    assert "expected the rights of docs/readers-of-a-server.md" in told
    assert "DB::Exception" not in told


def test_a_warehouse_without_tables_is_not_installed(at, loanstream):
    """Rights are made for tables that are there."""
    at(Server()).tables = []
    assert "run loanstream install first" in loanstream("tenant", "readers", "--dry-run", code=1).stderr


def test_a_table_of_somebody_elses_is_named(at, loanstream):
    """A table in our database that no rule names stops it, before anything is run."""
    server = at(Server())
    server.tables.append(("notes", "MergeTree", ["tenant"]))
    assert "notes: no rule says who reads it" in loanstream("tenant", "readers", "--yes", code=1).stderr
    assert server.told == []


def test_settings_of_the_test_are_settings():
    """The stand-in's settings describe an installation."""
    assert Installation(load(SETTINGS)).tenants == ("bank-a", "bank-b")
