"""`loanstream demo`: the main job on a fresh stack."""

from pathlib import Path
from typing import Annotated

import typer

from loanstream.cli.options import AsJson, verb
from loanstream.stack.layout import default_state

app = verb()


@app.command()
def demo(
    state: Annotated[Path | None, typer.Option("--state", help="where the demo's state is kept")] = None,
    as_json: AsJson = False,
    scale: Annotated[float, typer.Option(min=0.01, max=100.0, help="more or fewer applications")] = 1.0,
) -> None:
    """Start a fresh stack, send it more than a thousand applications, and show what happened."""
    from loanstream.demo.show import show_demo

    raise typer.Exit(show_demo((state or default_state().with_name("loanstream-demo")).absolute(), as_json, scale))
