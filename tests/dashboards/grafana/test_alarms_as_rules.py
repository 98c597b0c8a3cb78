"""Rows of the table of alarms as Grafana's rules."""

import json
from dataclasses import replace

import pytest
import yaml

from dashboards.alarms.queries import rule_sql
from dashboards.alarms.table import ALERTS
from dashboards.alarms.thresholds import load
from dashboards.grafana.alarms import groups, of_table
from dashboards.grafana.names import GENERATED
from dashboards.grafana.panel import panel_id
from dashboards.grafana.provisioning import as_text
from loanstream.generate.files import ALERT_RULES, ROOT

LAG = replace(
    ALERTS["consumer_lag"], title="A stage is behind", question="Does a stage keep up?", to_do="Add a worker.", for_s=300,
    labels=("stage", "tenant"),
)  # fmt: skip
DRIFT = replace(ALERTS["drift"], title="Applicants have changed")


def test_alarms_of_a_kind_are_asked_together():
    """Figures of some minutes are asked each minute, tests since the last activation every five; no group is empty."""
    bounds, changes = groups([DRIFT, LAG], {})
    assert [(group.every_s, [rule.title for rule in group.rules]) for group in (bounds, changes)] == [
        (60, ["A stage is behind"]),
        (300, ["Applicants have changed"]),
    ]
    assert [group.every_s for group in groups([DRIFT], {})] == [300]
    assert groups([], {}) == ()


def test_whoever_is_called_reads_what_where_and_what_to_do():
    """The message names the bank or the stage, asks the alarm's question, and leads to its page."""
    (group,) = yaml.safe_load(as_text(groups([LAG], {})))["groups"]
    (rule,) = group["rules"]
    assert rule["uid"] == "loanstream-consumer-lag"
    assert rule["labels"] == {"severity": "page", "alarm": "consumer_lag"}
    assert rule["annotations"] == {
        "summary": "A stage is behind: {{ $labels.stage }}, {{ $labels.tenant }}",
        "description": "Does a stage keep up? Add a worker.",
        "runbook": "docs/runbooks/consumer_lag.md",
        "__dashboardUid__": "loanstream-flow",
        "__panelId__": str(panel_id("flow-waiting")),
    }


@pytest.mark.parametrize("alert", ALERTS)
def test_a_message_opens_the_panel_and_names_the_page(alert):
    """Whoever is called goes from the message to a panel that is there, and to a page about this alarm that is there."""
    document = yaml.safe_load((ROOT / ALERT_RULES).read_text("utf-8"))
    rules = {rule["labels"]["alarm"]: rule for group in document["groups"] for rule in group["rules"]}
    rule, told = rules[alert], rules[alert]["annotations"]
    board = json.loads((GENERATED / f"{told['__dashboardUid__']}.json").read_text("utf-8"))
    titles = {str(panel["id"]): panel["title"] for panel in board["panels"] if panel["type"] != "row"}
    assert told["__panelId__"] in titles
    # a file's rule is known to the panel by these two
    assert (rule["dashboardUid"], rule["panelId"]) == (told["__dashboardUid__"], int(told["__panelId__"]))
    page = (ROOT / told["runbook"]).read_text("utf-8")
    assert page.startswith(f"# {ALERTS[alert].title}\n")


def test_pages_open_where_the_operator_has_them():
    """With an address of the pages each rule links to its own; without one it names the file alone."""
    (rule,) = groups([LAG], {}, "https://docs.bank.example/runbooks")[0].rules
    assert rule.annotations["runbook_url"] == "https://docs.bank.example/runbooks/consumer_lag.md"
    assert "runbook_url" not in groups([LAG], {})[0].rules[0].annotations


def test_an_alarm_fires_from_one_on_and_a_failing_query_is_told():
    """The query says 1 where it is to fire; an alarm that cannot be asked is none, so its rule says that."""
    rules = [rule for group in of_table({}) for rule in group.rules]
    assert len(rules) == len(ALERTS)
    for rule in rules:
        assert (rule.side, rule.threshold, rule.on_error) == ("gte", 1, "Error")


def test_no_rows_are_an_alarm_only_where_somebody_should_have_measured():
    """A bank without a decision is quiet; workers that measure nothing, and a warehouse nobody compares, are not."""
    silent = {rule.labels["alarm"] for group in of_table({}) for rule in group.rules if rule.on_no_rows == "Alerting"}
    others = {rule.on_no_rows for group in of_table({}) for rule in group.rules if rule.labels["alarm"] not in silent}
    assert silent == {"consumer_lag", "reconcile_difference"}
    assert others == {"OK"}


def test_the_committed_file_has_every_alarm():
    """What compose mounts asks all eleven questions, with the severity and the page of the table."""
    document = yaml.safe_load((ROOT / ALERT_RULES).read_text("utf-8"))
    rules = {rule["labels"]["alarm"]: rule for group in document["groups"] for rule in group["rules"]}
    assert rules.keys() == ALERTS.keys()
    for alert in ALERTS.values():
        rule = rules[alert.id]
        assert rule["data"][0]["model"]["rawSql"] == rule_sql(alert, load()).rstrip()
        assert rule["labels"]["severity"] == alert.severity
        assert rule["annotations"]["runbook"] == alert.runbook


@pytest.mark.parametrize("alert", ALERTS.values(), ids=list(ALERTS))
def test_a_rule_asks_for_its_labels_and_one_number(alert):
    """Grafana takes each row as an alarm of its own: texts tell rows apart, and exactly one column is a number."""
    assert rule_sql(alert).startswith(f"SELECT {', '.join(alert.labels)}, value FROM")
