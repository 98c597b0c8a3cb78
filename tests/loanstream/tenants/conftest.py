"""What the tests of banks share: an installation in memory and in files (`place`)."""

import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))  # test folders are no packages

from place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A guarded installation."""
    return Place(tmp_path / "one")


@pytest.fixture
def make_place(tmp_path: Path):
    """Makes others like it."""
    return lambda name, **more: Place(tmp_path / name, **more)


@pytest.fixture(autouse=True)
def _no_power_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of small files are made here, and none has to outlast a power cut."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
