"""The table of alarms as groups of Grafana's rules: an alarm is a rule, and each row of its answer rings by itself."""

from collections.abc import Iterable, Mapping
from typing import Literal

from dashboards.alarms.queries import rule_sql
from dashboards.alarms.table import ALERTS, Alert
from dashboards.alarms.thresholds import Thresholds
from dashboards.all import DASHBOARDS
from dashboards.grafana.panel import panel_id
from dashboards.grafana.rules import Group, Rule

Kind = Literal["bound", "sequential"]

SHOWN_BY: Mapping[str, str] = {
    "latency": "flow-lanes",
    "consumer_lag": "flow-waiting",
    "dead_letter_rate": "quality-over-time",
    "approval_rate": "approvals-outcomes",
    "drift": "model-psi-score",
    "calibration": "model-people",
    "fairness": "fairness-over-time",
    "no_traffic": "today-last",
    "reader_down": "documents-away",
    "reconcile_difference": "quality-counting",
    "expiry": "flow-workers",
}
"""Alarm -> the panel that Grafana opens from its message: the figure itself, or the nearest that there is to it."""

EVERY_S: Mapping[Kind, int] = {"bound": 60, "sequential": 300}
"""How often alarms of a kind are asked: a test since the last activation reads more than a figure of some minutes."""

TITLES: Mapping[Kind, str] = {"bound": "Loanstream: bounds", "sequential": "Loanstream: changes"}


def of_table(thresholds: Thresholds, runbooks: str | None = None) -> tuple[Group, ...]:
    """Every alarm there is, with the numbers of the table, and of banks that have their own.

    `runbooks`: the address of the folder with the pages about alarms, for links; None where there is none.
    """
    return groups(ALERTS.values(), thresholds, runbooks)


def groups(alerts: Iterable[Alert], thresholds: Thresholds, runbooks: str | None = None) -> tuple[Group, ...]:
    """The groups, one of each kind that there is; within it the rules as they come."""
    rows = list(alerts)
    found = ((kind, tuple(_rule(row, thresholds, runbooks) for row in rows if row.kind == kind)) for kind in EVERY_S)
    return tuple(Group(TITLES[kind], rules, EVERY_S[kind]) for kind, rules in found if rules)


def _rule(alert: Alert, thresholds: Thresholds, runbooks: str | None) -> Rule:
    which = ", ".join(f"{{{{ $labels.{name} }}}}" for name in alert.labels)
    return Rule(
        uid=f"loanstream-{alert.id.replace('_', '-')}",
        title=alert.title,
        sql=rule_sql(alert, thresholds).rstrip(),
        threshold=1,
        for_s=alert.for_s,
        since_s=alert.window_s,
        labels={"severity": alert.severity, "alarm": alert.id},
        annotations={
            "summary": f"{alert.title}: {which}",
            "description": f"{alert.question} {alert.to_do}",
            "runbook": alert.runbook,
            **({} if runbooks is None else {"runbook_url": f"{runbooks.rstrip('/')}/{alert.id}.md"}),
        },
        on_no_rows="Alerting" if alert.no_rows_fire else "OK",
        panel=_place(SHOWN_BY[alert.id]),
        # A query that fails is told for every rule: Grafana groups them into one message, and an alarm that cannot be
        # asked is none.
        on_error="Error",
    )


def _place(panel: str) -> tuple[str, int]:
    """Where Grafana finds a panel: the uid of its dashboard, and its number there."""
    (uid,) = (board.uid for board in DASHBOARDS.values() if any(each.id == panel for each in board.panels()))
    return uid, panel_id(panel)
