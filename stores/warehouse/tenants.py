"""A bank's rows in the warehouse: how many there are, and their end."""

from typing import Any

_TABLES = """
SELECT table FROM system.columns
WHERE database = 'loanstream' AND name = 'tenant' AND endsWith(table, '_log')
ORDER BY table
"""
_COUNT = "SELECT count() FROM {table:Identifier} WHERE tenant = {tenant:String}"
_DELETE = "ALTER TABLE {table:Identifier} DELETE WHERE tenant = {tenant:String} SETTINGS mutations_sync = 2"


def rows_of(client: Any, tenant: str) -> dict[str, int]:
    """Table -> how many rows of this bank it holds; tables without one are left out."""
    tables = [row[0] for row in client.query(_TABLES).result_rows]
    counts = {name: client.query(_COUNT, parameters=_of(name, tenant)).first_row[0] for name in tables}
    return {name: int(count) for name, count in counts.items() if count}


def delete_rows(client: Any, tenant: str) -> None:
    """Delete this bank's rows; they are gone when this returns. The account must be let ALTER DELETE."""
    for name in rows_of(client, tenant):
        client.command(_DELETE, parameters=_of(name, tenant))


def _of(table: str, tenant: str) -> dict[str, str]:
    return {"table": table, "tenant": tenant}
