"""Rights of readers at a ClickHouse server. No server runs here: what can be proven of them without one."""

import json
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
from processors.deadletters import dead_letter
from processors.identity import Worker
from processors.stages.record.sink import WarehouseSink
from processors.transport.ranges import OffsetRange
from schemas.records import MemoryMessage
from stores.warehouse.cipher import ColumnCipher
from stores.warehouse.migrate import migrate
from stores.warehouse.rights import (
    RELATIONS,
    ROLES,
    TABLES,
    VIEWS,
    NoRule,
    Readers,
    Relation,
    granted_columns,
    role_of,
    server_statements,
    static_statements,
)
from stores.warehouse.sealed import SEALED

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
BANKS = ("bank-a", "bank-b")
ODD = ("it's", "a`b", 'c"d', "e\\f", "g; DROP ROLE h", "{bank}")
START_MS = 1_770_715_800_120


def relations_of(server):
    client = server.client("reader")
    found = [Relation(name, engine, tuple(columns)) for name, engine, columns in client.query(RELATIONS).result_rows]
    client.close()
    return found


@pytest.fixture(scope="module")
def relations(server):
    return relations_of(server)


def event(name, **changes):
    return json.loads((EXAMPLES / f"{name}.json").read_text()) | changes


EVENTS = {
    "loan.applications.v1.{}": [event("loan.application.submitted.with-documents", application_id="example-0002")],
    "loan.verifications.v1.{}": [event("loan.application.verified")],
    "loan.decisions.v1.{}": [
        event("loan.decision.made"),
        event("loan.decision.made", decision_id="00000000-298d-5145-83ac-08c047940d22", outcome="decline"),
    ],
    "loan.outcomes.v1.{}": [
        event("loan.outcome.recorded", application_id="example-0002", at="2026-02-10T00:00:00.000Z")
    ],
    "loan.applications.v1.{}.dlq": [],
}
"""A record of each kind that a bank's topics hold."""


def fill(server, bank):
    """A bank's records, as record writes them."""
    refused = []
    for topic, values in EVENTS.items():
        name = topic.format(bank)
        broken = MemoryMessage(f"loan.applications.v1.{bank}", 0, 77, b"example-0002", b"{", None, (2, START_MS))
        letter = dead_letter(broken, "not_json", [], Worker("verify", "verify-0", "1", lambda: START_MS)).value
        for offset, value in enumerate(
            [json.dumps(each).replace("bank-a", bank).encode() for each in values] or [letter]
        ):
            message = MemoryMessage(name, 0, offset, b"example-0002", value, None, (2, START_MS))
            sink = WarehouseSink(server.client, ColumnCipher(b"k" * 32), refused.append)
            sink.write(OffsetRange(name, 0, offset, offset + 1), sink.prepare([message]))
    assert refused == []


@pytest.fixture(scope="module")
def two_banks(tmp_path_factory):
    """A warehouse of its own, with the same records of two banks."""
    with EmbeddedWarehouse(tmp_path_factory.mktemp("two-banks")) as started:
        client = started.client()
        migrate(client)
        for bank in BANKS:
            fill(started, bank)
        client.command(
            "INSERT INTO loanstream.monitoring_log (tenant, application_id, revision, accepted_at, gender) "
            "SELECT tenant, application_id, revision, accepted_at, 'female' FROM loanstream.decisions_log"
        )
        client.close()
        yield started


def test_every_table_and_view_has_a_rule(relations):
    """Whoever adds a table to the warehouse says who reads it."""
    assert {each.name for each in relations if each.is_view} <= set(VIEWS)
    assert {each.name for each in relations if not each.is_view} <= set(TABLES)


def test_a_table_without_a_rule_is_refused(relations):
    """Rights are never made around a table of which nobody said who reads it."""
    for stranger in (Relation("new_log", "MergeTree", ("tenant",)), Relation("new", "View", ("tenant",))):
        with pytest.raises(NoRule, match="new"):
            server_statements([*relations, stranger], BANKS)


