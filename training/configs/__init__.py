"""Specifications of public data sets, by name."""

from importlib.resources import files

NAMES: tuple[str, ...] = ("boston_hmda", "dream_housing", "loan_approval")


def shipped_specification(name: str) -> str:
    """The YAML of a shipped specification; KeyError where there is none of this name."""
    if name not in NAMES:
        raise KeyError(name)
    return (files(__name__) / f"{name}.yaml").read_text("utf-8")
