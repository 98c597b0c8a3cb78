"""`loanstream bench --full`: what takes up to an hour: rivals, tenants, bursts, and a million applications."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import typer

from loanstream.bench.flood import burst, million
from loanstream.bench.latency import through_the_stages, two_bare_loops, warm
from loanstream.bench.plot import svg
from loanstream.bench.rivals import measure_rivals
from loanstream.bench.run import measure, show
from loanstream.demo.run import stack
from loanstream.running import Running

ROUNDS = 5
ROUND_S = 15.0
SETTLED_S = 10.0
"""The first transactions over partitions that were never written to take seconds each, and leave a backlog."""
TENANTS = (1, 2, 20)
WORKERS = (1, 2)
BURST = 50_000

GOALS: dict[str, str] = {
    "records_per_s": "of each contender, for comparison",
    "commit_every": "the best setting of each contender: records or seconds a commit",
    "sweep": "records a second of each contender's settings, tried before the first round",
    "guarantee": "of each contender: the rivals without transactions do less",
    "stage_vs_bare_transactional": ">= 0.9, both commit every 500",
    "stage_vs_bare_idempotent": "for comparison",
    "stage_vs_quix": "> 1, each at its best",
    "stage_vs_faststream": "> 1, each at its best",
    "stage_vs_plain_faust": "> 1, each at its best",
    "cpu_us_per_record": "of each contender, for comparison",
    "overhead_us_per_record": "<= 8, processor time beside the bare transactional loop",
    "overhead_wall_us_per_record": "by the clock, for comparison",
    "latency_vs_bare": "<= 1.2: p50 of both stages by that of two bare transactional loops that do the same work",
    "latency_vs_copying": "by that of two bare loops that only copy, for comparison",
    "latency_p50_ms": "of each round",
    "latency_ms_tenants": "at 500/s over so many tenants, the first seconds and then",
    "burst": "50,000 at once, by workers a stage",
    "applications": "through the whole chain",
    "applications_per_s": "of those",
    "decided_s": "until the last of those",
    "recorded_s": "until the last row of those",
    "rows_per_s": "into the warehouse, until the last of them",
    "rss_mb": "flat",
    "warehouse_equal": "true",
    "warehouse_rows": "compared",
    "replay_equal": "true",
    "replayed": "decisions made again",
}
"""What each figure is held against."""

Progress = Callable[[str], None]


def run_full(applications: int, plot: Path | None, *, as_json: bool) -> int:
    """Measure everything; memory's curves go to `plot`."""
    figures = measure_full(applications, plot, lambda line: typer.echo(line, err=True))
    show(figures, GOALS, as_json=as_json)
    return 0


def measure_full(applications: int, plot: Path | None, on_progress: Progress) -> dict[str, Any]:
    """The short benchmark's figures and those above; each is told as soon as it is known: an hour may be cut short."""
    figures: dict[str, Any] = {}

    def keep(found: dict[str, Any]) -> None:
        figures.update(found)
        on_progress(json.dumps(found))

    on_progress("the short benchmark")
    keep(measure())
    keep(measure_rivals(on_progress=on_progress))
    with tempfile.TemporaryDirectory(prefix="loanstream-bench-") as folder:
        on_progress("latency beside two bare loops")
        with stack(Path(folder) / "latency") as (running, _):
            warm(running)
            keep(latency_vs_bare(running))
        keep({"latency_ms_tenants": latency_by_tenants(Path(folder), on_progress)})
        keep({"burst": bursts(Path(folder), on_progress)})
        on_progress(f"{applications:,} applications")
        with stack(Path(folder) / "million") as (running, _):
            found, curves = million(running, applications, on_progress)
    keep(found)
    if plot is not None:
        plot.write_text(svg(f"Resident memory over {applications:,} applications (minutes)", "MB", curves))
    return figures


def latency_by_tenants(folder: Path, on_progress: Progress) -> dict[str, Any]:
    """At the same rate over more and more tenants of one stack: each adds partitions to every transaction.

    `first` is the first time over so many of them, `then` what follows.
    """
    on_progress("latency by tenants")
    banks = ",".join(f"bank-{number}" for number in range(max(TENANTS)))
    with stack(folder / "tenants", "--tenants", banks) as (running, _):
        warm(running)
        found = {}
        for count in TENANTS:
            found[str(count)] = {
                "first": asdict(through_the_stages(running, SETTLED_S, tenants=count)),
                "then": asdict(through_the_stages(running, ROUND_S, tenants=count)),
            }
        return found


def bursts(folder: Path, on_progress: Progress) -> dict[str, Any]:
    """A burst and its drain, by workers a stage; each on a stack of its own."""
    found = {}
    for workers in WORKERS:
        on_progress(f"a burst of {BURST:,}, {workers} workers a stage")
        with stack(folder / f"burst-{workers}", "--workers", str(workers)) as (running, _):
            found[str(workers)] = asdict(burst(running, BURST))
    return found


def latency_vs_bare(running: Running) -> dict[str, Any]:
    """Rounds of all three in turn; the medians of the rounds' ratios of p50, and what they are made of.

    Loops that do the work of the stages tell what our transport costs; loops that only copy, what the work costs, too.
    """
    rounds = [
        {
            "stages": through_the_stages(running, ROUND_S).p50,
            "bare": two_bare_loops(running, ROUND_S, working=True).p50,
            "copying": two_bare_loops(running, ROUND_S, working=False).p50,
        }
        for _ in range(ROUNDS)
    ]
    return {
        **{
            f"latency_vs_{other}": round(median(one["stages"] / one[other] for one in rounds), 2)
            for other in ("bare", "copying")
        },
        "latency_p50_ms": {path: [one[path] for one in rounds] for path in rounds[0]},
    }
