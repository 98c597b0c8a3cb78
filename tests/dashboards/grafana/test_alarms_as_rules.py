"""Rows of the table of alarms as Grafana's rules."""

from dataclasses import replace

import yaml

from dashboards.grafana.alarms import Alarm, groups
from dashboards.grafana.provisioning import as_text

LAG = Alarm(
    "consumer_lag",
    "A stage is behind",
    "Does a stage keep up?",
    "bound",
    "SELECT stage, value FROM (SELECT 1)",
    window_s=600,
    for_s=300,
    severity="page",
    to_do="Add a worker.",
    runbook="docs/runbooks/consumer_lag.md",
    labels=("stage", "tenant"),
)
DRIFT = replace(LAG, id="drift", title="Applicants have changed", kind="sequential", for_s=0, severity="ticket")


def test_alarms_of_a_kind_are_asked_together():
    """Figures of some minutes are asked each minute, tests since the last activation every five; no group is empty."""
    bounds, changes = groups([DRIFT, LAG])
    assert [(group.every_s, [rule.title for rule in group.rules]) for group in (bounds, changes)] == [
        (60, ["A stage is behind"]),
        (300, ["Applicants have changed"]),
    ]
    assert [group.every_s for group in groups([DRIFT])] == [300]
    assert groups([]) == ()


def test_whoever_is_called_reads_what_where_and_what_to_do():
    """The message names the bank or the stage, asks the alarm's question, and leads to its page."""
    (group,) = yaml.safe_load(as_text(groups([LAG])))["groups"]
    (rule,) = group["rules"]
    assert rule["uid"] == "loanstream-consumer-lag"
    assert rule["labels"] == {"severity": "page", "alarm": "consumer_lag"}
    assert rule["annotations"] == {
        "summary": "A stage is behind: {{ $labels.stage }}, {{ $labels.tenant }}",
        "description": "Does a stage keep up? Add a worker.",
        "runbook": "docs/runbooks/consumer_lag.md",
    }


def test_an_alarm_fires_from_one_on_and_not_for_want_of_rows():
    """The query says 1 where it is to fire; an answer without rows is quiet, and a warehouse that fails is told."""
    (rule,) = groups([LAG])[0].rules
    assert (rule.side, rule.threshold, rule.for_s, rule.since_s) == ("gte", 1, 300, 600)
    assert (rule.on_no_rows, rule.on_error) == ("OK", "Error")
