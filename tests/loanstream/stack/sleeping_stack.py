"""`python sleeping_stack.py STATE [TROUBLE]`: run_up with children that only sleep, for tests of the life cycle.

TROUBLE `stubborn` gives one that ignores SIGTERM, `broken` one that ends at once, `parent` one with a child of its own;
`insecure` asks nobody who he is;
`accused` is `broken` with a suspect that knows why;
`full` is a disk without room, `fills` one that is full when the ports are written down, `late` one that is full when a
hook writes.
"""

import errno
import sys
from pathlib import Path
from types import SimpleNamespace

from loanstream.stack import space, up
from loanstream.stack.kafka.node import Addresses
from loanstream.stack.supervisor import Child

SLEEP = "import time; time.sleep(1000)"
TROUBLES = {
    "stubborn": "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)",
    "broken": "import sys; print('out of cheese'); sys.exit(3)",
    "accused": "import sys; print('out of cheese'); sys.exit(3)",
    "parent": f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); time.sleep(1000)",
}


def _children(trouble):
    codes = {"kafka": SLEEP, "warehouse": SLEEP, "verify-0": SLEEP} | (
        {"score-0": TROUBLES[trouble]} if trouble in TROUBLES else {"score-0": SLEEP}
    )
    for name, code in codes.items():
        ready = (lambda: False) if trouble in ("broken", "accused") and name == "score-0" else (lambda: True)
        suspects = (lambda: None, lambda: "the mice") if trouble == "accused" else (lambda: None,)
        yield Child(name, (sys.executable, "-c", code), ready, {"SLEEPER": name}, stop_within_s=0.5, suspects=suspects)


def _say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _refuse_writes(*_, **__):
    # As a write does, whose error names no file.
    raise OSError(errno.ENOSPC, "No space left on device")


def main(state, trouble=""):
    if trouble == "full":
        space.shutil = SimpleNamespace(disk_usage=lambda _: SimpleNamespace(free=space.MIB))
    if trouble == "fills":
        up.ports.keep_or_pick = _refuse_writes
    up.broker_command = lambda *_, **__: (Addresses("127.0.0.1:3", "127.0.0.1:1", "127.0.0.1:2"), ["sleep"])
    up.children = lambda plan: _children(trouble)
    hooks = up.Hooks(
        stores=lambda _: None,
        broker=lambda _: None,
        warehouse=_refuse_writes if trouble == "late" else lambda _: None,
    )
    return up.run_up(Path(state), ("bank-a",), 1, _say, hooks, secure=trouble != "insecure")


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except up.Problem as problem:
        _say(problem)
        sys.exit(1)
