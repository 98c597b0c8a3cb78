"""What tables say above their columns, and figures that count what they say they count."""

import math
import re
import time
from contextlib import closing

import pytest
from starlette.testclient import TestClient

from dashboards.all import DASHBOARDS
from dashboards.columns import COLUMNS
from dashboards.grafana.classic import as_json
from schemas.application import Monitoring
from schemas.stages import STAGES

TABLES = {
    panel.id: (board.uid, panel) for board in DASHBOARDS.values() for panel in board.panels() if panel.kind == "table"
}


@pytest.fixture(scope="module")
def asked(filled):
    """What the preview answers for a panel over thirty days."""
    from dashboards.preview.app import create_app

    now = round(time.time() * 1000)
    with TestClient(create_app(lambda: filled.client("reader"), None), base_url="http://localhost") as browser:

        def ask(uid, panel, since=now - 30 * 86_400_000, to=now):
            return browser.get(f"/api/{uid}/panels/{panel}?from={since}&to={to}").json()

        yield ask


def rows(answer):
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, row, strict=True)) for row in answer["rows"]]


@pytest.mark.parametrize("name", TABLES)
def test_every_column_of_a_table_has_a_heading_in_words(asked, name):
    """Nobody reads a column's name of the warehouse: each has its words, in the table of columns."""
    uid, _ = TABLES[name]
    found = asked(uid, name)
    assert "error" not in found
    assert [column["name"] for column in found["columns"] if column["name"] not in COLUMNS] == []


@pytest.mark.parametrize("name", COLUMNS)
def test_a_heading_is_words(name):
    """No underscore, no capital at its begin but of a name; no more than five words."""
    words = COLUMNS[name].heading
    assert "_" not in words
    assert 1 <= len(words.split()) <= 5
    assert re.match(r"[a-z0-9]|CIBIL|KS|Gini", words)


def test_grafana_has_the_same_headings():
    """Who looks in Grafana reads the same words, with as many decimals."""
    made = as_json(DASHBOARDS["loanstream-fairness"], DASHBOARDS)
    panel = next(each for each in made["panels"] if each["title"] == "By age")
    told = {
        each["matcher"]["options"]: {one["id"]: one["value"] for one in each["properties"]}
        for each in panel["fieldConfig"]["overrides"]
        if each["matcher"]["id"] == "byName" and any(one["id"] == "displayName" for one in each["properties"])
    }
    assert told["age_band"] == {"displayName": "age, years"}
    assert told["impact_ratio"] == {"displayName": "impact ratio", "decimals": 2}
    assert told["approved"] == {"displayName": "approved", "decimals": 0}


def test_each_protected_attribute_is_counted(asked):
    """An application that leaves out its gender still counts among those whose age is known; none is left out."""
    found = {row["attribute"]: row["known"] for row in rows(asked("loanstream-fairness", "fairness-monitored"))}
    assert set(found) == set(Monitoring.model_fields)
    assert found["gender"] == pytest.approx(0.8, abs=0.03)
    # Groups are counted by the hour: one that the time begins in is left out.
    assert [found[name] for name in found if name != "gender"] == pytest.approx([1, 1, 1], abs=0.005)


def test_a_ratio_tells_what_its_sample_bears(asked):
    """The bounds are Katz's, the group they are held against has none."""
    groups = rows(asked("loanstream-fairness", "fairness-ethnicity"))
    best = max(groups, key=lambda row: (row["approved"], row["decisions"]))
    assert (best["impact_ratio"], best["at_least"], best["at_most"]) == (1.0, None, None)
    for row in groups:
        if row is not best:
            ratio = row["approved"] / best["approved"]
            spread = math.sqrt(
                (1 - row["approved"]) / (row["approved"] * row["decisions"])
                + (1 - best["approved"]) / (best["approved"] * best["decisions"])
            )
            assert row["at_least"] == pytest.approx(ratio * math.exp(-1.96 * spread))
            assert row["at_most"] == pytest.approx(ratio * math.exp(1.96 * spread))


def test_a_stage_without_a_worker_says_so(asked, filled):
    """A stage whose workers are all gone is counted beside the waiting records, and the table of workers names it."""
    gone, *others = STAGES
    with closing(filled.client()) as client:
        last = client.query(
            "SELECT toUnixTimestamp(max(kafka_timestamp)) FROM loanstream.service_metrics_log WHERE name = 'aborts_total'"
        ).first_row[0]
        at = last - 300  # made-up workers tell something every ten minutes
        for stage in others:
            client.command(
                "INSERT INTO loanstream.service_metrics_log (at, stage, worker, name, value, kafka_topic, kafka_offset, "
                f"kafka_timestamp) SELECT toDateTime64({at}, 3, 'UTC') AS t, '{stage}', '{stage}-9', 'waiting_offsets', "
                "7, 'loan.metrics.v1', 20000000, t"
            )
    begin, end = (at - 3600) * 1000, (at + 10) * 1000
    assert asked("loanstream-flow", "flow-away", begin, end)["rows"] == [[1]]
    told = rows(asked("loanstream-flow", "flow-workers", begin, end))
    assert {row["stage"] for row in told if row["state"] == "reports"} == set(others)
    assert {row["state"] for row in told if row["stage"] == gone} == {"silent"}
    long_before = [(at - 90 * 86_400 + more) * 1000 for more in (0, 3600)]
    assert asked("loanstream-flow", "flow-away", *long_before)["rows"] == [[len(STAGES)]]
    told = rows(asked("loanstream-flow", "flow-workers", *long_before))
    assert [row["stage"] for row in told] == sorted(STAGES)
    assert {row["state"] for row in told} == {"no worker reports"}


def test_queries_know_every_stage():
    """A stage that is added is missed by no panel."""
    for name, query in (("flow-away", "stages_without_worker"), ("flow-workers", "workers_now")):
        panel = next(each for each in DASHBOARDS["loanstream-flow"].panels() if each.id == name)
        assert panel.query == query
        listed = re.search(r"\[?\(?'verify'[^\])]*", panel.sql)
        assert re.findall(r"'([a-z-]+)'", listed.group()) == list(STAGES)
        assert query == "workers_now" or f"SELECT {len(STAGES)} - count()" in panel.sql


def test_what_ends_soon_stands_first(asked):
    """The gateway's certificate, which clients see, beside those of the workers."""
    found = rows(asked("loanstream-flow", "flow-ends"))
    assert (found[0]["stage"], found[0]["what"]) == ("gateway", "server certificate")
    # Five days after the rows were made: a slow machine asks for them an hour later.
    assert 5 * 86_400 - 3600 <= found[0]["left_s"] <= 5 * 86_400
    assert found[0]["ends"] == pytest.approx((time.time() + found[0]["left_s"]) * 1000, abs=60_000)
