"""The engine inside this process, with what the migrations make: the views that alarms ask, and the logs they read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loanstream.stack.clickhouse.link import Link
from stores.warehouse.migrate import migrations, statements

sys.path.append(str(Path(__file__).parent))  # test folders are no packages


@pytest.fixture(scope="session")
def engine() -> Iterator[Link]:
    """The engine, with every migration and no record."""
    link = Link(":memory:")
    link.run("DROP DATABASE IF EXISTS loanstream")
    for text in migrations().values():
        for statement in statements(text):
            link.run(statement)
    yield link
    link.run("DROP DATABASE loanstream")
    link.close()


@pytest.fixture
def warehouse(engine: Link) -> Iterator[Link]:
    """The engine; what a test writes is gone after it."""
    yield engine
    tables = "SELECT name FROM system.tables WHERE database = 'loanstream' AND engine LIKE '%MergeTree'"
    for name in engine.run(tables, "TSV").body.decode().split():
        engine.run(f"TRUNCATE TABLE loanstream.{name}")
