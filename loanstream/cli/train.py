"""`loanstream train`: a bundle from the public loan data, or from any data set (see `train_table`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group

from loanstream.cli.listed import listed
from loanstream.cli.options import AsJson, verb
from loanstream.cli.said_for_all import CurrencyOption
from loanstream.terminal import aside, emit, table
from schemas.problem import Problem, WrongOption

if TYPE_CHECKING:
    from training.card import Card
    from training.train import Training

app = verb()


LOANS = "loan_approval_dataset.csv"


def run_training(
    data: Path | None, out: Path, recipe: str, currency: str, *, force: bool, report: bool, as_json: bool
) -> int:
    """Train `recipe` and write the bundle to `out`. Problem where another bundle is there, unless by `force`."""
    from training.folder import AnotherBundleError
    from training.recipes import RECIPES
    from training.train import train

    if recipe not in RECIPES:
        raise WrongOption(f"--recipe: expected {', '.join(RECIPES)}")
    if data is None:
        raise WrongOption(f"--data or LOANSTREAM_DATA: expected the folder that holds {LOANS}")
    try:
        card = train(
            loans_file(data), out, RECIPES[recipe], currency, overwrite=force, also=_report if report else _nothing
        )
    except AnotherBundleError as there:
        raise Problem(f"{there}; name another --out, or overwrite it with --force") from None
    if as_json:
        for warning in card.warnings:
            aside(warning)
    emit({**card.as_json(), "bundle": str(out)}, card_text(card, out), as_json=as_json)
    return 0


def _report(made: "Training") -> dict[str, bytes]:
    from training.folder import REPORT
    from training.report.of_loans import report_of_loans

    return {REPORT: report_of_loans(made)}


def _nothing(made: "Training") -> dict[str, bytes]:
    del made
    return {}


def card_text(card: "Card", out: Path) -> Group:
    """What was trained and how well it does; the card in the bundle holds the rest."""
    from training.card import direction_sentence, ece_sentence, price_sentence, unsure_sentence

    heads = [
        ("bundle", f"{card.name} in {out}"),
        ("id", card.bundle_id),
        ("trained on", f"{card.rows:,} rows of {card.data_source}, {card.approved_share:.1%} approved"),
        ("features", ", ".join(card.features)),
        *(("warning", warning) for warning in card.warnings),
        ("directions", direction_sentence(card)),
        *([("their price", price_sentence(card))] if price_sentence(card) else []),
        ("unsure", unsure_sentence(card)),
        ("card", str(out / "card.md")),
        *([("report", str(out / "report.html"))] if (out / "report.html").exists() else []),
    ]
    rows = [
        (name, *(f"{one:.5f}" for one in (found.value, found.low, found.high))) for name, found in card.metrics.items()
    ]
    figures = table("figures, out of fold, with their 95 % intervals", "figure", "mean", "from", "to", rows=rows)
    return Group(listed(heads), "", figures, "", ece_sentence(card))


def loans_file(data: Path) -> Path:
    """The file of the public loan approval set in the folder `data`, or `data` itself. Problem where it is not."""
    file = data / LOANS if data.is_dir() else data
    if not file.is_file():
        raise Problem(f"no loan data at {file}: --data (LOANSTREAM_DATA) names the folder that holds {LOANS}")
    return file


def _folder(text: str) -> Path:
    """An empty name would mean the folder one stands in."""
    if not text.strip():
        raise typer.BadParameter("expected a folder for the bundle")
    return Path(text)


@app.command()
def train(  # noqa: PLR0913, PLR0917 - a row an option, as the command line has them
    out: Annotated[
        Path | None,
        typer.Option(
            parser=_folder,
            metavar="<path>",
            help="folder for the bundle (with --config or --target: NAME-bundle where one stands, unless it is named)",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(envvar="LOANSTREAM_DATA", help="the data set's file, or the folder of the public data sets"),
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="the data set's specification: a YAML file, or the name of a shipped one")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="of a data set never seen, the column to be told: its specification is inferred")
    ] = None,
    recipe: Annotated[str, typer.Option(help="default, as-labelled or paper; of the loan layout alone")] = "default",
    currency: CurrencyOption = "INR",
    force: Annotated[bool, typer.Option("--force", help="overwrite another bundle that is in the folder")] = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="the validation report, report.html beside the card")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Train a model bundle with its card and validation report: of the loan layout, or with --config or --target of any
    data set.

    A folder that holds another bundle is left as it is: exit 1. The same data and recipe give the same bytes.
    """
    if config is None and target is None:
        if out is None:
            raise WrongOption("--out: expected a folder for the bundle")
        raise typer.Exit(run_training(data, out, recipe, currency, force=force, report=report, as_json=as_json))
    if config is not None and target is not None:
        raise WrongOption("expected one of both: --config, which names the target, or --target")
    if recipe != "default":
        raise WrongOption("--recipe: only of the loan layout, without --config and --target")
    from loanstream.cli.train_table import train_any

    raise typer.Exit(train_any(data, out, config, target, force=force, report=report, as_json=as_json))
