"""`loanstream top`: what flows now, on a terminal."""

import sys
import time
from typing import Annotated

import typer
from rich.live import Live

from loanstream.cli.options import AsJson, State, TenantOption, installation_of, verb
from loanstream.terminal import console, emit
from loanstream.top.look import EVERY_S, Looks
from loanstream.top.screen import screen

app = verb()

HINT = "(Ctrl-C ends)"


@app.command()
def top(
    tenant: TenantOption = None,
    once: Annotated[
        bool, typer.Option("--once", help="print one look and end (as where the output is no terminal)")
    ] = False,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """What flows now: rates, what waits and for how long, decisions, dead letters; again every second.

    With --once or --json one look; exit 1 where the broker or the warehouse could not be asked.
    """
    installation = installation_of(state)
    with Looks(installation, installation.narrowed(tenant)) as looks:
        if once or as_json or not sys.stdout.isatty():
            frame = looks.once()
            emit(frame.as_json(), screen(frame), as_json=as_json)
            raise typer.Exit(1 if frame.away else 0)
        _live(looks)


def _live(looks: Looks) -> None:
    looks.follow()
    try:
        with Live(screen(looks.frame(), HINT), console=console(), screen=True, auto_refresh=False) as live:
            while True:
                live.update(screen(looks.frame(), HINT), refresh=True)
                time.sleep(EVERY_S)
    except KeyboardInterrupt:
        return
