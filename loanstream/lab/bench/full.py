"""`loanstream bench --full`: what takes up to an hour: rivals, tenants, bursts, and a million applications."""

import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import typer

from loanstream.demo.run import stack
from loanstream.lab.bench.flood import burst, million
from loanstream.lab.bench.latency import Latency, through_the_stages, two_bare_loops, warm
from loanstream.lab.bench.panels import beside_dashboards, slowest_panels
from loanstream.lab.bench.plot import svg
from loanstream.lab.bench.rivals import measure_rivals
from loanstream.lab.bench.run import measure, security, show
from loanstream.stack.running import RunningStack

ROUNDS = 24
COPYING_EVERY = 3
"""Rounds of which one has the loops that only copy: they are for comparison, and the time goes to what is judged."""
SHORT_S, SHORT_WARM_UP_S, PAUSE_S = 5.0, 2.0, 3.0
ROUND_S = 15.0
SETTLED_S = 10.0
"""The first transactions over partitions that were never written to take seconds each, and leave a backlog."""
TENANTS = (1, 2, 20)
WORKERS = (1, 2)
BURST = 50_000
PANEL_DECISIONS = 10_000_000

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
    "panel_decisions": "over thirty days, for the panels",
    "slowest_panel": "which one it is",
    "slowest_panel_ms_10m": "<= 500, warm, at its dashboard's default range",
    "panel_ms": "of each panel",
    "decision_to_view_s": "<= 5 until Today has a decision; the median of ten",
    "decision_to_view_worst_s": "the worst of them",
    "ingest_rows_per_s": ">= 10,000 into the warehouse while Today is open",
    "applications": "through the whole chain",
    "applications_per_s": "of those",
    "decided_s": "until the last of those",
    "recorded_s": "until the last row of those",
    "rows_per_s": "into the warehouse, until the last of them",
    "rss_mb": "flat: `settled`, after a minute with nothing to do, beside `start`, after a tenth of the applications",
    "warehouse_equal": "true",
    "warehouse_rows": "compared",
    "replay_equal": "true",
    "replayed": "decisions made again",
}
"""What each figure is held against."""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """What the parts of a run are told: `folder` for their states, `plot` for memory's curves."""

    folder: Path
    applications: int
    plot: Path | None
    on_progress: Progress


class NoSuchPart(ValueError):
    """A part of the benchmark that does not exist; says which do."""


def chosen(only: str) -> list[str]:
    """The parts that `only` names (by commas), all of them where it names none. Raises NoSuchPart.

    >>> chosen("burst, rivals")
    ['rivals', 'burst']
    """
    names = {name for part in only.split(",") if (name := part.strip())}
    if unknown := sorted(names - PARTS.keys()):
        raise NoSuchPart(f"no part {', '.join(unknown)}; parts: {', '.join(PARTS)}")
    return [name for name in PARTS if not names or name in names]


def run_full(parts: Sequence[str], applications: int, plot: Path | None, *, as_json: bool) -> int:
    """Measure these parts; memory's curves go to `plot`."""
    figures: dict[str, Any] = {}

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    with tempfile.TemporaryDirectory(prefix="loanstream-bench-") as folder:
        run = Run(Path(folder), applications, plot, tell)
        for name in parts:
            tell(f"part {name}")
            found = PARTS[name](run)
            tell(json.dumps(found))  # as soon as it is known: an hour may be cut short
            figures |= found
    show(figures, GOALS, as_json=as_json)
    return 0


def latency_beside_bare_loops(run: Run) -> dict[str, Any]:
    """Both stages and both kinds of bare loops on a stack of their own."""
    with stack(run.folder / "latency") as (running, _):
        warm(running)
        return latency_vs_bare(running, run.on_progress)


