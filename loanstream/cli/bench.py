"""`loanstream bench`: figures that compare within one run."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, verb

app = verb()


@app.command()
def bench(
    full: Annotated[
        bool, typer.Option("--full", help="beside rivals, and a million applications: up to an hour")
    ] = False,
    applications: Annotated[int, typer.Option(min=1000, help="through the whole chain, with --full")] = 1_000_000,
    plot: Annotated[Path | None, typer.Option(help="where to draw memory, with --full (SVG)")] = None,
    only: Annotated[
        str,
        typer.Option(
            metavar="PARTS",
            help="of --full, by commas: short, security, rivals, latency, tenants, burst, panels, million",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Measure speed, in one run, as ratios where machines differ."""
    if full:
        from loanstream.lab.bench.full import NoSuchPart, chosen, run_full

        try:
            parts = chosen(only)
        except NoSuchPart as unknown:
            raise typer.BadParameter(str(unknown), param_hint="--only") from None
        raise typer.Exit(run_full(parts, applications, plot, as_json=as_json))
    from loanstream.lab.bench.run import run_bench

    raise typer.Exit(run_bench(as_json=as_json))
