"""What the doctor looks at in a running stack: its processes, what they answer, the reader's account, and its files."""

import http.client
import re
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from clickhouse_connect.driver.exceptions import ClickHouseError

from loanstream.doctor.check import Check, guarded
from loanstream.install import topics
from loanstream.installation import Installation
from loanstream.stack import ports
from loanstream.stack.kafka.node import is_ready
from schemas.operations import SKEW_MOST_MS
from schemas.problem import Problem
from stores.documents.blobs import FileBlobs

TOLD = 3
"""So many topics are told by name; a new tenant may lack all of its own."""
AHEAD_MOST_MS = SKEW_MOST_MS // 5
"""Well before the brokers' clocks differ by more than activations allow for."""
Found = tuple[bool, str]
"""Whether it is well, and what was found."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the stack's checks: how to look, and how to mend (`fix` may name `{state}`, `{logs}` and `{keys}`).

    A look that raises has found that it cannot look.
    """

    look: Callable[[Installation], Found]
    fix: str


# Nothing comes of these where they are not refused.
PROBES: Mapping[str, str] = {
    "CREATE": "CREATE TABLE IF NOT EXISTS decisions_log (refused UInt8) ENGINE = Memory",
    "INSERT": "INSERT INTO decisions_log SELECT * FROM decisions_log WHERE 0",
    "file()": "SELECT * FROM file('/dev/null', 'LineAsString')",
    "url()": "DESCRIBE TABLE url('http://127.0.0.1:1/', 'LineAsString', 'line String')",
    "executable()": "DESCRIBE TABLE executable('true', 'TSV', 'line String')",
}
_REFUSED = re.compile(r"\bcode: (164|497)\b", re.IGNORECASE)
"""READONLY and ACCESS_DENIED: another failure of a probe is none of the account's limits."""


def check_stack(running: Installation) -> Iterator[Check]:
    """The rows of the table, then each worker's health."""
    layout = running.layout
    places = {"state": layout.state, "logs": layout.logs, "keys": layout.keys}
    for name, row in ROWS.items():
        yield _checked(running, name, row.look, row.fix.format(**places))
    known = ports.remembered(layout.ports)
    for part in running.stack["processes"]:
        if part["name"] in known and part["name"] != "warehouse":
            url = f"http://{ports.LOOPBACK}:{known[part['name']]}/healthz"
            yield Check(part["name"], _answers(url), url, f"see {layout.logs / part['name']}.log")


def _checked(running: Installation, name: str, look: Callable[[Installation], Found], fix: str) -> Check:
    return guarded(name, lambda: Check(name, *look(running), fix), fix)


def _processes(running: Installation) -> Found:
    dead = [part["name"] for part in running.stack["processes"] if not psutil.pid_exists(part["pid"])]
    return not dead, f"not running: {', '.join(dead)}" if dead else "all run"


def _kafka(running: Installation) -> Found:
    return is_ready(running.bootstrap), running.bootstrap


def _topics(running: Installation) -> Found:
    if not is_ready(running.bootstrap):
        raise Problem("kafka does not answer")
    wrong = topics.differences(running.admin_settings, running.tenants)
    if not wrong:
        return True, f"all there for {', '.join(running.tenants)}, with their partitions"
    more = f"; and {len(wrong) - TOLD} more" if len(wrong) > TOLD else ""
    return False, "; ".join(wrong[:TOLD]) + more


def _clocks(running: Installation) -> Found:
    """Of each broker's newest stamp, how far it is ahead of this machine's clock: what is behind cannot be seen so."""
    if not is_ready(running.bootstrap):
        raise Problem("kafka does not answer")
    newest = topics.newest_stamps(running.admin_settings, running.tenants)
    now_ms = time.time_ns() // 1_000_000
    ahead = {broker: (at_ms - now_ms) / 1000 for broker, at_ms in newest.items() if at_ms - now_ms > AHEAD_MOST_MS}
    if ahead:
        told = (f"broker {broker} is {seconds:.1f} s ahead of this machine" for broker, seconds in ahead.items())
        return False, "; ".join(told)
    return True, f"no broker of {len(newest)} has stamped records ahead of this machine's clock"


def _warehouse(running: Installation) -> Found:
    url = running.stack["warehouse"]["url"]
    return _answers(f"{url}/ping"), url


def _reader(running: Installation) -> Found:
    _read_client(running).close()
    return True, f"{running.stack['warehouse']['user']} logs in"


def _readers_limits(running: Installation) -> Found:
    client = _read_client(running)
    taken = [name for name, statement in PROBES.items() if not _is_refused(client, statement)]
    return not taken, f"not refused: {', '.join(taken)}" if taken else f"refused: {', '.join(PROBES)}"


def _read_client(running: Installation) -> Any:
    if not _warehouse(running)[0]:
        raise Problem("the warehouse does not answer")
    try:
        return running.warehouse()
    except ClickHouseError as error:
        raise Problem(f"{running.stack['warehouse']['user']} does not get in: {_own_words(error)}") from error


def _own_words(error: Exception) -> str:
    """The server's words, without the client's around them."""
    found = re.search(r"DB::Exception: (.*?)\s*(?:\(version|\(for url|$)", str(error))
    return found.group(1) if found else type(error).__name__


def _is_refused(client: Any, statement: str) -> bool:
    try:
        client.command(statement)
    except ClickHouseError as error:
        return _REFUSED.search(str(error)) is not None
    return False


def _documents(running: Installation) -> Found:
    store = FileBlobs.at(running.stack["documents"]["url"])
    store.try_write()
    return True, f"{store.root} takes writes"


def _keys(running: Installation) -> Found:
    keys = running.layout.keys
    expected = {keys: 0o700} | dict.fromkeys(sorted(keys.iterdir()), 0o600)
    wrong = [f"{path.name} is {_mode(path):04o}" for path, mode in expected.items() if _mode(path) != mode]
    return not wrong, f"{', '.join(wrong)} in {keys.parent}" if wrong else f"{keys} is 0700, its files 0600"


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or ports.LOOPBACK, parts.port, timeout=2)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


_START_AGAIN = "stop the stack and start it again: loanstream up --state {state}"

ROWS: Mapping[str, Row] = {
    "processes": Row(_processes, "see {logs}; if the stack was killed, start it again: loanstream up --state {state}"),
    "kafka": Row(_kafka, "see {logs}/kafka.log"),
    "topics": Row(
        _topics,
        f"{_START_AGAIN} (makes what is absent); a tenant whose topics have other partitions needs another name",
    ),
    "brokers' clocks": Row(
        _clocks, "set the clocks of brokers and of this machine by NTP: activations bear a difference of 5 s"
    ),
    "warehouse": Row(_warehouse, "see {logs}/warehouse.log"),
    "warehouse reader": Row(_reader, f"{_START_AGAIN} (it takes its passwords from {{keys}})"),
    "reader's limits": Row(
        _readers_limits, f"end whatever else answers at the warehouse's address; then {_START_AGAIN}"
    ),
    "document store": Row(_documents, f"mount its disk writable and make room; where it was removed, {_START_AGAIN}"),
    "keys": Row(_keys, "chmod 700 {keys}; chmod 600 {keys}/*"),
}
