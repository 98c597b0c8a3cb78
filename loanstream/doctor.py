"""What `loanstream doctor` looks at: this machine, then the stack that runs at a state directory, if one does."""

import http.client
import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from loanstream.stack import jars, ports, space
from loanstream.stack.archive import ARCHIVE, MAKING
from loanstream.stack.layout import Layout, StackFile, read_stack
from loanstream.stack.node import is_ready
from loanstream.stack.problem import StackProblem

GIB = 1024**3
MEMORY_NEEDED_GIB = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report: what was looked at, whether it is well, what was found, how to mend it."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def run_doctor(state: Path) -> list[Check]:
    """Check the machine, then every part of a running stack. Never raises for what it finds."""
    layout = Layout(state.expanduser().absolute())
    checks = [_guarded(name, check) for name, check in _MACHINE.items()]
    checks.append(_guarded("disk", lambda: _disk(layout.state)))
    try:
        stack = read_stack(layout.state)
    except StackProblem as problem:
        return [*checks, Check("stack", True, str(problem))]
    return [*checks, *_stack_checks(layout, stack)]


def _python() -> Check:
    found = platform.python_version()
    return Check("python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer, then: make setup")


def _machine() -> Check:
    found = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    ok = platform.machine() in {"x86_64", "aarch64"} and platform.system() == "Linux"
    return Check("machine", ok, found, "use Linux on x86_64 or aarch64: documents are read behind its seccomp filters")


def _memory() -> Check:
    free = psutil.virtual_memory().available / GIB
    fix = "close something: broker, warehouse and four workers take about 1.5 GiB"
    return Check("memory", free >= MEMORY_NEEDED_GIB, f"{free:.1f} GiB available", fix)


def _disk(state: Path) -> Check:
    place, free = space.room_at(state)
    fix = f"{space.WAY_OUT} ({space.STATE_NEEDS_BYTES // space.MIB} MiB needed)"
    return Check("disk", free >= space.STATE_NEEDS_BYTES, f"{free / GIB:.1f} GiB free at {place}", fix)


def _java() -> Check:
    done = subprocess.run([str(jars.java()), "-version"], check=False, capture_output=True, text=True, timeout=30)
    lines = done.stderr.strip().splitlines() or ["no answer"]
    return Check("java runtime", done.returncode == 0, lines[0], "reinstall the environment: make clean setup")


def _jars() -> Check:
    home = jars.broker_home()
    absent = jars.missing(home)
    if len(absent) == len(jars.pinned()):
        return Check("kafka jars", True, f"none in {home}; the first start fetches them (needs the network)")
    wrong = jars.check_hashes(home)
    found = f"{len(jars.pinned()) - len(wrong)} of {len(jars.pinned())} in {home} have their pinned bytes"
    return Check("kafka jars", not wrong, found, f"remove {home} and start again with a network")


def _archive() -> Check:
    path = jars.broker_home() / ARCHIVE
    found = str(path) if path.exists() else f"none; the first start makes it ({MAKING})"
    return Check("start-up archive", True, found)


def _warehouse_engine() -> Check:
    module = importlib.import_module("chdb")
    return Check("warehouse engine", True, f"chdb {module.__version__}")


def _sandbox() -> Check:
    fix = "run a kernel with seccomp filters (CONFIG_SECCOMP_FILTER), or allow them in the container"
    status = Path("/proc/self/status").read_text()
    return Check("document sandbox", "Seccomp_filters:" in status, "seccomp filters", fix)


def _ports() -> Check:
    chosen = next((port for port in ports.PICKED_FROM if ports.is_free(port)), None)
    found = f"loopback ports from {ports.PICKED_FROM.start} on"
    return Check("ports", chosen is not None, found, f"free a port of {ports.LOOPBACK}")


_MACHINE: dict[str, Callable[[], Check]] = {
    "python": _python,
    "machine": _machine,
    "memory": _memory,
    "java runtime": _java,
    "kafka jars": _jars,
    "start-up archive": _archive,
    "warehouse engine": _warehouse_engine,
    "document sandbox": _sandbox,
    "ports": _ports,
}


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a check that cannot look is a finding, and the others go on
        return Check(name, False, f"{type(error).__name__}: {error}", "reinstall the environment: make clean setup")


def _stack_checks(layout: Layout, stack: StackFile) -> Iterator[Check]:
    dead = [part["name"] for part in stack["processes"] if not psutil.pid_exists(part["pid"])]
    fix = f"see {layout.logs}; if the stack was killed, start it again: loanstream up --state {layout.state}"
    yield Check("processes", not dead, f"not running: {', '.join(dead)}" if dead else "all run", fix)
    address = stack["kafka"]["bootstrap"]
    yield Check("kafka", is_ready(address), address, f"see {layout.logs / 'kafka.log'}")
    warehouse = stack["warehouse"]["url"]
    yield Check("warehouse", _answers(f"{warehouse}/ping"), warehouse, f"see {layout.logs / 'warehouse.log'}")
    known = ports.remembered(layout.ports)
    for part in stack["processes"]:
        if part["name"] in known and part["name"] != "warehouse":
            url = f"http://{ports.LOOPBACK}:{known[part['name']]}/healthz"
            yield Check(part["name"], _answers(url), url, f"see {layout.logs / part['name']}.log")


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
