"""What the doctor looks at in a running stack: its processes, what they answer, the reader's account, and its files."""

import json
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from loanstream.doctor import counting, look_at, work
from loanstream.doctor.check import Check, Found, Row, look_through
from loanstream.stack import ports
from loanstream.stack.layout import is_closed, mode_of
from loanstream.stack.probe import page
from loanstream.stack.running import RunningStack
from loanstream.stack.table import WORKERS
from loanstream.stack.wellbeing import complaint_of


def check_stack(running: RunningStack) -> Iterator[Check]:
    """The rows of the table, then each worker's health."""
    layout = running.layout
    places = {"state": layout.state, "logs": layout.logs, "keys": layout.keys}
    yield from look_through(ROWS, running, places)
    known = ports.remembered(layout.ports)
    for part in running.stack["processes"]:
        if part["name"] in known and part["name"].rpartition("-")[0] in WORKERS:
            url = f"http://{ports.LOOPBACK}:{known[part['name']]}"
            fix = f"see {layout.logs / part['name']}.log"
            yield Check(part["name"], *_health(url), fix)
    if "gateway" in running.stack:
        yield Check("gateway", *_gateway(running), f"see {layout.logs / 'gateway.log'}")


def _gateway(running: RunningStack) -> Found:
    """Whether the gateway can serve requests, and else what is wrong, by the names of its parts."""
    url = running.stack["gateway"]["url"]
    found = page(f"{url}/readyz", trusted=ssl.create_default_context(cafile=running.stack["tls"]["ca"]))
    if found is None:
        return False, f"{url}: it does not answer"
    complaints: dict[str, str] = json.loads(found.body)["complaints"]
    return not complaints, f"{url}: {'; '.join(map(': '.join, complaints.items()))}" if complaints else url


def _health(url: str) -> Found:
    """Whether a worker is healthy and ready, and else what it says."""
    complaint = complaint_of(url, page)
    return complaint is None, url if complaint is None else f"{url}: {complaint}"


def _processes(running: RunningStack) -> Found:
    dead = [part["name"] for part in running.stack["processes"] if not psutil.pid_exists(part["pid"])]
    return not dead, f"not running: {', '.join(dead)}" if dead else "all run"


def _keys(running: RunningStack) -> Found:
    keys = running.layout.keys
    expected = {path: 0o700 if path.is_dir() else 0o600 for path in (keys, *sorted(keys.rglob("*")))}
    wrong = [
        f"{path.relative_to(keys.parent)} is {_mode(path):04o}"
        for path, mode in expected.items()
        if _mode(path) != mode
    ]
    return not wrong, f"{', '.join(wrong)} in {keys.parent}" if wrong else f"{keys} is 0700, its files 0600"


def _mode(path: Path) -> int:
    return mode_of(path.stat())


def _closed(running: RunningStack) -> Found:
    """Whether nobody but its owner gets to what lies in the state, where records are in clear."""
    state = running.layout.state
    return is_closed(state.stat()), f"{state} is {_mode(state):04o}"


_START_AGAIN = "stop the stack and start it again: loanstream up --state {state}"

ROWS: Mapping[str, Row] = {
    "processes": Row(_processes, "see {logs}; if the stack was killed, start it again: loanstream up --state {state}"),
    "kafka": Row(look_at.kafka, "see {logs}/kafka.log"),
    "banks": Row(look_at.banks, "loanstream tenant list --state {state}; it names the command that goes on"),
    "operator": Row(look_at.operators_sight, f"{_START_AGAIN} (grants what lacks)", "kafka"),
    "topics": Row(
        look_at.topics,
        f"{_START_AGAIN} (makes what is absent); a tenant whose topics have other partitions needs another name",
        "operator",
    ),
    "rights": Row(look_at.rights, f"{_START_AGAIN} (grants what lacks, takes away what is too much)", "operator"),
    "readers": Row(work.readers, f"see {{logs}} for the workers of that group; then {_START_AGAIN}", "operator"),
    "progress": Row(work.progress, "see the log in {logs} of the worker that complains of the partition", "operator"),
    "brokers' clocks": Row(look_at.clocks, look_at.SET_CLOCKS, "operator"),
    "warehouse": Row(look_at.warehouse, "see {logs}/warehouse.log"),
    "warehouse reader": Row(look_at.reader, f"{_START_AGAIN} (it takes its passwords from {{keys}})", "warehouse"),
    "reader's limits": Row(
        look_at.readers_limits,
        f"end whatever else answers at the warehouse's address; then {_START_AGAIN}",
        "warehouse reader",
    ),
    "figures": Row(counting.figures, "see {logs}/warehouse.log, and docs/warehouse-figures.md", "warehouse reader"),
    "retention": Row(look_at.retention, "see {logs}/warehouse.log", "warehouse reader"),
    "refusals": Row(work.refusals, "see {logs}/warehouse.log", "warehouse reader"),
    "document store": Row(
        look_at.documents, f"mount its disk writable and make room; where it was removed, {_START_AGAIN}"
    ),
    "state": Row(_closed, "chmod 700 {state}: applicants' data lies there for whoever gets in"),
    "keys": Row(_keys, "chmod -R u=rwX,go= {keys}"),
}
