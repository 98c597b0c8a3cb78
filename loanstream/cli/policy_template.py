"""A new policy document: the commented template under a name of its own."""

import re
from importlib import resources
from pathlib import Path

from schemas.problem import Problem
from scoring.shipped import POLICIES

ENDINGS = frozenset({".yaml", ".yml"})
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


def write_template(named: str) -> tuple[Path, str]:
    """Write a policy to `named`, a file or the name of one in this directory; the file, and what the policy is called.

    Problem where there is such a file already, or no policy may be called so; OSError where it cannot be written.
    """
    file = Path(named) if Path(named).suffix in ENDINGS else Path(f"{named}.yaml")
    name = file.stem
    if not _NAME.fullmatch(name):
        raise Problem(f"no policy is called {name!r}: expected letters, digits, '.', '_' or '-'")
    if name in POLICIES:
        raise Problem(f"{name} is shipped, and --policy {name} would go on to mean that one: expected another name")
    text = template_text().replace("\nname: template\n", f'\nname: "{name}"\n')
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        raise Problem(f"{file} is there already, and stays as it is: expected another name") from None
    return file, name


def template_text() -> str:
    """The template, which is a sound policy."""
    return (resources.files("scoring") / "policies" / "template.yaml").read_text("utf-8")
