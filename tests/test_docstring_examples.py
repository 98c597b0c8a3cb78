"""The examples in docstrings are true."""

import doctest
import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TYPED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]
"""Every package and module of ours stands there, or mypy would not look at it."""

FILES = [file for room in TYPED["packages"] for file in (ROOT / room).rglob("*.py")]
FILES += [ROOT / f"{name}.py" for name in TYPED["modules"]]
MODULES = sorted(
    ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in FILES if ">>> " in file.read_text("utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_give_what_they_say(name, monkeypatch):
    """What a reader may type from a docstring answers as written there."""
    monkeypatch.syspath_prepend(str(ROOT))  # make_setup.py belongs to no package that is installed
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0
