"""`loanstream replay`: every decision made again, bit for bit."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer

from loanstream.ask.activated import UNCHECKED
from loanstream.ask.replay import RESULTS, Replayed
from loanstream.ask.replay import replay as replay_all
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import emit

app = verb()

TOLD = 20
"""Decisions of each result that a screen names; --json has the first thousand."""


@app.command()
def replay(
    application_id: Annotated[str | None, typer.Argument(help="one application (default: every decision)")] = None,
    tenant: TenantOption = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make every decision again from its receipt's inputs and compare bit for bit."""
    done = replay_all(installation_of(state), tenant, application_id)
    emit(replay_json(done), replay_text(done), as_json=as_json)
    raise typer.Exit(done.exit_code)


def replay_json(done: Replayed) -> dict[str, Any]:
    """Totals and examples by result, and the records behind the decisions."""
    return {
        "totals": dict(done.totals),
        "faults": sum(done.totals[name] for name, fault in RESULTS.items() if fault),
        "decision_records": {**asdict(done.records), "repeats": done.records.repeats},
        "activations_known": done.activations_known,
        "unequal": [asdict(verdict) for verdict in done.unequal],
    }


def replay_text(done: Replayed) -> str:
    """The first of each result that is not equal, the totals, the records behind them, and what was not checked."""
    totals = ", ".join(f"{count} {result}" for result, count in done.totals.most_common()) or "no decisions"
    unchecked = [] if done.activations_known else [UNCHECKED]
    return "\n".join([*_examples(done), totals, str(done.records), *unchecked])


def _examples(done: Replayed) -> Iterator[str]:
    for result, verdicts in done.examples.items():
        yield from map(str, verdicts[:TOLD])
        left = done.totals[result] - TOLD
        if verdicts and left > 0:
            yield f"... and {left} more: {result}"
