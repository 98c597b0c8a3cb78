"""Who reads what of a ClickHouse server, as a table: the operator's readers everything, a bank's its own rows.

A bank has two roles. With `loanstream_bank_NAME` its people read their bank; whoever watches fairness has
`loanstream_fairness_NAME` beside it, and reads protected attributes, too. What a role reads are columns of tables and
of views: a view runs with the rights of who asks, so what it reads has to be granted as well. Which rows are a matter
of row policies. A materialized view runs as who made it, whom no policy of a bank's concerns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib.resources import files

from schemas.problem import Problem
from stores.warehouse.client import DATABASE
from stores.warehouse.migrate import statements
from stores.warehouse.sealed import SEALED


class Readers(Enum):
    """Who is granted a table or a view, beside the operator's readers; the value begins the name of a bank's role."""

    BANK = "loanstream_bank_"
    FAIRNESS = "loanstream_fairness_"
    OPERATOR = ""


ROLES = (Readers.BANK, Readers.FAIRNESS)
"""What each bank has, in the order in which they are made."""

OWN = "tenant = {bank}"
OWN_OR_ALL_BANKS = "tenant IS NULL OR tenant = {bank}"
UNPROTECTED = "tenant = {bank} AND dimension NOT IN ('gender', 'ethnicity', 'marital_status', 'age_band')"


@dataclass(frozen=True, slots=True)
class Rule:
    """One table: who reads it, and which `rows` of it a bank's roles see (None: it holds no bank's figures).

    `for_fairness` are the rows of the second role where they are others; `hidden` columns are granted to no bank, as
    the encrypted ones are not.
    """

    readers: Readers
    rows: str | None
    for_fairness: str | None = None
    hidden: tuple[str, ...] = ()

    def condition(self, role: Readers) -> str | None:
        """The rows that a bank's role sees, `{bank}` being its name; None for all of them."""
        return self.for_fairness if role is Readers.FAIRNESS and self.for_fairness else self.rows


TABLES: Mapping[str, Rule] = {
    "applications_log": Rule(Readers.BANK, OWN),
    "monitoring_log": Rule(Readers.FAIRNESS, OWN),
    "verifications_log": Rule(Readers.BANK, OWN),
    "features_log": Rule(Readers.BANK, OWN),
    "bundle_references": Rule(Readers.BANK, None),
    "decisions_log": Rule(Readers.BANK, OWN, hidden=("event",)),
    "outcomes_log": Rule(Readers.BANK, OWN),
    "outcomes_decided_log": Rule(Readers.BANK, OWN),
    "dead_letters_log": Rule(Readers.BANK, OWN),
    "letters_handled_log": Rule(Readers.BANK, OWN),
    "activations_log": Rule(Readers.BANK, OWN_OR_ALL_BANKS),
    "service_metrics_log": Rule(Readers.OPERATOR, None),
    "decision_keys_log": Rule(Readers.OPERATOR, OWN),
    "decision_repeats_log": Rule(Readers.BANK, OWN),
    "deciders_log": Rule(Readers.BANK, OWN),
    "decisions_by_log": Rule(Readers.BANK, UNPROTECTED, for_fairness=OWN),
    "hours_touched": Rule(Readers.BANK, None),
    "hours_counted": Rule(Readers.BANK, None),
    "migrations": Rule(Readers.OPERATOR, None),
}
"""Every table of the migrations."""

VIEWS: Mapping[str, Readers] = {
    "applications": Readers.BANK,
    "verifications": Readers.BANK,
    "decisions": Readers.BANK,
    "conflicts": Readers.BANK,
    "outcomes": Readers.BANK,
    "outcomes_undecided": Readers.BANK,
    "outcomes_decided": Readers.BANK,
    "human_decisions": Readers.BANK,
    "dead_letters": Readers.BANK,
    "letters_handled": Readers.BANK,
    "activations": Readers.BANK,
    "service_metrics": Readers.OPERATOR,
    "rows_since": Readers.BANK,
    "hours_state": Readers.BANK,
    "hours_to_count": Readers.BANK,
    "decided_now": Readers.BANK,
    "claimed_now": Readers.BANK,
    "verified_now": Readers.BANK,
    "watched_now": Readers.FAIRNESS,
    "measured_now": Readers.BANK,
    "repeated_now": Readers.BANK,
    "bundle_bins": Readers.BANK,
    "decisions_in_all_now": Readers.BANK,
    "decisions_by_latency_now": Readers.BANK,
    "decisions_by_result_now": Readers.BANK,
    "decisions_by_claim_now": Readers.BANK,
    "decisions_by_document_now": Readers.BANK,
    "decisions_by_feature_now": Readers.BANK,
    "decisions_by_conflict_now": Readers.BANK,
    "decisions_by_group_now": Readers.FAIRNESS,
    "decisions_by_now": Readers.OPERATOR,
    "decisions_in_all": Readers.BANK,
    "decisions_by_latency": Readers.BANK,
    "decisions_by_result": Readers.BANK,
    "decisions_by_claim": Readers.BANK,
    "decisions_by_document": Readers.BANK,
    "decisions_by_feature": Readers.BANK,
    "decisions_by_conflict": Readers.BANK,
    "decisions_by_group": Readers.FAIRNESS,
}
"""Every view that runs with the rights of who asks."""


class NoRule(Problem):
    """A table or a view of the warehouse has no row in the tables of rights."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view as the warehouse has it."""

    name: str
    engine: str
    columns: tuple[str, ...]

    @property
    def is_view(self) -> bool:
        """Whether it runs with the rights of who asks."""
        return self.engine == "View"


