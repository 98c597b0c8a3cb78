"""`loanstream alarms`: what would ring now, without Grafana."""

from contextlib import closing

import typer
from rich.console import Group

from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import emit, table

app = verb()


@app.command()
def alarms(tenant: TenantOption = None, state: State = None, as_json: AsJson = False) -> None:
    """Ask every alarm's question of the warehouse now; exit 1 where one fires.

    How long it has held is not asked: Grafana waits for some alarms, this tells at once.
    """
    from loanstream.alarms import bells, counts, thresholds
    from loanstream.settings import load

    banks = thresholds(load())
    installation = installation_of(state)
    pinned = installation.narrowed(tenant)
    with closing(installation.warehouse()) as client:
        found = bells(client, banks, pinned)
    rows = [
        (
            bell.alarm,
            bell.of,
            "" if bell.value is None else f"{bell.value:.3g}",
            bell.state,
            bell.severity,
            bell.runbook,
        )
        for bell in found
    ]
    shown = table("", "alarm", "of", "value (1 fires)", "state", "is a", "runbook", rows=rows)
    told = counts(found)
    line = ", ".join(f"{number} {name}" for name, number in told.items())
    emit([bell.as_json() for bell in found], Group(shown, line), as_json=as_json)
    raise typer.Exit(1 if "fires" in told else 0)
