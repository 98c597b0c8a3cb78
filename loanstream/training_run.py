"""`loanstream train`: a bundle from the public loan data, or from seeded data of the same layout."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from loanstream.show import emit, table


def run_training(data: Path | None, out: Path, recipe: str, *, as_json: bool) -> int:
    """Train `recipe` and write the bundle to `out`."""
    from training.recipes import recipe_named
    from training.train import train

    card = train(data or default_data(), out, recipe_named(recipe))
    content: dict[str, Any] = asdict(card)
    emit(content, table(f"bundle in {out}", "", "", rows=[(k, str(v)) for k, v in content.items()]), as_json=as_json)
    return 0


def default_data() -> Path:
    """The public data sets beside the project."""
    return Path(__file__).resolve().parents[2] / "shared" / "data"
