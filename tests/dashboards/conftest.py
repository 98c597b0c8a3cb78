"""A warehouse that is filled with thirty made-up days, and whether a browser is here to look at it."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from dashboards.all import DASHBOARDS

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

import chromium
import made_up

from tests.grafana_backend import ways

collect_ignore = [] if chromium.found() else ["test_preview_in_a_browser.py"]


def pytest_terminal_summary(terminalreporter) -> None:
    """Say whether the dashboards were looked at in a browser, and through how much of Grafana their queries went."""
    path = chromium.found()
    said = f"pages were opened in {path}" if path else "no Chromium was found: no page was opened in a browser"
    terminalreporter.write_line(f"dashboards: {said}")
    terminalreporter.write_line(f"grafana: panels' and rules' queries go through {ways.said()}")


NOW, CANDIDATES = int(time.time()), 8_000
LATER_S = made_up.until_wednesday(NOW)
"""On a Sunday's night there would be nothing to look at."""


@pytest.fixture(scope="session")
def one_bank(tmp_path_factory) -> Iterator[Any]:
    """A warehouse with the rows of adria alone, for whoever asks before `filled`."""
    from loanstream.stack.clickhouse.embedded import EmbeddedWarehouse
    from stores.warehouse.migrate import migrate

    with EmbeddedWarehouse(tmp_path_factory.mktemp("looked-at")) as warehouse, closing(warehouse.client()) as client:
        migrate(client)
        made_up.fill_shared(client, NOW)
        made_up.fill(client, NOW, CANDIDATES, made_up.BANKS[:1], later_s=LATER_S)
        yield warehouse


@pytest.fixture(scope="session")
def seen_alone(one_bank) -> dict[str, Any]:
    """Address -> what adria's own preview answers while its rows are the only ones."""
    from dashboards.preview.app import create_app

    bank = made_up.BANKS[0]
    with TestClient(create_app(lambda: one_bank.client("reader"), bank), base_url="http://localhost") as browser:
        return {address: browser.get(address).json() for address in addresses()}


def addresses() -> Iterator[str]:
    """Every question of every page."""
    for uid, board in DASHBOARDS.items():
        for path in ("variables", "marks", *(f"panels/{panel.id}" for panel in board.panels())):
            yield f"/api/{uid}/{path}?from={(NOW - 30 * 86_400) * 1000}&to={NOW * 1000}"


@pytest.fixture(scope="session")
def filled(one_bank, seen_alone) -> Any:
    """The warehouse with the rows of every bank."""
    with closing(one_bank.client()) as client:
        made_up.fill(client, NOW, CANDIDATES, made_up.BANKS[1:], later_s=LATER_S)
    return one_bank


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
