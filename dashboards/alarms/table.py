"""The alarms, one row each. Everything else reads this table: the queries, the rules, the simulation, the pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboards.alarms.sequential import Test

HOUR_S = 3600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a bank may have of its own, from `least` to `most`; `tells` says what it bounds, and its unit."""

    name: str
    default: float
    least: float
    most: float
    tells: str
    by_tenant: bool = True


@dataclass(frozen=True, slots=True)
class Alert:
    """One alarm. Its query answers a row for each bank (or stage) with `value`; it fires where value >= 1.

    `kind` bound: a figure of the last `window_s` against a limit. `kind` sequential: an e-process since the last
    activation, which `test` describes. `for_s` is how long it must hold before anybody is told. `reads` names the
    columns of each view that the query needs, `labels` those of its answer that tell rows apart.
    """

    id: str
    title: str
    question: str
    kind: Literal["bound", "sequential"]
    statistic: str
    limits: tuple[Limit, ...]
    window_s: int
    for_s: int
    severity: Literal["page", "ticket"]
    to_do: str
    reads: Mapping[str, tuple[str, ...]]
    test: Test | None = None
    labels: tuple[str, ...] = ("tenant",)

    @property
    def runbook(self) -> str:
        """The page about it, from the repository's root."""
        return f"docs/runbooks/{self.id}.md"


def _minimum(default: float, of: str) -> Limit:
    return Limit("minimum", default, 1, 1e9, f"least number of {of} in the window; with fewer it never fires")


_FACTS = "decision_facts"
_ACTIVATED = ("tenant", "kafka_timestamp", "lead_ms")

_ALL = (
    Alert(
        "approval_rate",
        "Approval rate outside its band",
        "Is a bank's share of approvals still where its last 90 days say?",
        "sequential",
        "e-process of hourly approvals against the bank's own hours of the 90 days before the activation",
        (
            Limit("tolerance", 0.01, 0, 0.5, "change of the share of approvals that nobody acts on"),
            _minimum(100, "decisions"),
        ),
        window_s=7 * DAY_S,
        for_s=0,
        severity="page",
        to_do="Look what changed: applicants, documents, or what decides. Roll back if it is what decides.",
        reads={_FACTS: ("tenant", "decided_at", "outcome"), "activations": _ACTIVATED},
        test=Test(tilts=(0.2, 0.4, 0.8, 1.6, -0.2, -0.4, -0.8, -1.6), tolerance=0.01),
    ),
)

ALERTS: Mapping[str, Alert] = {alert.id: alert for alert in _ALL}