def test_every_table_that_names_tenants_has_a_row_policy(relations):
    """No table shows a bank another bank's rows; those without tenants hold nobody's figures or are the operator's."""
    for relation in relations:
        if not relation.is_view:
            rule = TABLES[relation.name]
            assert (rule.rows is not None) == ("tenant" in relation.columns), relation.name


@pytest.mark.parametrize("banks", [(), BANKS, ODD], ids=["none", "two", "odd names"])
def test_every_statement_is_one_to_the_engines_parser(server, relations, banks):
    """What a server is told is ClickHouse's SQL, whatever a bank is called."""
    client = server.client()
    lines = server_statements(relations, banks, ["loanstream_bank_gone", "loanstream_fairness_gone"])
    for line in lines:
        assert client.command(f"EXPLAIN AST {line}")
    assert len(lines) == len(set(lines))
    client.close()


def test_the_parser_refuses_what_is_no_statement(server):
    """The check above can fail."""
    client = server.client()
    with pytest.raises(DatabaseError, match="62"):
        client.command("EXPLAIN AST CREATE ROW POLICY loanstream_bank_x ON")
    client.close()


@pytest.mark.parametrize("bank", ODD)
def test_a_banks_name_stays_a_name(server, bank):
    """A policy compares with the name to the letter, and nothing of it is read as SQL."""
    [line] = [
        line
        for line in server_statements([Relation("outcomes_log", "MergeTree", ("tenant",))], [bank])
        if line.startswith("CREATE ROW POLICY") and "loanstream_bank_" in line.split(" ON ")[0]
    ]
    condition = line.split(" USING ")[1].split(" AS PERMISSIVE")[0]
    client = server.client()
    sql = f"SELECT {condition} FROM (SELECT arrayJoin({{names:Array(String)}}) AS tenant) ORDER BY tenant = {{bank:String}}"
    found = client.query(sql, parameters={"names": [*ODD, "bank-a"], "bank": bank}).result_columns[0]
    assert list(found) == [0] * len(ODD) + [1]
    client.close()


def test_nobody_sees_less_while_policies_are_made(relations):
    """Once a table has a policy, whom none names sees nothing: who writes is named first, and a bank is let in last."""
    lines = server_statements(relations, BANKS)
    kinds = ["others" if "loanstream_others" in line else line.split()[0] for line in lines[len(static_statements()) :]]
    last_role = max(at for at, kind in enumerate(kinds) if kind == "ALTER")
    first_other, first_grant = kinds.index("others"), kinds.index("GRANT")
    assert last_role < first_other
    assert set(kinds[first_other:first_grant]) == {"others", "CREATE"}
    assert kinds[first_other:].index("CREATE") == kinds.count("others")
    assert set(kinds[first_grant:]) == {"GRANT"}


def test_others_are_all_but_the_banks_readers(relations):
    """The record stage, the views' maker and the operator see every row; whoever has a bank's role does not."""
    ours = [role_of(role, bank) for bank in BANKS for role in ROLES]
    others = [line for line in server_statements(relations, BANKS) if "loanstream_others" in line]
    assert others
    for line in others:
        assert line.endswith("TO ALL EXCEPT " + ", ".join(f"`{name}`" for name in ours))


def test_a_bank_that_left_loses_its_role_first(relations):
    """Whoever read for a bank that is not served any more reads nothing."""
    lines = server_statements(relations, ["bank-a"], ["loanstream_bank_bank-a", "loanstream_bank_gone"])
    dropped = [line for line in lines if line.startswith("DROP")]
    assert dropped[0] == "DROP ROLE IF EXISTS `loanstream_bank_gone`"
    assert len(dropped) == 1 + sum(not each.is_view and "tenant" in each.columns for each in relations)
    assert not any("bank-a" in line for line in dropped)


