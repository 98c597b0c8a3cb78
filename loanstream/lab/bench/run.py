"""`loanstream bench`: every figure of the short benchmark, within a quarter of an hour."""

import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loanstream.demo.run import stack
from loanstream.lab.bench.bombs import beside_bombs
from loanstream.lab.bench.core import core_decisions_per_s, core_with_recourse_decisions_per_s
from loanstream.lab.bench.gateway import UNBOUNDED, measure_gateway
from loanstream.lab.bench.latency import WARM_UP_S, Latency, bare, through_the_stages, two_bare_loops, warm
from loanstream.lab.bench.security import measure_security
from loanstream.stack.running import RunningStack
from loanstream.terminal import emit, table

STARTS = 4
WINDOWS = 3
HELPS = 5
SECONDS = 20.0

GOALS: dict[str, str] = {
    "core_decisions_per_s": ">= 20,000 on one core, with principal reasons",
    "core_with_recourse_decisions_per_s": ">= 12,000 on one core, recourse searched for whom the model declines",
    "latency_ms": "p50 <= 50, p99 <= 100 at 500/s over both stages; medians of three windows",
    "latency_windows_p99_ms": "the p99 of each of them",
    "two_bare_loops_ms": "the same records through two bare transactional loops that copy them, for comparison",
    "bare_latency_ms": "the same records without stages, for comparison",
    "beside_bombs_ms": "p99 <= 1,000 at 50/s beside 100 bombs of another tenant",
    "gateway_us_per_request": "<= 600: processor time of the gateway's process, without and with Idempotency-Key",
    "gateway_rps": "accepted a second at most, with all of the stack on the same processors; for comparison",
    "gateway_p50_ms": "at half of it, for comparison",
    "gateway_p99_ms": "<= 30 at half of it; the median of three windows",
    "gateway_windows_p99_ms": "the p99 of each of them",
    "secured_vs_insecure": "throughput >= 0.65 and p50 <= 1.25 of a stage; medians of the ratios of twelve rounds",
    "secured_records_per_s": "of that stage, for comparison",
    "secured_p50_ms": "of it at 500/s, for comparison",
    "stack_ready_s": "<= 15 with warm caches: of a secured stack",
    "help_s": "< 0.5",
}
"""What each figure is held against."""


def run_bench(*, as_json: bool) -> int:
    """Measure, and show every figure beside its goal."""
    show(measure() | security(), {}, as_json=as_json)
    return 0


def show(figures: dict[str, Any], more: dict[str, str], *, as_json: bool) -> None:
    """Every figure beside its goal, of these and `more`."""
    rows = [(name, str(figures[name]), goal) for name, goal in (GOALS | more).items() if name in figures]
    emit(figures, table("benchmark", "figure", "measured", "goal", rows=rows), as_json=as_json)


def security() -> dict[str, Any]:
    """What it costs a stage."""
    with tempfile.TemporaryDirectory(prefix="loanstream-bench-") as folder:
        return measure_security(Path(folder))


def measure() -> dict[str, Any]:
    """All figures; the stack is started several times, and used the last time."""
    figures: dict[str, Any] = {
        "core_decisions_per_s": round(core_decisions_per_s()),
        "core_with_recourse_decisions_per_s": round(core_with_recourse_decisions_per_s()),
    }
    figures["help_s"] = round(_median([_help() for _ in range(HELPS)]), 3)
    ready = []
    with tempfile.TemporaryDirectory(prefix="loanstream-bench-") as folder:
        for number in range(STARTS):
            with stack(Path(folder) / f"state-{number}", environment=UNBOUNDED) as (running, ready_s):
                ready.append(ready_s)
                if number == STARTS - 1:
                    warm(running)
                    figures |= _latencies(running)
                    figures["bare_latency_ms"] = asdict(bare(running, SECONDS / 2))
                    figures["beside_bombs_ms"] = asdict(beside_bombs(running, SECONDS))
                    figures |= measure_gateway(running)
    # The first start may have filled the caches.
    figures["stack_ready_s"] = round(_median(ready[1:]), 1)
    return figures


def _latencies(running: RunningStack) -> dict[str, Any]:
    """Both paths in turn, some windows each: one hiccup of a shared machine must not be the figure."""
    ours: list[Latency] = []
    bare_loops: list[Latency] = []
    for _ in range(WINDOWS):
        ours.append(through_the_stages(running, SECONDS))
        # Begun anew each time: while ours is measured they are not there.
        with two_bare_loops(running, working=False) as through_them:
            bare_loops.append(through_them(SECONDS, WARM_UP_S))
    return {
        "latency_ms": asdict(Latency.median(ours)),
        "two_bare_loops_ms": asdict(Latency.median(bare_loops)),
        "latency_windows_p99_ms": [window.p99 for window in ours],
    }


def _help() -> float:
    started = time.monotonic()
    subprocess.run([sys.executable, "-m", "loanstream", "--help"], check=True, capture_output=True)
    return time.monotonic() - started


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
