"""What the doctor looks at on this machine, whether a stack runs or not."""

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from loanstream.doctor.check import REINSTALL, Check, guarded
from loanstream.stack import ports, space
from loanstream.stack.kafka import jars
from loanstream.stack.kafka.archive import ARCHIVE, MAKING

GIB = 1024**3
MEMORY_NEEDED_GIB = 3.0


def check_machine(state: Path) -> Iterator[Check]:
    """The rows of the table, and the disk that `state` is on."""
    for name, check in MACHINE.items():
        yield guarded(name, check)
    yield guarded("disk", lambda: _disk(state))


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
    return Check("java runtime", done.returncode == 0, lines[0], REINSTALL)


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


MACHINE: dict[str, Callable[[], Check]] = {
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
