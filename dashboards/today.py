"""*Today*: one look for a risk officer."""

from dashboards.panels import Dashboard, Panel, Section

TODAY = Dashboard(
    uid="loanstream-today",
    title="Today",
    question="Is today normal?",
    since="now-24h",
    refresh="5s",
    sections=(
        Section(
            "Decisions",
            (
                Panel(
                    "today-decisions",
                    "Decisions",
                    "How many applications were decided?",
                    "today_decisions",
                    "stat",
                    meaning="Each application's revision counts once, by its first decision.",
                    when_red="Nothing arrives: look at Latency and flow, then at the banks' gateway and topics.",
                    thresholds=((0, "red"), (1, "green")),
                    width=6,
                    height=4,
                ),
                Panel(
                    "today-outcomes",
                    "Approved, referred, declined",
                    "Which share was approved, referred and declined?",
                    "outcomes_over_time",
                    "timeseries",
                    unit="percentunit",
                    meaning="Shares of the decisions of each interval.",
                    when_red="A jump at a mark is the new model or policy; without one look at Approvals and reasons.",
                    stacked=True,
                    width=18,
                ),
                Panel(
                    "today-by-bank",
                    "By bank",
                    "What was decided for each bank?",
                    "outcomes_by_tenant",
                    "table",
                    meaning="Shares are of the bank's own decisions in the chosen time.",
                    units=(("approved", "percentunit"), ("referred", "percentunit"), ("declined", "percentunit")),
                    width=24,
                ),
            ),
        ),
    ),
)
