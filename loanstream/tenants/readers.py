"""Readers of a ClickHouse server of yours: a role for the operator's people, two for each bank's, and whose rows.

The warehouse's writer is who makes them, or another account that the settings name for that one call.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from clickhouse_connect.driver.exceptions import DatabaseError

from loanstream.installation import Installation
from loanstream.stack.running import RunningStack
from schemas.problem import Problem
from stores.warehouse.rights import BANKS_ROLES, RELATIONS, Relation, server_statements

EMBEDDED = (
    "the embedded warehouse has one operator: its reader sees every bank, and it has neither roles nor row policies; "
    "rights for each bank need a ClickHouse server (docs/readers-of-a-server.md)"
)
_REFUSED = "Code: 497."
"""How ClickHouse begins a refusal for want of a right. Its own words may name more than belongs into a line."""


def planned(installation: Installation) -> list[str]:
    """The statements that make the readers of every bank that is served. Problem where that cannot be told."""
    if isinstance(installation, RunningStack):
        raise Problem(EMBEDDED)
    with closing(installation.warehouse_writer()) as client:
        return statements_at(client, installation.tenants)


def make(installation: Installation, lines: Sequence[str]) -> None:
    """Run what was planned. Problem at the first statement that is refused."""
    with closing(installation.warehouse_writer()) as client:
        run(client, lines)


def statements_at(client: Any, banks: Sequence[str]) -> list[str]:
    """The statements for the warehouse behind `client`. Problem where it may not see roles, or has none."""
    relations = [
        Relation(name, engine, tuple(columns)) for name, engine, columns in client.query(RELATIONS).result_rows
    ]
    if not relations:
        raise Problem("the warehouse is not installed, or not readable: run loanstream install first")
    try:
        roles = [row[0] for row in client.query(BANKS_ROLES).result_rows]
    except DatabaseError as error:
        raise _told(error, "see its roles") from None
    return server_statements(relations, banks, roles)


def run(client: Any, lines: Sequence[str]) -> None:
    """Run statements, each of which may run again. Problem at the first that is refused."""
    for line in lines:
        try:
            client.command(line)
        except DatabaseError as error:
            raise _told(error, f"run {' '.join(line.split()[:3])}") from None


def _told(error: DatabaseError, what: str) -> Exception:
    if _REFUSED not in str(error):
        return error
    return Problem(
        f"the warehouse does not let this account {what}; expected the rights of docs/readers-of-a-server.md, at a "
        "ClickHouse server: the embedded engine has no roles"
    )
