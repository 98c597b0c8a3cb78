"""Applies the warehouse's numbered migrations, each once."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from schemas.problem import Problem

_TABLE = """
CREATE TABLE IF NOT EXISTS loanstream.migrations
(
    name String,
    checksum FixedString(64),
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3)
)
ENGINE = MergeTree
ORDER BY name
"""


class MigrationChanged(Problem):
    """A migration that the warehouse has applied reads differently now; a change belongs in a new migration."""


def migrate(client: Any) -> list[str]:
    """Bring the warehouse behind `client` (a clickhouse-connect client that may write) up to date.

    Returns the names of what was applied now; called again, it applies nothing. One caller at a time. Raises
    `MigrationChanged`.
    """
    client.command("CREATE DATABASE IF NOT EXISTS loanstream")
    client.command(_TABLE)
    applied = pending(client)
    for name in applied:
        text = migrations()[name]
        for statement in statements(text):
            client.command(statement)
        client.command(
            "INSERT INTO loanstream.migrations (name, checksum) SELECT {name:String}, {checksum:String}",
            parameters={"name": name, "checksum": _checksum(text)},
        )
    return applied


def pending(client: Any) -> list[str]:
    """The names of the migrations that `migrate` would apply now. Raises `MigrationChanged`."""
    known = _known(client)
    for name, text in migrations().items():
        if known.get(name, _checksum(text)) != _checksum(text):
            raise MigrationChanged(f"{name} was applied with other contents; add a new migration instead")
    return [name for name in migrations() if name not in known]


def _known(client: Any) -> dict[str, str]:
    exists = client.query("SELECT count() FROM system.tables WHERE database = 'loanstream' AND name = 'migrations'")
    if not exists.first_row[0]:
        return {}
    return dict(client.query("SELECT name, toString(checksum) FROM loanstream.migrations").result_rows)


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def migrations() -> Mapping[str, str]:
    """Every migration's file name and text, in the order of their numbers."""
    folder = files("schemas").joinpath("warehouse")
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return {file.name: file.read_text(encoding="utf-8") for file in found}


def statements(text: str) -> list[str]:
    r"""The statements of a migration: each ends with a semicolon at the end of a line; comments are left out.

    >>> statements("-- two; of them\nSELECT 1;\nSELECT ';';\n")
    ['SELECT 1', "SELECT ';'"]
    """
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("--"))
    return [part.strip() for part in ("\n".join(lines) + "\n").split(";\n") if part.strip()]
