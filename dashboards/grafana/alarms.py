"""The table of alarms as groups of Grafana's rules: an alarm is a rule, and each row of its answer rings by itself."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dashboards.grafana.rules import Group, Rule

Kind = Literal["bound", "sequential"]

EVERY_S: Mapping[Kind, int] = {"bound": 60, "sequential": 300}
"""How often alarms of a kind are asked: a test since the last activation reads more than a figure of some minutes."""

TITLES: Mapping[Kind, str] = {"bound": "Loanstream: bounds", "sequential": "Loanstream: changes"}

GROUPS: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a rule needs of a row of the table of alarms, and its query, whose `value` fires at 1.

    `labels`: the columns of the answer that tell its rows apart.
    """

    id: str
    title: str
    question: str
    kind: Kind
    sql: str
    window_s: int
    for_s: int
    severity: str
    to_do: str
    runbook: str
    labels: tuple[str, ...] = ("tenant",)


def groups(alarms: Iterable[Alarm]) -> tuple[Group, ...]:
    """The groups, one of each kind that there is; within it the rules as they come."""
    rows = list(alarms)
    found = ((kind, tuple(_rule(row) for row in rows if row.kind == kind)) for kind in EVERY_S)
    return tuple(Group(TITLES[kind], rules, EVERY_S[kind]) for kind, rules in found if rules)


def _rule(alarm: Alarm) -> Rule:
    which = ", ".join(f"{{{{ $labels.{name} }}}}" for name in alarm.labels)
    return Rule(
        uid=f"loanstream-{alarm.id.replace('_', '-')}",
        title=alarm.title,
        sql=alarm.sql,
        threshold=1,
        for_s=alarm.for_s,
        since_s=alarm.window_s,
        labels={"severity": alarm.severity, "alarm": alarm.id},
        annotations={
            "summary": f"{alarm.title}: {which}",
            "description": f"{alarm.question} {alarm.to_do}",
            "runbook": alarm.runbook,
        },
    )
