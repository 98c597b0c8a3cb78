"""The table of alarms is whole: each row has its query, its columns, its page, and a window that fits its statistic."""

import re
from pathlib import Path

import pytest
import yaml

from dashboards.alarms.queries import FOLDER, now_sql, rule_sql, sql
from dashboards.alarms.table import ALERTS
from dashboards.alarms.thresholds import SHIPPED, checked
from loanstream.stack.clickhouse.errors import EngineError

ROOT = Path(__file__).resolve().parents[3]
MACROS = {"$__toTime"}

EVERY = pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))


def test_every_query_has_a_row_and_every_row_a_query():
    """None is forgotten on either side."""
    assert {path.stem for path in FOLDER.glob("*.sql")} == set(ALERTS)


def test_the_alarms_are_those_that_a_risk_team_asked_for():
    """The list of the issue: nothing of it is left out."""
    assert set(ALERTS) == {
        "latency", "consumer_lag", "dead_letter_rate", "approval_rate", "drift", "calibration", "fairness",
        "no_traffic", "reader_down", "reconcile_difference", "expiry",
    }  # fmt: skip


@EVERY
def test_a_rule_asks_with_what_an_alert_rule_knows(alert):
    """No variable and no macro of the browser: a rule runs where there is neither. No table function: readers may not."""
    text = rule_sql(alert)
    assert set(re.findall(r"\$\w+", text)) <= MACROS
    assert "{{" not in text
    assert "--" not in text
    assert not re.search(r"\b(numbers|values|url|file|remote|generateRandom)\(", text)


@EVERY
def test_a_statistic_and_its_kind_belong_together(alert):
    """What is sequential has a test with a level; each alarm of a share or a percentile has a least sample."""
    assert (alert.kind == "sequential") == (alert.test is not None)
    names = {limit.name for limit in alert.limits}
    assert ("minimum" in names) == (alert.id not in {"reconcile_difference", "expiry"})
    assert len(names) == len(alert.limits)
    for limit in alert.limits:
        assert limit.least <= limit.default <= limit.most


@EVERY
def test_a_test_in_the_table_has_the_limits_that_banks_start_with(alert):
    """What is simulated is what is in force where a bank has set nothing."""
    defaults = {limit.name: limit.default for limit in alert.limits}
    for name in ("tolerance", "tolerated"):
        if alert.test and name in defaults:
            assert getattr(alert.test, name) == defaults[name]
    if alert.id == "fairness":
        assert alert.test.tolerated == defaults["ratio"]


@pytest.fixture
def kinds(engine):
    """(view or log, column) -> its type, as the migrations make them."""
    there = "SELECT table, name, type FROM system.columns WHERE database = 'loanstream'"
    rows = (line.split("\t") for line in engine.run(there, "TSVRaw").body.decode().splitlines())
    return {(view, name): kind for view, name, kind in rows}


@pytest.fixture
def narrow(engine, kinds):
    """Makes the views of an alarm anew, with the columns named and no other."""

    def make(reads):
        engine.run("DROP DATABASE IF EXISTS narrow")
        engine.run("CREATE DATABASE narrow")
        for view, columns in reads.items():
            fields = ", ".join(f"{name} {kinds.get((view, name), 'String')}" for name in columns)
            engine.run(f"CREATE TABLE narrow.{view} ({fields}) ENGINE = Memory")

    return make


def asked_narrowly(engine, alert):
    text = rule_sql(alert).replace("loanstream.", "narrow.").replace("$__toTime", "toDateTime(1772000000)")
    return engine.run(text, "JSON")


@EVERY
def test_a_query_needs_the_columns_it_is_said_to_need_and_no_other(engine, narrow, alert):
    """Whoever changes a view reads in the table which alarms it feeds: without one of the columns the query fails."""
    narrow(alert.reads)
    asked_narrowly(engine, alert)
    for view, columns in alert.reads.items():
        for gone in columns:
            left = tuple(name for name in columns if name != gone) or ("nothing",)
            narrow({**alert.reads, view: left})
            with pytest.raises(EngineError):
                asked_narrowly(engine, alert)


@EVERY
def test_the_columns_are_those_of_the_warehouse(alert, kinds):
    """What an alarm is said to read, the migrations make."""
    asked = {(view, name) for view, columns in alert.reads.items() for name in columns}
    assert asked <= set(kinds)
    read = set(re.findall(r"\bloanstream\.(\w+)", sql(alert)))
    assert read == set(alert.reads)


@EVERY
def test_a_rule_runs_on_a_new_warehouse_and_rings_for_nobody(engine, alert):
    """On the first morning there is no row, and no error."""
    text = rule_sql(alert).replace("$__toTime", "now()")
    assert engine.run(text, "TSV").body == b""
    assert engine.run(now_sql(alert), "TSV").body == b""


@EVERY
def test_an_alarm_has_a_page_that_says_what_to_do(alert):
    """Whoever is woken finds what it means, where to look first, what to do, and when it is a false alarm."""
    text = (ROOT / alert.runbook).read_text("utf-8")
    assert text.startswith(f"# {alert.title}\n")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings == ["What it means", "Look first", "Do", "When it is a false alarm"]


def test_the_page_about_alarms_lists_each_with_its_numbers():
    """The index and the table say the same: title, limits with their defaults, page."""
    text = (ROOT / "docs" / "alarms.md").read_text("utf-8")
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| [`")}
    assert list(rows) == [f"[`{alert.id}`](runbooks/{alert.id}.md)" for alert in ALERTS.values()]
    for alert, line in zip(ALERTS.values(), rows.values(), strict=True):
        for limit in alert.limits:
            assert f"`{limit.name}` {limit.default:g}" in line


def test_the_file_of_thresholds_says_what_it_looks_like():
    """An operator finds an example in it, one that is right."""
    example = re.sub(r"^# ?", "", SHIPPED.read_text("utf-8").partition("For example:\n")[2], flags=re.MULTILINE)
    written = yaml.safe_load(example.replace("{}", ""))
    assert checked(written)


@EVERY
def test_a_query_is_one_statement_that_reads(engine, alert):
    """The reader's account may run it."""
    assert engine.statements(sql(alert).replace("$__toTime", "toDateTime(1772000000)")) == (True, 1)
