"""`loanstream train`: a bundle from the public loan data, or from seeded data of the same layout."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from loanstream.show import emit, table
from loanstream.stack.problem import StackProblem


def run_training(data: Path | None, out: Path, recipe: str, *, as_json: bool) -> int:
    """Train `recipe` and write the bundle to `out`."""
    from training.recipes import RECIPES
    from training.train import train

    if recipe not in RECIPES:
        raise StackProblem(f"--recipe: expected {', '.join(RECIPES)}")
    card = train(data or default_data(), out, RECIPES[recipe])
    content: dict[str, Any] = asdict(card)
    emit(content, table(f"bundle in {out}", "", "", rows=[(k, str(v)) for k, v in content.items()]), as_json=as_json)
    return 0


def default_data() -> Path:
    """The public data sets beside the project."""
    return Path(__file__).resolve().parents[2] / "shared" / "data"
