"""`loanstream train`: a bundle from the public loan data."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group

from loanstream.cli.listed import listed
from loanstream.cli.options import AsJson, verb
from loanstream.terminal import emit, table
from schemas.problem import Problem, WrongOption

if TYPE_CHECKING:
    from training.card import Card

app = verb()


LOANS = "loan_approval_dataset.csv"


def run_training(data: Path | None, out: Path, recipe: str, *, force: bool, as_json: bool) -> int:
    """Train `recipe` and write the bundle to `out`. Problem where another bundle is there, unless by `force`."""
    from training.recipes import RECIPES
    from training.train import AnotherBundleError, train

    if recipe not in RECIPES:
        raise WrongOption(f"--recipe: expected {', '.join(RECIPES)}")
    if data is None:
        raise WrongOption(f"--data or LOANSTREAM_DATA: expected the folder that holds {LOANS}")
    try:
        card = train(loans_file(data), out, RECIPES[recipe], overwrite=force)
    except AnotherBundleError as there:
        raise Problem(f"{there}; name another --out, or overwrite it with --force") from None
    emit(card.as_json(), card_text(card, out), as_json=as_json)
    return 0


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
def train(
    out: Annotated[Path, typer.Option(parser=_folder, metavar="<path>", help="folder for the bundle")],
    data: Annotated[Path | None, typer.Option(envvar="LOANSTREAM_DATA", help="folder of the public data sets")] = None,
    recipe: Annotated[str, typer.Option(help="default, as-labelled or paper")] = "default",
    force: Annotated[bool, typer.Option("--force", help="overwrite another bundle that is in the folder")] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model bundle with its card.

    A folder that holds another bundle is left as it is: exit 1. The same data and recipe give the same bytes.
    """
    raise typer.Exit(run_training(data, out, recipe, force=force, as_json=as_json))