OF_DEFINER = "MaterializedView"
"""The engine of views that are granted to nobody: what they make lies in tables."""

RELATIONS = f"""
SELECT tables.name, tables.engine, groupArray(columns.name)
FROM system.tables AS tables
INNER JOIN
(
    SELECT table, name FROM system.columns WHERE database = '{DATABASE}' ORDER BY table, position
) AS columns ON columns.table = tables.name
WHERE tables.database = '{DATABASE}' AND tables.engine != '{OF_DEFINER}'
GROUP BY tables.name, tables.engine
ORDER BY tables.name
"""  # noqa: S608 - of constants
"""What gives each `Relation`."""

BANKS_ROLES = f"""
SELECT name FROM system.roles WHERE startsWith(name, '{ROLES[0].value}') OR startsWith(name, '{ROLES[1].value}')
ORDER BY name
"""  # noqa: S608 - of constants
"""What gives the roles of banks that a server has."""


def server_statements(relations: Sequence[Relation], banks: Sequence[str], roles: Sequence[str] = ()) -> list[str]:
    """What makes a server's readers, in order, each of which may run again; `roles` are those of banks that it has.

    At no moment does a bank's role see another's rows, nor anybody else fewer than before. Raises `NoRule`.
    """
    _covered(relations)
    ours = [role_of(role, bank) for bank in banks for role in ROLES]
    tables = [relation for relation in relations if not relation.is_view and TABLES[relation.name].rows]
    return [
        *static_statements(),
        *_without(tables, [role for role in roles if role not in ours]),
        *(line for role in ours for line in _role(role)),
        *(_others(table, ours) for table in tables),
        *(_own(table, role, bank) for bank in banks for role in ROLES for table in tables),
        *(_granted(relations, role, bank) for bank in banks for role in ROLES),
    ]


def static_statements() -> list[str]:
    """The statements of the migrations for a server alone."""
    folder = files("schemas").joinpath("warehouse_server")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [statement for file in found for statement in statements(file.read_text(encoding="utf-8"))]


def role_of(role: Readers, bank: str) -> str:
    """The name of a bank's role."""
    return f"{role.value}{bank}"


def granted_columns(relation: Relation, role: Readers) -> tuple[str, ...]:
    """What a bank's role may read of a table or a view; none where it is not for it."""
    if relation.is_view:
        return relation.columns if VIEWS[relation.name] is role else ()
    rule = TABLES[relation.name]
    sealed = SEALED[relation.name][:1] if relation.name in SEALED else ()
    return (
        tuple(name for name in relation.columns if name not in {*sealed, *rule.hidden}) if rule.readers is role else ()
    )


def _covered(relations: Sequence[Relation]) -> None:
    lacking = [relation for relation in relations if relation.name not in (VIEWS if relation.is_view else TABLES)]
    if lacking:
        raise NoRule(
            f"{', '.join(relation.name for relation in lacking)}: no rule says who reads it; expected a row in "
            "stores/warehouse/rights.py, or nobody's tables in our database"
        )


def _without(tables: Sequence[Relation], leaving: Sequence[str]) -> Iterator[str]:
    """Of banks that are not served any more: first what lets them read."""
    for role in leaving:
        yield f"DROP ROLE IF EXISTS {identifier(role)}"
        for table in tables:
            yield f"DROP ROW POLICY IF EXISTS {identifier(role)} ON {_on(table)}"


def _role(role: str) -> Iterator[str]:
    yield f"CREATE ROLE IF NOT EXISTS {identifier(role)}"
    yield f"ALTER ROLE {identifier(role)} SETTINGS PROFILE loanstream_readers"


def _others(table: Relation, roles: Sequence[str]) -> str:
    """Whoever has no bank's role sees all rows. It comes before the banks' policies: once there is one, whom none
    names sees nothing, a materialized view's maker included.
    """
    but = f" EXCEPT {', '.join(map(identifier, roles))}" if roles else ""
    return f"CREATE ROW POLICY OR REPLACE loanstream_others ON {_on(table)} USING 1 AS PERMISSIVE TO ALL{but}"


def _own(table: Relation, role: Readers, bank: str) -> str:
    condition = (TABLES[table.name].condition(role) or "").format(bank=literal(bank))
    name = identifier(role_of(role, bank))
    return f"CREATE ROW POLICY OR REPLACE {name} ON {_on(table)} USING {condition} AS PERMISSIVE TO {name}"


def _granted(relations: Sequence[Relation], role: Readers, bank: str) -> str:
    """All that a role is granted in one statement, in place of what it was before."""
    granted = {_on(relation): granted_columns(relation, role) for relation in relations}
    parts = (f"SELECT({', '.join(map(identifier, columns))}) ON {on}" for on, columns in granted.items() if columns)
    return f"GRANT {', '.join(parts)} TO {identifier(role_of(role, bank))} WITH REPLACE OPTION"


def _on(relation: Relation) -> str:
    return f"{identifier(DATABASE)}.{identifier(relation.name)}"


def identifier(name: str) -> str:
    r"""A name as ClickHouse's SQL quotes it.

    >>> print(identifier("bank-a"), identifier("it`s"))
    `bank-a` `it\`s`
    """
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def literal(text: str) -> str:
    r"""A text as ClickHouse's SQL quotes it.

    >>> print(literal("it's"))
    'it\'s'
    """
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
