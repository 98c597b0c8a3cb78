"""What the doctor looks at in a running stack: its processes, what they answer, the reader's account, and its files."""

import json
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.client import OK
from pathlib import Path

import psutil

from loanstream.doctor import look_at, work
from loanstream.doctor.check import Check, guarded
from loanstream.doctor.look_at import Found
from loanstream.stack import ports
from loanstream.stack.probe import page
from loanstream.stack.running import RunningStack
from loanstream.stack.table import WORKERS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the stack's checks: how to look, and how to mend (`fix` may name `{state}`, `{logs}` and `{keys}`).

    A look that raises has found that it cannot look.
    """

    look: Callable[[RunningStack], Found]
    fix: str


def check_stack(running: RunningStack) -> Iterator[Check]:
    """The rows of the table, then each worker's health."""
    layout = running.layout
    places = {"state": layout.state, "logs": layout.logs, "keys": layout.keys}
    for name, row in ROWS.items():
        yield _checked(running, name, row.look, row.fix.format(**places))
    known = ports.remembered(layout.ports)
    for part in running.stack["processes"]:
        if part["name"] in known and part["name"].rpartition("-")[0] in WORKERS:
            url = f"http://{ports.LOOPBACK}:{known[part['name']]}/healthz"
            fix = f"see {layout.logs / part['name']}.log"
            yield Check(part["name"], *_health(url), fix)


def _health(url: str) -> Found:
    """Whether a worker calls itself healthy, and its complaint."""
    told = page(url)
    if told is None or told.status == OK:
        return told is not None, url
    try:
        return False, f"{url}: {json.loads(told.body)['complaint']}"
    except (ValueError, KeyError, TypeError):
        return False, f"{url}: status {told.status}"


def _checked(running: RunningStack, name: str, look: Callable[[RunningStack], Found], fix: str) -> Check:
    return guarded(name, lambda: Check(name, *look(running), fix), fix)


def _processes(running: RunningStack) -> Found:
    dead = [part["name"] for part in running.stack["processes"] if not psutil.pid_exists(part["pid"])]
    return not dead, f"not running: {', '.join(dead)}" if dead else "all run"


def _keys(running: RunningStack) -> Found:
    keys = running.layout.keys
    expected = {keys: 0o700} | dict.fromkeys(sorted(keys.iterdir()), 0o600)
    wrong = [f"{path.name} is {_mode(path):04o}" for path, mode in expected.items() if _mode(path) != mode]
    return not wrong, f"{', '.join(wrong)} in {keys.parent}" if wrong else f"{keys} is 0700, its files 0600"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


_START_AGAIN = "stop the stack and start it again: loanstream up --state {state}"

ROWS: Mapping[str, Row] = {
    "processes": Row(_processes, "see {logs}; if the stack was killed, start it again: loanstream up --state {state}"),
    "kafka": Row(look_at.kafka, "see {logs}/kafka.log"),
    "topics": Row(
        look_at.topics,
        f"{_START_AGAIN} (makes what is absent); a tenant whose topics have other partitions needs another name",
    ),
    "rights": Row(look_at.rights, f"{_START_AGAIN} (grants what lacks, takes away what is too much)"),
    "readers": Row(work.readers, f"see {{logs}} for the workers of that group; then {_START_AGAIN}"),
    "progress": Row(work.progress, "see the log in {logs} of the worker that complains of the partition"),
    "brokers' clocks": Row(look_at.clocks, look_at.SET_CLOCKS),
    "warehouse": Row(look_at.warehouse, "see {logs}/warehouse.log"),
    "warehouse reader": Row(look_at.reader, f"{_START_AGAIN} (it takes its passwords from {{keys}})"),
    "reader's limits": Row(
        look_at.readers_limits, f"end whatever else answers at the warehouse's address; then {_START_AGAIN}"
    ),
    "refusals": Row(work.refusals, "see {logs}/warehouse.log"),
    "document store": Row(
        look_at.documents, f"mount its disk writable and make room; where it was removed, {_START_AGAIN}"
    ),
    "keys": Row(_keys, "chmod 700 {keys}; chmod 600 {keys}/*"),
}
