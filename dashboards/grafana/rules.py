"""Alert rules for Grafana's alerting: a table of rules in groups, and what its HTTP API takes.

A rule asks one query, whose answer has a number and what tells rows apart (a bank, a stage); each row is an alarm of
its own, and fires where its number is on the wrong side of the threshold.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from grafana_foundation_sdk.builders import alerting, expr
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import alerting as model

from dashboards.grafana.names import DATASOURCE_UID, FOLDER_UID
from dashboards.grafana.query import ClickHouseQuery, Format, Ready

Side = Literal["gt", "gte", "lt", "lte"]

DASHBOARD, PANEL = "__dashboardUid__", "__panelId__"
"""The annotations by which Grafana knows a rule's panel; one without the other is refused."""

_EXPRESSIONS = "__expr__"
"""What Grafana calls the source of its own expressions."""
_WEEK_S = 7 * 86400
_ASKED, _JUDGED = "A", "B"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alarm. `uid` never changes: silences and links hold it. `for_s`: how long it must hold before anybody hears.

    `since_s`: how far back `$__fromTime` lies. `on_no_rows` and `on_error` are what Grafana makes of an answer without
    rows, and of none. `panel`: the dashboard and the panel that show the figure.
    """

    uid: str
    title: str
    sql: str
    threshold: float
    side: Side = "gte"
    for_s: int = 300
    since_s: int = 300
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    on_no_rows: Literal["OK", "Alerting", "NoData", "KeepLast"] = "OK"
    on_error: Literal["OK", "Alerting", "Error", "KeepLast"] = "Error"
    panel: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated together, every `every_s`, one after the other."""

    title: str
    rules: tuple[Rule, ...]
    every_s: int = 60


def as_json(group: Group, folder: str = FOLDER_UID) -> dict[str, Any]:
    """The group as `PUT /api/v1/provisioning/folder/…/rule-groups/…` takes it."""
    made = alerting.RuleGroup(group.title).folder_uid(folder).interval(group.every_s)
    for rule in group.rules:
        made.with_rule(_rule(rule, group, folder))
    plain: dict[str, Any] = json.loads(json.dumps(made.build(), cls=JSONEncoder))
    return plain


def duration(seconds: int) -> str:
    """A time as Grafana writes it back, which is Prometheus's way.

    >>> duration(300), duration(5400), duration(90), duration(0), duration(8 * 86400)
    ('5m', '1h30m', '1m30s', '0s', '8d')
    """
    if seconds and seconds % _WEEK_S == 0:
        return f"{seconds // _WEEK_S}w"
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        whole, seconds = divmod(seconds, size)
        parts += [f"{whole}{unit}"] * bool(whole)
    return "".join(parts) or "0s"


def _rule(rule: Rule, group: Group, folder: str) -> alerting.Rule:
    shown = {} if rule.panel is None else {DASHBOARD: rule.panel[0], PANEL: str(rule.panel[1])}
    return (
        alerting.Rule(rule.title)
        .uid(rule.uid)
        .org_id(1)
        .folder_uid(folder)
        .rule_group(group.title)
        .condition(_JUDGED)
        .queries([_asked(rule), _judged(rule)])
        .for_val(duration(rule.for_s))
        .labels(dict(rule.labels))
        .annotations({**rule.annotations, **shown})
        .no_data_state(rule.on_no_rows)
        .exec_err_state(rule.on_error)
        .is_paused(is_paused=False)
    )


def _asked(rule: Rule) -> alerting.Query:
    sql = ClickHouseQuery(rule.sql, Format.TABLE, _ASKED, DATASOURCE_UID)
    return (
        alerting.Query(_ASKED)
        .datasource_uid(DATASOURCE_UID)
        .relative_time_range(model.RelativeTimeRange(from_val=rule.since_s, to=0))
        .model(Ready(sql))
    )


def _judged(rule: Rule) -> alerting.Query:
    evaluator = expr.ExprTypeThresholdConditionsEvaluator().params([rule.threshold]).type(rule.side)
    condition = expr.ExprTypeThresholdConditions().evaluator(evaluator)
    threshold = expr.TypeThreshold().expression(_ASKED).conditions([condition]).ref_id(_JUDGED)
    return (
        alerting.Query(_JUDGED)
        .datasource_uid(_EXPRESSIONS)
        .relative_time_range(model.RelativeTimeRange(from_val=rule.since_s, to=0))
        .model(threshold)
    )