def latency_vs_bare(running: RunningStack, on_progress: Progress) -> dict[str, Any]:
    """Rounds of the stages and the loops; the medians of the rounds' ratios of p50, and what they are made of.

    Loops that do the work of the stages tell what our transport costs; loops that only copy, what the work costs, too.
    The rounds are short and many, and whatever is not measured idles beside what is: a shared machine is quick or slow
    for a minute at a time, and a ratio within seconds does not know. Each path begins after a pause, in which the one
    before it comes to rest: what was decided goes on being recorded.
    """
    rounds: list[dict[str, float]] = []
    with two_bare_loops(running, working=True) as bare, two_bare_loops(running, working=False) as copying:
        paths: dict[str, Callable[[], Latency]] = {
            "stages": lambda: through_the_stages(running, SHORT_S, warm_up_s=SHORT_WARM_UP_S),
            "bare": lambda: bare(SHORT_S, SHORT_WARM_UP_S),
            "copying": lambda: copying(SHORT_S, SHORT_WARM_UP_S),
        }
        for order in orders(ROUNDS):
            found: dict[str, Latency] = {}
            for path in order:
                time.sleep(PAUSE_S)
                found[path] = paths[path]()
            rounds.append({path: found[path].p50 for path in paths if path in found})
            on_progress(json.dumps(rounds[-1] | {"stolen": [window.stolen for window in found.values()]}))
    return {
        "latency_vs_bare": _median_ratio(rounds, "bare"),
        "latency_vs_copying": _median_ratio(rounds, "copying"),
        "latency_p50_ms": rounds,
    }


def orders(rounds: int) -> list[list[str]]:
    """The paths of each round in their order: each path is the first, the second, the last about as often.

    >>> orders(4)
    [['stages', 'bare', 'copying'], ['bare', 'stages'], ['stages', 'bare'], ['bare', 'copying', 'stages']]
    """
    found = []
    for number in range(rounds):
        turn, short = divmod(number, COPYING_EVERY)
        paths = ["stages", "bare"] if short else ["stages", "bare", "copying"]
        first = (number if short else turn) % len(paths)
        found.append(paths[first:] + paths[:first])
    return found


def _median_ratio(rounds: Sequence[Mapping[str, float]], other: str) -> float:
    return round(median(p50["stages"] / p50[other] for p50 in rounds if other in p50), 2)


def latency_by_tenants(run: Run) -> dict[str, Any]:
    """At the same rate over more and more tenants of one stack: each adds partitions to every transaction.

    `first` is the first time over so many of them, `then` what follows.
    """
    banks = ",".join(f"bank-{number}" for number in range(max(TENANTS)))
    with stack(run.folder / "tenants", "--tenants", banks) as (running, _):
        warm(running)
        found = {}
        for count in TENANTS:
            found[str(count)] = {
                "first": asdict(through_the_stages(running, SETTLED_S, tenants=count)),
                "then": asdict(through_the_stages(running, ROUND_S, tenants=count)),
            }
        return {"latency_ms_tenants": found}


def bursts(run: Run) -> dict[str, Any]:
    """A burst and its drain, by workers a stage; each on a stack of its own."""
    found = {}
    for workers in WORKERS:
        run.on_progress(f"a burst of {BURST:,}, {workers} workers a stage")
        with stack(run.folder / f"burst-{workers}", "--workers", str(workers)) as (running, _):
            found[str(workers)] = asdict(burst(running, BURST))
    return {"burst": found}


def whole_chain(run: Run) -> dict[str, Any]:
    """A great many applications through everything."""
    with stack(run.folder / "million") as (running, _):
        found, curves = million(running, run.applications, run.on_progress)
    if run.plot is not None:
        title = f"Resident memory over {run.applications:,} applications (minutes)"
        run.plot.write_text(svg(title, "MB", curves))
    return found


def dashboards_at_size(run: Run) -> dict[str, Any]:
    """Panels over millions of decisions, and a stack that is looked at while it works."""
    found = slowest_panels(run.folder / "panels", PANEL_DECISIONS, run.on_progress)
    with stack(run.folder / "watched") as (running, _):
        warm(running)
        return found | beside_dashboards(running)


PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "short": lambda _: measure(),
    "security": lambda _: security(),
    "rivals": lambda run: measure_rivals(on_progress=run.on_progress),
    "latency": latency_beside_bare_loops,
    "tenants": latency_by_tenants,
    "burst": bursts,
    "panels": dashboards_at_size,
    "million": whole_chain,
}
"""In the order in which they run."""
