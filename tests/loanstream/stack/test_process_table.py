"""The table of the stack's processes."""

from pathlib import Path

import pytest

from loanstream.stack import space
from loanstream.stack.kafka import jars
from loanstream.stack.layout import Layout
from loanstream.stack.table import Plan, children, worker_names
from stores.keys import KeyFiles


def _said(state: Path) -> dict[str, list[str]]:
    """What each child's suspects have to say, by its name."""
    layout = Layout(state)
    ports = dict.fromkeys(("warehouse", *worker_names(1)), 1)
    plan = Plan(layout, ("bank-a",), 1, "127.0.0.1:1", ("java",), KeyFiles(layout.keys).make_passwords(), ports)
    return {child.name: [line for ask in child.suspects if (line := ask())] for child in children(plan)}


def test_a_start_that_fails_suspects_the_disk_and_the_brokers_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of any child that does not start a full disk is told, and of the broker a corrupt jar before that."""
    monkeypatch.setattr(jars, "corrupt", lambda _: None)
    assert not any(_said(tmp_path).values())
    monkeypatch.setattr(space, "room_at", lambda path: (path, 0))
    monkeypatch.setattr(jars, "corrupt", lambda home: f"{home.name} is corrupt")
    said = _said(tmp_path)
    assert said["kafka"][0] == f"kafka-{jars.KAFKA_VERSION} is corrupt"
    assert all(lines[-1].startswith(f"0 MiB free at {tmp_path}") for lines in said.values())
