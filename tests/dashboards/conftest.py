"""A warehouse that is filled with thirty made-up days, and whether a browser is here to look at it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

import chromium
import made_up

collect_ignore = [] if chromium.found() else ["test_preview_in_a_browser.py"]


def pytest_terminal_summary(terminalreporter) -> None:
    """Say whether the dashboards were looked at in a browser."""
    path = chromium.found()
    said = f"pages were opened in {path}" if path else "no Chromium was found: no page was opened in a browser"
    terminalreporter.write_line(f"dashboards: {said}")


NOW = int(time.time())


@pytest.fixture(scope="session")
def filled(tmp_path_factory) -> Iterator[Callable[..., Any]]:
    """Starts warehouses with the rows of the banks it is given: `filled("adria")`, `filled()` for all of them."""
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
    from stores.warehouse.migrate import migrate

    started: dict[tuple[str, ...], EmbeddedWarehouse] = {}

    def start(*banks: str) -> EmbeddedWarehouse:
        if banks not in started:
            started[banks] = EmbeddedWarehouse(tmp_path_factory.mktemp("looked-at"))
            started[banks].start()
            with closing(started[banks].client()) as client:
                migrate(client)
                made_up.fill(client, NOW, 20_000, banks or made_up.BANKS)
        return started[banks]

    yield start
    for warehouse in started.values():
        warehouse.kill()


class Columns(list):
    """Names and ClickHouse types of an answer's columns, by position."""


class Answer:
    """What clickhouse-connect gives for a query."""

    def __init__(self, rows: list[tuple[Any, ...]], **columns: str) -> None:
        self.column_names = tuple(columns)
        self.column_types = tuple(type("Type", (), {"name": name}) for name in columns.values())
        self.result_rows = rows


class Warehouse:
    """A warehouse's client without one: `answer` maps a question to an answer, or raises."""

    def __init__(self, answer: Callable[[str], Answer]) -> None:
        self.answer, self.asked, self.closed, self.alive = answer, [], 0, True

    def query(self, sql: str) -> Answer:
        self.asked.append(sql)
        return self.answer(sql)

    def ping(self) -> bool:
        return self.alive

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def fake() -> type:
    """Makes clients that answer what a test says."""
    return Warehouse


@pytest.fixture
def answer() -> type:
    """Makes their answers."""
    return Answer
