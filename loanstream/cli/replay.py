"""`loanstream replay`: every decision made again, bit for bit."""

from dataclasses import asdict
from typing import Annotated, Any

import typer

from loanstream.ask.replay import Replayed
from loanstream.ask.replay import replay as replay_all
from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import emit

app = verb()


@app.command()
def replay(
    application_id: Annotated[str | None, typer.Argument(help="one application (default: every decision)")] = None,
    tenant: TenantOption = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make every decision again from its receipt's inputs and compare bit for bit."""
    done = replay_all(installation_of(state), tenant, application_id)
    value: dict[str, Any] = {"totals": dict(done.totals), "unequal": [asdict(verdict) for verdict in done.unequal]}
    emit(value, replay_text(done), as_json=as_json)
    raise typer.Exit(done.exit_code)


def replay_text(done: Replayed) -> str:
    """Whatever is not equal, then the totals."""
    totals = ", ".join(f"{count} {result}" for result, count in done.totals.most_common()) or "no decisions"
    left = done.totals.total() - done.totals["equal"] - len(done.unequal)
    more = [f"... and {left} more"] if left > 0 else []
    return "\n".join([*map(str, done.unequal), *more, totals])