def test_nothing_sealed_is_granted_to_a_bank(relations):
    """A bank's readers get no encrypted column, no whole event, and nothing of the workers'."""
    for relation in relations:
        granted = {column for role in ROLES for column in granted_columns(relation, role)}
        assert not any(column.endswith("_encrypted") for column in granted)
        assert granted.isdisjoint(SEALED.get(relation.name, ())[:1])
        if relation.name in {"service_metrics_log", "service_metrics", "decision_keys_log", "migrations"}:
            assert not granted
    [decisions] = [each for each in relations if each.name == "decisions_log"]
    assert "event" in decisions.columns
    assert "event" not in granted_columns(decisions, Readers.BANK)


def test_protected_attributes_are_for_who_watches_fairness(relations):
    """With a bank's ordinary role nobody reads whether an applicant is a woman, nor figures by it."""
    for relation in relations:
        if {"gender", "ethnicity"} & set(relation.columns) or relation.name.startswith("decisions_by_group"):
            assert granted_columns(relation, Readers.BANK) == (), relation.name
    assert "'gender'" in (TABLES["decisions_by_log"].condition(Readers.BANK) or "")


def filters(bank, role):
    """A role's row policies as the engine's filters on tables, which hold below views as policies do."""
    conditions = {
        f"loanstream.{name}": (rule.condition(role) or "").format(bank=f"'{bank}'")
        for name, rule in TABLES.items()
        if rule.rows is not None
    }
    return (
        "{"
        + ", ".join(f"'{name}': '{text.replace(chr(39), chr(92) + chr(39))}'" for name, text in conditions.items())
        + "}"
    )


def seen_by(server, bank, role):
    """View or table -> the tenants in it, with a role's filters."""
    client = server.client()
    found = {}
    for relation in relations_of(server):
        if "tenant" in relation.columns and granted_columns(relation, role):
            sql = f"SELECT DISTINCT tenant FROM loanstream.{relation.name}"
            rows = client.query(sql, settings={"additional_table_filters": filters(bank, role)}).result_rows
            found[relation.name] = {row[0] for row in rows}
    client.close()
    return found


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("role", ROLES)
def test_no_view_shows_another_banks_rows(two_banks, bank, role):
    """With its conditions below them, each table and each view that a bank reads has its own rows, and only these."""
    found = seen_by(two_banks, bank, role)
    assert all(tenants <= {bank, None} for tenants in found.values())
    full = {"decisions", "conflicts", "applications", "decisions_in_all", "decisions_by_result", "dead_letters"}
    wanted = full if role is Readers.BANK else {"decisions_by_group", "monitoring_log"}
    assert {name for name, tenants in found.items() if tenants == {bank}} >= wanted


def test_without_the_conditions_both_banks_are_seen(two_banks):
    """The check above can fail."""
    client = two_banks.client()
    rows = client.query("SELECT DISTINCT tenant FROM loanstream.decisions_in_all ORDER BY tenant").result_columns[0]
    assert tuple(rows) == BANKS
    client.close()


@pytest.mark.parametrize("roles", [(Readers.BANK,), ROLES], ids=["bank", "fairness"])
def test_views_read_nothing_that_is_not_granted(tmp_path, roles):
    """A view runs with the rights of who asks: where all is gone that a bank is not granted, its views still answer."""
    with EmbeddedWarehouse(tmp_path) as server:
        client = server.client()
        migrate(client)
        everything = relations_of(server)
        made = "SELECT name FROM system.tables WHERE database = 'loanstream' AND engine = 'MaterializedView'"
        for (name,) in client.query(made).result_rows:
            client.command(f"DROP VIEW loanstream.{name}")
        for relation in everything:
            granted = [column for role in roles for column in granted_columns(relation, role)]
            if not granted:
                client.command(f"DROP {'VIEW' if relation.is_view else 'TABLE'} loanstream.{relation.name}")
                continue
            for column in () if relation.is_view else set(relation.columns) - set(granted):
                client.command(f"ALTER TABLE loanstream.{relation.name} DROP COLUMN {column}")
        for relation in everything:
            if any(granted_columns(relation, role) for role in roles):
                assert client.query(f"SELECT * FROM loanstream.{relation.name}").column_names
        client.close()
