"""Room for a fresh stack: an earlier state is taken away, and nothing else ever is."""

import shutil
from pathlib import Path

from loanstream.stack.layout import Layout
from loanstream.stack.lock import hold
from schemas.problem import Problem


def clear(state: Path) -> None:
    """Empty `state`, where it is an earlier state that nobody has open; its lock stays.

    Problem, with everything left as it is, for a directory that holds anything else, and while a stack runs there.
    """
    layout = Layout(state)
    if not state.exists() or (state.is_dir() and not any(state.iterdir())):
        return
    _must_be_ours(layout)
    with hold(layout.lock):
        for path in state.iterdir():
            if path != layout.lock:
                _remove(path)


def _must_be_ours(layout: Layout) -> None:
    if not layout.state.is_dir():
        found = "a file"
    elif foreign := layout.foreign():
        found = f"a directory that holds {foreign[0]}"
    elif not layout.lock.exists():
        found = f"a directory without {layout.lock.name}"
    else:
        return
    raise Problem(
        f"{layout.state} is {found}, and is left alone; expected the state of an earlier stack, "
        "an empty directory, or none: take another --state"
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
