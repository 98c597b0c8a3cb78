"""`loanstream chaos`: every fault of a table, under load."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import verb

app = verb()


@app.command()
def chaos(
    state: Annotated[Path, typer.Option(help="where its stack is made, anew")] = Path("chaos-state"),
    kills: Annotated[int, typer.Option(min=0, help="kills of the workers of each stage")] = 10,
    restarts: Annotated[int, typer.Option(min=0, help="broker stops, and as many kills")] = 5,
    others: Annotated[int, typer.Option(min=0, help="rounds of every other fault")] = 1,
    only: Annotated[str, typer.Option(metavar="NAMES", help="faults whose names hold one of these, by commas")] = "",
    tokens: Annotated[
        bool, typer.Option("--tokens", help="the soak of tokens alone: over many lives, with rotations, 6 minutes")
    ] = False,
    selftest: Annotated[bool, typer.Option("--selftest", help="take rules out; each run must turn red")] = False,
) -> None:
    """Apply every fault of a table to a stack under load, and count what became of each record."""
    from loanstream.lab.chaos.faults import NoSuchFault, chosen, table
    from loanstream.lab.chaos.run import run_chaos
    from loanstream.lab.chaos.run import selftest as run_selftest

    if tokens:
        from loanstream.lab.chaos.tokens import run_tokens

        raise typer.Exit(run_tokens(state.absolute()))
    if selftest:
        raise typer.Exit(run_selftest(state.absolute()))
    try:
        faults = chosen(table(kills, restarts, others), only)
    except NoSuchFault as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--only") from None
    raise typer.Exit(run_chaos(state.absolute(), faults))
