"""The alarms, one row each. Everything else reads this table: the queries, the rules, the simulation, the pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dashboards.alarms.sequential import SequentialTest

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
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
    columns of each view that the query needs, `labels` those of its answer that tell rows apart. `no_rows_fire`: an
    answer without a row is an alarm, too, as somebody should have measured.
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
    test: SequentialTest | None = None
    labels: tuple[str, ...] = ("tenant",)
    no_rows_fire: bool = False

    @property
    def runbook(self) -> str:
        """The page about it, from the repository's root."""
        return f"docs/runbooks/{self.id}.md"


def _minimum(default: float, of: str, least: float = 1) -> Limit:
    return Limit("minimum", default, least, 1e9, f"least number of {of}: with fewer it never fires")


_PERIODS: Mapping[str, tuple[str, ...]] = {
    "activations": ("tenant", "kafka_timestamp", "lead_ms"),
    "deciders_log": ("tenant", "first_at"),
}
"""What says since when a bank is watched."""
_RECORD = ("kafka_topic", "kafka_partition", "kafka_offset")

_ALL = (
    Alert(
        "latency",
        "Decisions take too long",
        "Are decisions of the fast lane made within the budget?",
        "bound",
        "95th percentile from accepted to decided, fast lane, to 2.5 %",
        (
            Limit("p95_ms", 500, 1, 600_000, "95th percentile from accepted to decided, milliseconds"),
            _minimum(100, "decisions in the window"),
        ),
        window_s=10 * MINUTE_S,
        for_s=5 * MINUTE_S,
        severity="page",
        to_do="Find the step that waits: lag of a stage first, then the machine.",
        reads={"decisions_by_latency": ("tenant", "bucket", "dimension", "lane", "number", "decisions")},
    ),
    Alert(
        "consumer_lag",
        "Records wait for a stage",
        "Do records wait longer for a stage than for a moment?",
        "bound",
        "records that waited for all workers of the stage together, the least of the window's minutes",
        (
            Limit("waiting", 5000, 1, 1e9, "records that wait", by_tenant=False),
            Limit("minimum", 5, 1, 10, "minutes of the window that were measured", by_tenant=False),
        ),
        window_s=10 * MINUTE_S,
        for_s=2 * MINUTE_S,
        severity="page",
        to_do="See that the stage's workers run; start more if they are busy.",
        reads={"service_metrics": ("at", "stage", "worker", "name", "value")},
        labels=("stage",),
        no_rows_fire=True,  # workers measure always: nothing runs, or nothing is recorded, and no other alarm can tell
    ),
    Alert(
        "dead_letter_rate",
        "Dead letters above what is tolerated",
        "Do more of a bank's records end as dead letters than ever should, and than did before?",
        "sequential",
        "e-process of hourly dead letters against the tolerated share and the bank's own 90 days",
        (
            Limit("tolerated", 0.01, 0, 0.5, "share of records that is never too high"),
            Limit("tolerance", 0.001, 0, 0.5, "change of the share that nobody acts on"),
            _minimum(100, "records in seven days"),
        ),
        window_s=7 * DAY_S,
        for_s=0,
        severity="page",
        to_do="List them by cause; tell the bank, or mend and redrive.",
        reads={
            **_PERIODS,
            "decisions_in_all": ("tenant", "bucket", "decisions"),
            "dead_letters": ("tenant", "at"),
        },
        test=SequentialTest(tilts=(0.7, 1.5, 3.0), tolerance=0.001, tolerated=0.01, dispersion=3.0),
    ),
    Alert(
        "approval_rate",
        "Approval rate outside its band",
        "Is a bank's share of approvals still where its last 90 days say?",
        "sequential",
        "e-process of hourly approvals against the bank's own hours of the 90 days before the activation",
        (
            Limit("tolerance", 0.01, 0, 0.5, "change of the share of approvals that nobody acts on"),
            _minimum(100, "decisions in seven days"),
        ),
        window_s=7 * DAY_S,
        for_s=0,
        severity="page",
        to_do="Look what changed: applicants, documents, or what decides. Roll back if it is what decides.",
        reads={**_PERIODS, "decisions_in_all": ("tenant", "bucket", "outcome", "decisions")},
        test=SequentialTest(tilts=(0.2, 0.4, 0.8, 1.6, -0.2, -0.4, -0.8, -1.6), tolerance=0.01),
    ),
    Alert(
        "drift",
        "Scores have drifted",
        "Have the scores of a bank's applicants moved away from those of the 90 days before the activation?",
        "sequential",
        "e-process of the daily shares of ten score bins, and PSI of the last seven whole days",
        (
            Limit("psi", 0.1, 0.01, 10, "population stability index that is worth a look"),
            Limit("tolerance", 0.005, 0, 0.5, "change of a bin's share that nobody acts on"),
            _minimum(500, "scored decisions in seven days"),
        ),
        window_s=7 * DAY_S,
        for_s=0,
        severity="ticket",
        to_do="Find the feature that moved; ask the bank; have the model validated on the new applicants.",
        reads={**_PERIODS, "decisions_by_result": ("tenant", "bucket", "dimension", "number", "decisions")},
        test=SequentialTest(tilts=(0.3, 0.8, -0.3, -0.8), tolerance=0.005),
    ),
    Alert(
        "calibration",
        "People approve another share than the model says",
        "Do people who review applications approve as many as the model said they would?",
        "sequential",
        "e-process of the daily approvals by people against p_calibrated, reviewed applications alone",
        (
            Limit("tolerance", 0.05, 0, 0.5, "distance between observed and predicted share that nobody acts on"),
            _minimum(100, "reviewed applications in 28 days"),
        ),
        window_s=28 * DAY_S,
        for_s=0,
        severity="ticket",
        to_do="Compare by band of p_calibrated; calibrate anew, or set the tolerance if reviews are a special choice.",
        reads={
            **_PERIODS,
            "decisions_log": ("tenant", "application_id", "revision", "accepted_at", "p_calibrated", "kafka_offset"),
            "human_decisions": ("tenant", "application_id", "revision", "decision", "kafka_timestamp"),
        },
        test=SequentialTest(tilts=(0.3, 0.6, 1.2, -0.3, -0.6, -1.2), tolerance=0.05, dispersion=1.2, z_mean=0.0),
    ),
    Alert(
        "fairness",
        "A protected group is approved less than four fifths as often",
        "Is a protected group approved less than four fifths as often as another group of the same attribute?",
        "sequential",
        "e-process of the daily approvals of every ordered pair of groups, averaged over the pairs",
        (
            Limit("ratio", 0.8, 0.5, 1, "least ratio of two groups' shares of approvals"),
            _minimum(
                100, "decisions on each group of a pair, in 90 days and in 28", least=20
            ),  # no group is shown below
        ),
        window_s=28 * DAY_S,
        for_s=0,
        severity="ticket",
        to_do="See which reasons decline the group; take it to whoever answers for fair lending.",
        reads={
            **_PERIODS,
            "decisions_by_group": ("tenant", "bucket", "dimension", "value", "outcome", "decisions"),
        },
        test=SequentialTest(tilts=(0.9, 0.75, 0.5), tolerated=0.8, dispersion=1.2),
    ),
    Alert(
        "no_traffic",
        "A bank has gone silent",
        "Has a bank been silent for longer than its last 90 days explain?",
        "bound",
        "applications that the bank's own hours would have brought since its last one, against its longest silence",
        (
            _minimum(20, "applications that are missing"),
            Limit("times", 1.5, 1, 100, "how many times the longest silence of 90 days"),
            Limit("least_days", 14, 7, 90, "days of traffic before a silence is judged", by_tenant=False),
        ),
        window_s=90 * DAY_S,
        for_s=5 * MINUTE_S,
        severity="page",
        to_do="Ask the bank; see that its credentials and topics work, and that the stages decide.",
        reads={"decisions_in_all": ("tenant", "bucket", "decisions")},
    ),
    Alert(
        "reader_down",
        "Documents cannot be read",
        "Can documents be read?",
        "bound",
        "share of applications with documents whose reader was unavailable",
        (
            Limit("share", 0.5, 0.01, 1, "share of applications with documents"),
            _minimum(20, "applications with documents in the window"),
        ),
        window_s=15 * MINUTE_S,
        for_s=5 * MINUTE_S,
        severity="page",
        to_do="See the slow lane and its reader; what was referred stays referred.",
        reads={
            "decisions_log": ("tenant", "hour", "accepted_at", "verification_result", *_RECORD),
            "decision_repeats_log": ("tenant", *_RECORD),
        },
    ),
    Alert(
        "reconcile_difference",
        "Warehouse and topics differ, or nobody has looked",
        "Did the last reconcile find differences between the topics and the warehouse, or has it not run?",
        "bound",
        "differences of the last run, and its age",
        (
            Limit("differences", 1, 1, 1e9, "differences of the last run", by_tenant=False),
            Limit("age_s", 26 * HOUR_S, HOUR_S, 31 * DAY_S, "age of the last run, seconds", by_tenant=False),
        ),
        window_s=31 * DAY_S,
        for_s=0,
        severity="page",
        to_do="Run reconcile; it names every record that differs.",
        reads={"service_metrics": ("at", "stage", "name", "value")},
        labels=("stage",),
        no_rows_fire=True,  # nobody has looked for a month
    ),
    Alert(
        "expiry",
        "A certificate or a secret ends soon",
        "What ends soon: certificates, keys, secrets?",
        "bound",
        "seconds until it ends",
        (Limit("left_s", 7 * DAY_S, HOUR_S, 365 * DAY_S, "seconds that are left", by_tenant=False),),
        window_s=2 * DAY_S,
        for_s=0,
        severity="ticket",
        to_do="Renew it, and see why it was not renewed by itself.",
        reads={"service_metrics": ("at", "stage", "worker", "name", "value", "labels")},
        labels=("stage", "what"),
    ),
)

ALERTS: Mapping[str, Alert] = {alert.id: alert for alert in _ALL}
