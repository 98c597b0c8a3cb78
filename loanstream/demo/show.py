"""The demo on the terminal: progress while it runs, then a summary for a risk officer; or one JSON object."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from loanstream.demo.result import Result
from loanstream.demo.run import run
from loanstream.terminal import emit, table
from schemas.causes import says


def show_demo(state: Path, as_json: bool, scale: float) -> int:
    """Run the demo on a fresh `state`; exit code 1 where the figures do not add up."""
    with _bars() as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=of)
            bars.update(tasks[what], completed=done, total=of)

        result = run(state, progress, scale)
    emit(as_object(result), Group(*_summary(result, state)), as_json=as_json)
    return 0 if result.adds_up else 1


def as_object(result: Result) -> dict[str, Any]:
    """The figures under the names that scripts rely on."""
    return {
        "published": result.published.total(),
        "decided": result.decision_ids,
        "recorded": result.recorded,
        "dead_lettered": result.dead_letters,
        "repeats": result.repeats,
        "outcomes": result.outcomes,
        "latency_ms": result.latency_ms,
        "stack_ready_s": round(result.stack_ready_s, 1),
        "sent": dict(result.published),
        "over_https": result.over_https,
        "dead_letter_causes": result.causes,
        "differences": [asdict(difference) for difference in result.differences],
        "replay": result.replay,
        "picture": None if result.picture is None else str(result.picture),
        "adds_up": result.adds_up,
    }


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description:<46}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True, force_terminal=sys.stderr.isatty() or None),
    )


def _summary(result: Result, state: Path) -> list[RenderableType]:
    answers = result.answers
    total = max(1, sum(result.outcomes.values()))
    outcomes = [
        (row["tenant"], row["outcome"], row["decisions"], round(100 * row["decisions"] / total, 1))
        for row in answers["outcomes"]
    ]
    reasons = [(row["outcome"], row["code"], row["decisions"], row["example"]) for row in answers["reasons"]]
    principal = [
        (row["outcome"], row["factor"], row["decisions"], row["example"]) for row in answers["principal_reasons"]
    ]
    documents = [(row["result"], row["applications"], ", ".join(row["claims"])) for row in answers["documents"]]
    latency = [(stage, *figures.values()) for stage, figures in result.latency_ms.items()]
    letters = [(cause, count, says(cause)) for cause, count in sorted(result.causes.items())]
    tables = [
        table("What was sent", "kind", "records", rows=_kinds(result.published)),
        table("What was decided", "bank", "outcome", "decisions", "% of all", rows=outcomes),
        table("How each kind ended", "sent as", "decided", "approved", "referred", "declined", rows=[*result.caught()]),
        table("Why not approved: first reasons", "outcome", "reason", "decisions", "for example", rows=reasons),
        table("What applicants are told", "outcome", "about", "decisions", "for example", rows=principal),
        table("What the documents said", "verification", "applications", "claims contradicted", rows=documents),
        table("How long it took, in ms", "stage", "p50", "p95", "p99", rows=latency),
        table("Dead letters", "cause", "records", "meaning", rows=letters),
    ]
    proofs = [f"  {'ok   ' if proof.holds else 'WRONG'} {proof.said}" for proof in result.proofs]
    return [
        *(part for one in tables for part in ("", one)),
        "",
        *proofs,
        "",
        *([] if result.picture is None else [f"What a risk officer sees is drawn in {result.picture}"]),
        f"The stack was ready after {result.stack_ready_s:.1f} s. Its state is kept at {state}; next, try:",
        f"  loanstream up --state {state}      (opens it again; then, in another terminal:)",
        f"  loanstream dashboards preview --state {state}",
        f"  loanstream show bank-a-000001 --state {state}",
        f"  loanstream decisions --outcome decline --state {state}",
        f"  loanstream dlq list --state {state}",
        f"  loanstream replay --state {state}",
    ]


def _kinds(sent: dict[str, int]) -> list[tuple[Any, ...]]:
    malformed = sum(count for kind, count in sent.items() if kind.startswith("malformed"))
    kinds = [(kind, count) for kind, count in sorted(sent.items()) if not kind.startswith("malformed")]
    return [*kinds, ("malformed, each in another way", malformed), ("together", sum(sent.values()))]
