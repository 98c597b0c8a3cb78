"""A bundle trained again from its data: for whoever doubts it, and for the report of one that has none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from loanstream.models.described import CARD, CARD_TEXT, Described
from schemas.problem import Problem
from scoring.bundle import is_of_other_data
from scoring.canonical import sha256


@dataclass(frozen=True, slots=True)
class Again:
    """The files that training writes now, and its validation report when it is asked for."""

    files: dict[str, bytes]
    report: Callable[[], bytes]


def trained_again(bundle: Described, data: Path) -> Again:
    """The training that a manifest names, with the file that it names by its SHA-256; as long as training took.

    Raises Problem for another file, for a recipe that this code does not have, and for data that cannot be used.
    """
    expected = bundle.manifest.get("data", {}).get("sha256")
    if sha256(data.read_bytes()).removeprefix("sha256:") != str(expected).removeprefix("sha256:"):
        raise Problem(f"{data.name} is not the file that the manifest names by its SHA-256")
    return _table(bundle, data) if is_of_other_data(bundle.files) else _loans(bundle, data)


def report_of(bundle: Described, data: Path) -> bytes:
    """The validation report. Raises Problem as `trained_again` does, and where training gives another bundle."""
    again = trained_again(bundle, data)
    if again.files["manifest.json"] != bundle.files["manifest.json"]:
        raise Problem(
            f"{bundle.named}: trained again it is another bundle here; a report of it would not be this bundle's"
        )
    return again.report()


def _loans(bundle: Described, data: Path) -> Again:
    from training.data import read_loans
    from training.recipes import RECIPES
    from training.report.of_loans import report_of_loans
    from training.train import train_loans

    named = bundle.manifest.get("trainer", {}).get("recipe")
    if named not in RECIPES:
        raise Problem(f"this code has no recipe {named}; expected one of {', '.join(RECIPES)}")
    made = train_loans(read_loans(data), RECIPES[named], bundle.manifest["currency"])
    return Again(made.files, lambda: report_of_loans(made))


def _table(bundle: Described, data: Path) -> Again:
    """By the bundle's own specification. What its card says of how the columns were found is taken from the card: it
    was said by whoever inferred them.
    """
    import orjson

    from training.report.of_table import report_of_table
    from training.specification import parse_specification
    from training.tabular.bundle import SPECIFICATION
    from training.tabular.card import card_markdown
    from training.tabular.data import by_specification
    from training.tabular.train import train_table

    specification = parse_specification(bundle.files[SPECIFICATION].decode(), SPECIFICATION)
    made = train_table(by_specification(data, specification))
    made.card["said"] = bundle.card.get("said", made.card["said"])
    files = {
        **made.files,
        CARD: orjson.dumps(made.card, option=orjson.OPT_INDENT_2),
        CARD_TEXT: card_markdown(made.card).encode(),
    }
    return Again(files, lambda: report_of_table(made))
