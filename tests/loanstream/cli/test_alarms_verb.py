"""`loanstream alarms` with a double for the warehouse: what is told, and how it ends."""

import json

import pytest

from dashboards.alarms.queries import now_sql
from dashboards.alarms.table import ALERTS
from loanstream.alarms import bells
from loanstream.cli import alarms as verb
from loanstream.cli.main import main

NOTHING_IS_WRONG = {
    "consumer_lag": [("score", 0.2, True)],
    "reconcile_difference": [("reconcile", 0.0, True)],
}


class Warehouse:
    """Answers alarms' queries with given rows, and none to the others."""

    def __init__(self, rows, thresholds):
        self._answers = {now_sql(alert, thresholds): rows.get(alert.id, []) for alert in ALERTS.values()}
        self.result_rows = []

    def query(self, sql):
        self.result_rows = self._answers[sql]
        return self

    def close(self):
        """Nothing is open."""


class Installation:
    def __init__(self, warehouse):
        self.warehouse = lambda: warehouse

    def narrowed(self, tenant):
        return tenant


@pytest.fixture
def told(monkeypatch, capfd):
    """Runs the verb over a warehouse that answers these rows: (exit code, bells by alarm and whose)."""

    def run(rows, *options, thresholds=None):
        found = Installation(Warehouse(NOTHING_IS_WRONG | rows, thresholds or {}))
        monkeypatch.setattr(verb, "installation_of", lambda _: found)
        code = main(["alarms", "--json", *options])
        said = capfd.readouterr()
        return code, {(bell["alarm"], bell["of"]): bell for bell in json.loads(said.out)}

    return run


def test_a_quiet_installation_ends_with_0(told):
    """Every alarm is named, those without a row as well."""
    code, found = told({"latency": [("bank-a", 0.4, True), ("bank-b", 0.0, False)]})
    assert code == 0
    assert {alarm for alarm, _ in found} == set(ALERTS)
    assert found["latency", "bank-a"]["state"] == "quiet"
    assert found["latency", "bank-b"]["state"] == "too few"
    assert found["drift", ""]["state"] == "no row"


def test_one_that_fires_ends_with_1_and_leads_to_its_page(told):
    """A cron job or a person without Grafana sees the same as whoever is called."""
    code, found = told({"expiry": [("score", "certificate", 1.0, True)]})
    assert code == 1
    bell = found["expiry", "score, certificate"]
    assert (bell["state"], bell["value"], bell["severity"]) == ("fires", 1.0, "ticket")
    assert bell["runbook"] == "docs/runbooks/expiry.md"


@pytest.mark.parametrize("alarm", ["consumer_lag", "reconcile_difference"])
def test_what_nobody_measured_fires_where_it_must_be_measured(told, alarm):
    """As in Grafana: workers that say nothing are no quiet workers."""
    code, found = told({alarm: []})
    assert (code, found[alarm, ""]["state"]) == (1, "fires")


def test_one_bank_sees_its_own_alarms_alone(told):
    """Neither another bank's rows nor those of the whole installation."""
    rows = {"latency": [("bank-a", 0.4, True), ("bank-b", 9.0, True)], "consumer_lag": []}
    code, found = told(rows, "--tenant", "bank-a")
    assert code == 0
    assert {of for _, of in found} == {"", "bank-a"}
    assert not {alarm for alarm, _ in found} & {"consumer_lag", "expiry", "reconcile_difference"}


def test_the_operators_thresholds_are_asked_with(told, monkeypatch, tmp_path):
    """The same file as for the rules; a wrong one is told before anything is asked."""
    own = tmp_path / "thresholds.yaml"
    own.write_text("latency: {bank-a: {p95_ms: 900}}")
    monkeypatch.setenv("LOANSTREAM_ALARM_THRESHOLDS", str(own))
    asked = {"latency": {"bank-a": {"p95_ms": 900.0}}}
    code, found = told({"latency": [("bank-a", 0.9, True)]}, thresholds=asked)
    assert (code, found["latency", "bank-a"]["value"]) == (0, 0.9)
    own.write_text("latency: {bank-a: {p95_ms: 0}}")
    assert main(["alarms"]) == 1


def test_a_person_reads_a_table(monkeypatch, capfd):
    """A line an alarm, and at the end how many fire."""
    rows = NOTHING_IS_WRONG | {"no_traffic": [("bank-a", 2.345, True)]}
    monkeypatch.setattr(verb, "installation_of", lambda _: Installation(Warehouse(rows, {})))
    monkeypatch.setenv("COLUMNS", "160")
    assert main(["alarms"]) == 1
    out = capfd.readouterr().out
    line = next(line for line in out.splitlines() if "no_traffic" in line)
    for word in ("bank-a", "2.35", "fires", "page", "docs/runbooks/no_traffic.md"):
        assert word in line
    assert "1 fires" in out.splitlines()[-1]


def test_what_is_told_is_what_the_table_knows():
    """A bell of each alarm, whatever is in the warehouse."""
    assert {bell.alarm for bell in bells(Warehouse({}, {}), {})} == set(ALERTS)
