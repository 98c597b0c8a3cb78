"""`loanstream train`: a bundle from the public loan data."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from loanstream.cli.options import AsJson, verb
from loanstream.terminal import emit, table
from schemas.problem import Problem

app = verb()


LOANS = "loan_approval_dataset.csv"


def run_training(data: Path | None, out: Path, recipe: str, *, as_json: bool) -> int:
    """Train `recipe` and write the bundle to `out`."""
    from training.recipes import RECIPES
    from training.train import train

    if recipe not in RECIPES:
        raise Problem(f"--recipe: expected {', '.join(RECIPES)}")
    if data is None:
        raise Problem(f"--data or LOANSTREAM_DATA: expected the folder that holds {LOANS}")
    card = train(_loans(data), out, RECIPES[recipe])
    content: dict[str, Any] = asdict(card)
    emit(content, table(f"bundle in {out}", "", "", rows=[(k, str(v)) for k, v in content.items()]), as_json=as_json)
    return 0


def _loans(data: Path) -> Path:
    """The file of the public loan approval set in the folder `data`, or `data` itself. Problem where it is not."""
    file = data / LOANS if data.is_dir() else data
    if not file.is_file():
        raise Problem(f"no loan data at {file}: --data (LOANSTREAM_DATA) names the folder that holds {LOANS}")
    return file


@app.command()
def train(
    out: Annotated[Path, typer.Option(help="folder for the bundle")],
    data: Annotated[Path | None, typer.Option(envvar="LOANSTREAM_DATA", help="folder of the public data sets")] = None,
    recipe: Annotated[str, typer.Option(help="default or paper")] = "default",
    as_json: AsJson = False,
) -> None:
    """Train a model bundle with its card."""
    raise typer.Exit(run_training(data, out, recipe, as_json=as_json))
