"""`loanstream study`: many models on the same folds, and the threshold from stated costs."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group

from loanstream.cli.options import AsJson, verb
from loanstream.cli.train import loans_file
from loanstream.terminal import aside, emit, table
from schemas.problem import Problem, WrongOption

app = verb()

POLICY_NAME = "from-costs"
FILES = ("study.md", "study.csv", "study.json", f"{POLICY_NAME}.yaml")


def run_study(
    data: Path | None, out: Path | None, costs: tuple[float, float, float], *, quick: bool, as_json: bool
) -> int:
    """Study the loans at `data`, and write the result into `out` where there is one."""
    from training.card import ORIGINS
    from training.data import PUBLIC_SET_SHA256, read_loans
    from training.study.contenders import contenders_of_loans
    from training.study.costs import Costs
    from training.study.run import QUICK, Extent, Subject, study

    stated = Costs(*costs)
    if data is None:
        raise WrongOption("--data or LOANSTREAM_DATA: expected the file of loans, or the folder that holds it")
    if out is not None and out.exists() and not out.is_dir():
        raise Problem(f"{out} is a file; expected a folder for the result, or a name that is free")
    loans = read_loans(loans_file(data))
    public = loans.sha256 == PUBLIC_SET_SHA256
    about = {
        "source": loans.source,
        "sha256": loans.sha256,
        "origin": ORIGINS[public],
        "positive": "approved",
        "papers": public,
    }
    subject = Subject(contenders_of_loans(loans, quick=quick), "default", about)
    found = study(subject, stated, QUICK if quick else Extent(), aside)
    if out is not None:
        _write(out, found, stated)
    emit(found, _text(found, out), as_json=as_json)
    return 0


def _write(out: Path, found: dict[str, Any], costs: Any) -> None:
    from training.study.costs import policy_of
    from training.study.report import study_csv, study_markdown

    contents = (
        study_markdown(found),
        study_csv(found),
        json.dumps(found, indent=2) + "\n",
        policy_of(costs, POLICY_NAME),
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, content in zip(FILES, contents, strict=True):
        (out / name).write_text(content, "utf-8")


def _text(found: dict[str, Any], out: Path | None) -> Group:
    """The figures at a glance; the files hold the rest."""
    shown = ("accuracy", "auc", "log_loss", "brier", "ece")
    rows = [(name, *(f"{figures[one]['value']:.5f}" for one in shown)) for name, figures in found["figures"].items()]
    bands = found["threshold"]["bands"]
    lines = [f"bands from the costs: approve above {bands['approve']:g}, decline up to {bands['decline']:g}"]
    lines += [str(out / name) for name in FILES] if out is not None else ["--out DIR writes every table and the policy"]
    return Group(table("figures, out of fold", "model", *shown, rows=rows), "", *lines)


@app.command()
def study(
    data: Annotated[
        Path | None, typer.Option(envvar="LOANSTREAM_DATA", help="the loans, or the folder of the public data sets")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="folder for the tables and the policy")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="fewer folds and resamples: to try it, not to cite")] = False,
    gain: Annotated[float, typer.Option(help="what a good loan earns")] = 1.0,
    loss: Annotated[float, typer.Option(help="what a bad loan costs, in the same unit")] = 5.0,
    review: Annotated[float, typer.Option(help="what a person's look at one applicant costs")] = 0.25,
    as_json: AsJson = False,
) -> None:
    """Compare models on the same folds, and find the threshold from stated costs.

    The same data and options give the same bytes. What it does is told on stderr.
    """
    raise typer.Exit(run_study(data, out, (gain, loss, review), quick=quick, as_json=as_json))
