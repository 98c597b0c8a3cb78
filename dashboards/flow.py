"""*Latency and flow*: how long steps take, and where records wait."""

from dashboards.panels import Dashboard, Panel, Section

FLOW = Dashboard(
    uid="loanstream-flow",
    title="Latency and flow",
    question="Do applications get through, how fast, and where do they wait?",
    sections=(
        Section(
            "Latency",
            (
                Panel(
                    "flow-latency",
                    "From acceptance to decision",
                    "How long did decisions take?",
                    "latency_over_time",
                    "timeseries",
                    unit="ms",
                    meaning="From the broker's stamp of the application to the decision, over both lanes; 2.5 % exact.",
                    when_red="The panel beside it shows which step grew.",
                    thresholds=((10000, "red"),),
                ),
                Panel(
                    "flow-steps",
                    "By step, 95 of 100",
                    "Which step takes the time?",
                    "latency_by_step",
                    "timeseries",
                    unit="ms",
                    meaning="Waits are for the stage's batch or for free workers; verify holds reading of documents.",
                    when_red="A wait that grows: more workers of that stage. Verify that grows: look at Documents.",
                ),
                Panel(
                    "flow-lanes",
                    "By lane",
                    "How do the fast and the slow lane differ?",
                    "latency_by_lane",
                    "table",
                    meaning="The slow lane reads scans and asks cloud readers: seconds are usual there.",
                    units=(("p50", "ms"), ("p95", "ms"), ("p99", "ms")),
                    width=8,
                ),
                Panel(
                    "flow-throughput",
                    "Decisions a second",
                    "How much is decided?",
                    "throughput",
                    "timeseries",
                    unit="ops",
                    meaning="Averages over the interval, of five minutes at least.",
                    when_red="Falling while records wait (below): a stage stands still.",
                    width=16,
                ),
            ),
        ),
        Section(
            "Workers, of all banks",
            (
                Panel(
                    "flow-waiting",
                    "Records waiting, by stage",
                    "How far behind is each stage?",
                    "waiting_offsets",
                    "timeseries",
                    meaning="Offsets beyond the committed ones, as workers count them, markers included.",
                    when_red="Growing without end: too slow, or standing still; loanstream doctor says which.",
                ),
                Panel(
                    "flow-age",
                    "Age at commit, by stage",
                    "How old is a batch's first record when it is done?",
                    "age_at_commit",
                    "timeseries",
                    unit="s",
                    meaning="The consumer's lag as time: from the record's stamp to the commit of its batch.",
                    when_red="Look at the workers below, then at loanstream doctor.",
                ),
                Panel(
                    "flow-workers",
                    "Workers",
                    "Who works, and what troubles them?",
                    "workers_now",
                    "table",
                    meaning="What each worker told last, in the last hour of the chosen time.",
                    when_red="A worker that has told nothing for a minute is gone; broker silence means Kafka is away.",
                    units=(("told_s_ago", "s"), ("broker_silent_s", "s")),
                    width=24,
                ),
            ),
        ),
    ),
)
