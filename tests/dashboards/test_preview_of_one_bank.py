"""A preview that is pinned to one bank, over the real engine: others' rows make no difference to anything it shows."""

import json
import math
from contextlib import ExitStack, closing

import made_up
import pytest
from starlette.testclient import TestClient

from dashboards.all import DASHBOARDS
from dashboards.preview.app import create_app

BANK, OTHERS = "adria", ("borealis", "cassia")
SINCE = "from=now-30d&to=now"
PRYING = [
    "",
    "&var-tenant=borealis",
    "&var-tenant=$__all",
    "&var-tenant=adria&var-tenant=borealis&var-tenant=cassia",
    "&var-tenant=%5C%27%29%20OR%20%281%3D1",
]
BY_THE_CLOCK = {"today-last": 60, "flow-workers": 60}
"""Panels whose figures are seconds until now: they differ by as much as a test takes."""


def pages(warehouse, tenant, stack):
    app = create_app(lambda: warehouse.client("reader"), tenant)
    return stack.enter_context(TestClient(app, base_url="http://localhost"))


@pytest.fixture(scope="module")
def beside(filled):
    """The bank's preview where its rows are the only ones, and where they lie beside the others'."""
    with ExitStack() as stack:
        yield pages(filled(BANK), BANK, stack), pages(filled(), BANK, stack)


@pytest.fixture(scope="module")
def theirs(filled):
    """An application of another bank."""
    with closing(filled().client()) as client:
        return made_up.ids(client, OTHERS[0])[0]


def alike(one, other, apart=1e-9):
    """Whether two JSON values are the same, up to the order in which an engine adds."""
    if isinstance(one, float | int) and isinstance(other, float | int):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=apart)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(alike(a, b, apart) for a, b in zip(one, other, strict=True))
    return one == other


@pytest.mark.parametrize("prying", PRYING)
@pytest.mark.parametrize("uid", DASHBOARDS)
def test_others_rows_change_nothing_that_a_bank_sees(beside, theirs, uid, prying):
    """Every panel, mark and list is the same as in a warehouse that holds this bank alone, whatever the address asks for."""
    alone, among = beside
    asked = f"{SINCE}{prying}&var-application={theirs}"
    for panel in DASHBOARDS[uid].panels():
        found = [browser.get(f"/api/{uid}/panels/{panel.id}?{asked}").json() for browser in (alone, among)]
        assert "error" not in found[1], (panel.id, found[1])
        assert alike(found[0]["rows"], found[1]["rows"], BY_THE_CLOCK.get(panel.id, 1e-9)), panel.id
        assert found[0]["why"] == found[1]["why"]
        assert not any(name in json.dumps(found[1]["rows"]) for name in OTHERS)
    for kind in ("variables", "marks"):
        found = [browser.get(f"/api/{uid}/{kind}?{asked}").json() for browser in (alone, among)]
        if kind == "variables":
            assert found[0] == found[1]
        assert not any(name in json.dumps(found[1]) for name in OTHERS)


def test_another_banks_application_is_not_told(beside, theirs):
    """Its id is known, and nothing about it is shown."""
    _, among = beside
    for panel in DASHBOARDS["loanstream-application"].panels():
        got = among.get(f"/api/loanstream-application/panels/{panel.id}?var-application={theirs}&{SINCE}").json()
        assert got["rows"] == []
        assert got["why"] == f"Nothing here about “{theirs}”."


def test_the_operator_sees_every_bank(filled, theirs):
    """The same rows are there for who may see them: the comparison above compares something."""
    with ExitStack() as stack:
        browser = pages(filled(), None, stack)
        got = browser.get(f"/api/loanstream-today/panels/today-by-bank?{SINCE}").json()
        assert [row[0] for row in got["rows"]] == list(made_up.BANKS)
        story = browser.get(
            f"/api/loanstream-application/panels/application-story?var-application={theirs}&{SINCE}"
        ).json()
        assert len(story["rows"]) >= 3


@pytest.mark.parametrize("uid", DASHBOARDS)
def test_every_panel_answers_on_the_real_engine(filled, uid):
    """As the reader, who may set nothing: figures, or why there are none."""
    with ExitStack() as stack:
        browser = pages(filled(), None, stack)
        for panel in DASHBOARDS[uid].panels():
            got = browser.get(f"/api/{uid}/panels/{panel.id}?{SINCE}").json()
            assert "error" not in got, (panel.id, got)
            assert got["rows"] or got["why"]
            if panel.kind == "timeseries" and got["rows"]:
                assert got["columns"][0] == {"name": "time", "type": "time"}
