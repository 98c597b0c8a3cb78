"""Room for a fresh stack is made of nothing but an earlier stack's state."""

from pathlib import Path

import pytest

from loanstream.demo.run import run as run_demo
from loanstream.lab.chaos.run import run_chaos
from loanstream.stack.fresh import clear
from loanstream.stack.layout import Layout
from loanstream.stack.lock import hold, is_held
from schemas.problem import Problem


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The state that an earlier stack left."""
    layout = Layout(tmp_path / "state")
    layout.make()
    (layout.kafka / "data").mkdir()
    layout.ports.write_text("{}")
    with hold(layout.lock):
        pass
    return layout.state


def everything(directory: Path) -> list[Path]:
    return sorted(directory.rglob("*"))


def test_an_earlier_state_is_emptied(earlier: Path) -> None:
    """Nothing but the lock is left, and a second time there is nothing to do."""
    for _ in range(2):
        clear(earlier)
        assert everything(earlier) == [earlier / "up.lock"]


def test_what_a_state_links_to_stays(earlier: Path, tmp_path: Path) -> None:
    """Documents kept on another disk are not the state's own."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "paper").write_text("mine")
    (earlier / "documents").rmdir()
    (earlier / "documents").symlink_to(tmp_path / "disk")
    clear(earlier)
    assert (tmp_path / "disk" / "paper").read_text() == "mine"
    assert not (earlier / "documents").is_symlink()


def test_an_absent_or_empty_directory_is_room_already(tmp_path: Path) -> None:
    """It is neither made nor written to."""
    clear(tmp_path / "absent")
    clear(tmp_path)
    assert everything(tmp_path) == []


@pytest.mark.parametrize("found", ["notes.txt", "documents", "Documents"])
def test_a_users_directory_is_left_alone(tmp_path: Path, found: str) -> None:
    """A directory without a lock is not a stack's, whatever its folders are called."""
    (tmp_path / found).mkdir()
    with pytest.raises(Problem, match=f"{tmp_path} is a directory .* left alone; expected"):
        clear(tmp_path)
    assert everything(tmp_path) == [tmp_path / found]


def test_a_users_file_within_a_state_keeps_it(earlier: Path) -> None:
    """Somebody who ran a stack in a directory of theirs loses nothing: the line names what is not a stack's."""
    (earlier / "notes.txt").write_text("mine")
    before = everything(earlier)
    with pytest.raises(Problem, match=r"holds notes\.txt"):
        clear(earlier)
    assert everything(earlier) == before


def test_a_file_is_no_state(tmp_path: Path) -> None:
    """It is not removed for a directory's sake."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(Problem, match="is a file"):
        clear(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_nothing_is_taken_from_a_stack_that_runs(earlier: Path) -> None:
    """While its lock is held, the line names the directory and what to do."""
    before = everything(earlier)
    with hold(earlier / "up.lock"), pytest.raises(Problem, match=f"running at {earlier} .* another --state"):
        clear(earlier)
    assert everything(earlier) == before


def test_a_lock_is_held_until_it_is_let_go(earlier: Path) -> None:
    """To look does not take it, and where there is none nobody holds it."""
    lock = earlier / "up.lock"
    with hold(lock):
        assert is_held(lock)
    assert not is_held(lock)
    assert not is_held(earlier / "no.lock")


@pytest.mark.parametrize("begin", [lambda state: run_demo(state, lambda *_: None), lambda state: run_chaos(state, [])])
def test_demo_and_chaos_ask_before_they_begin(tmp_path: Path, begin) -> None:
    """A user's directory given to either is as it was afterwards, and no stack was started."""
    state = tmp_path / "mine"
    state.mkdir()
    (state / "notes.txt").write_text("mine")
    with pytest.raises(Problem, match=r"holds notes\.txt"):
        begin(state)
    assert everything(tmp_path) == [state, state / "notes.txt"]
