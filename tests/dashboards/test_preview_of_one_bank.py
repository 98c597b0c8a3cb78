"""A preview that is pinned to one bank, over the real engine: others' rows make no difference to anything it shows."""

import asyncio
import json
import math
from collections.abc import Iterator
from contextlib import closing

import made_up
import pytest
from starlette.testclient import TestClient

from dashboards.all import DASHBOARDS
from dashboards.preview.app import create_app
from dashboards.preview.asking import Asking, Unanswered
from stores.warehouse.client import connect

BANK, *OTHERS = made_up.BANKS
PRYING = [
    "",
    "&var-tenant=borealis",
    "&var-tenant=$__all",
    "&var-tenant=adria&var-tenant=borealis&var-tenant=cassia",
    "&var-tenant=%5C%27%29%20OR%20%281%3D1",
]
BY_THE_CLOCK = ("today-last", "flow-workers")
"""Panels with seconds until now: they differ by as much as a run of the tests takes."""


def pages(warehouse, tenant: str | None) -> Iterator[TestClient]:
    with TestClient(create_app(lambda: warehouse.client("reader"), tenant), base_url="http://localhost") as browser:
        yield browser


@pytest.fixture(scope="module")
def pinned(filled) -> Iterator[TestClient]:
    """The bank's preview where others' rows lie beside its own."""
    yield from pages(filled, BANK)


@pytest.fixture(scope="module")
def operators(filled) -> Iterator[TestClient]:
    """Everybody's."""
    yield from pages(filled, None)


@pytest.fixture(scope="module")
def theirs(filled) -> str:
    """An application of another bank."""
    with closing(filled.client()) as client:
        return made_up.ids(client, OTHERS[0])[0]


def alike(one, other, apart):
    """Whether two JSON values are the same, up to the order in which an engine adds."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=apart)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, apart) for a, b in zip(one, other, strict=True))
    return one == other


@pytest.mark.parametrize("prying", PRYING)
def test_others_rows_change_nothing_that_a_bank_sees(seen_alone, pinned, prying):
    """Every panel, mark and list is as in a warehouse that holds this bank alone, whatever the address asks for."""
    for address, alone in seen_alone.items():
        among = pinned.get(address + prying).json()
        assert "error" not in among, address
        apart = 900 if any(name in address for name in BY_THE_CLOCK) else 1e-9
        assert among.keys() == alone.keys()
        for name in alone.keys() - {"values"}:
            assert alike(alone[name], among[name], apart), (address, name)
        assert not any(name in json.dumps(among) for name in OTHERS), address


def test_another_banks_application_is_not_told(pinned, operators, theirs):
    """Its id is known, and a bank's preview shows nothing about it; the operator's does."""
    for panel in DASHBOARDS["loanstream-application"].panels():
        asked = f"/api/loanstream-application/panels/{panel.id}?var-application={theirs}&var-tenant={OTHERS[0]}"
        got = pinned.get(asked).json()
        assert (got["rows"], got["why"]) == ([], f"Nothing here about “{theirs}”.")
        assert operators.get(asked).json()["rows"]


def test_the_operator_sees_every_bank(operators, seen_alone):
    """The comparison above compares something: with the others' rows the operator sees more."""
    asked = next(address for address in seen_alone if "today-by-bank" in address)
    assert [row[0] for row in operators.get(asked).json()["rows"]] == list(made_up.BANKS)
    assert [row[0] for row in seen_alone[asked]["rows"]] == [BANK]


def test_every_panel_answers_on_the_real_engine(operators, seen_alone):
    """As the reader, who may set nothing: figures, or why there are none."""
    kinds = {panel.id: panel.kind for board in DASHBOARDS.values() for panel in board.panels()}
    for address in seen_alone:
        got = operators.get(address).json()
        assert "error" not in got, (address, got)
        if "/panels/" in address:
            assert got["rows"] or got["why"]
            if kinds[address.partition("/panels/")[2].partition("?")[0]] == "timeseries" and got["rows"]:
                assert got["columns"][0] == {"name": "time", "type": "time"}


def test_a_question_that_takes_too_long_is_left(filled):
    """A panel waits so long and no longer; the next question is answered by the same warehouse."""

    async def ask():
        connected = lambda: connect(filled.url, "reader", filled.passwords["reader"], answer_s=1)  # noqa: E731
        asking = Asking(connected, 1)
        with pytest.raises(Unanswered, match="took longer"):
            await asking.ask("SELECT sleepEachRow(1) FROM numbers(20)")
        assert (await asking.ask("SELECT 1")).rows == [(1,)]
        asking.close()

    asyncio.run(ask())
