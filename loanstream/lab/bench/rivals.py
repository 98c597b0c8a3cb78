"""What a stage carries beside bare loops and other libraries: `python -m loanstream.lab.bench.rivals [RECORDS ROUNDS]`.

Every contender (a program in `loanstream/lab/rivals/`) answers the same records with the same work, in a process of its
own, on the same broker, one after the other, in rounds: machines are noisy, so only what was measured in one round is
compared.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loanstream.stack.bound import bound
from loanstream.stack.kafka.broker import EmbeddedKafka
from loanstream.stack.layout import cache_directory
from processors.transport import CHECK_PARTITIONS, CHECK_TOPIC
from schemas.problem import Problem

PROGRAMS = Path(__file__).parents[1] / "rivals"
SOURCE = "bench.applications"
PARTITIONS = 4
RECORDS = 40_000
ROUNDS = 3
SKIPPED = 0.2
"""Share of the outputs at the begin that is not timed: clients join their groups, and the first fetches are small."""
UNTIL = 0.95
"""Share of the outputs after which processor time is not looked at: a loop that has little left waits and polls."""
PATIENCE_S = 120.0
LOOK_S = 0.02
"""Between two looks at a contender's processor time; it is counted in hundredths of a second anyway."""
ENDS_S = 0.2
"""Between two looks at the ends of its output, which the broker has to answer."""

Progress = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a program is told: records a commit (0: by time alone), seconds a commit, how long a producer gathers.

    >>> str(Setting(2000, linger_ms=5))
    '2000 records, linger 5 ms'
    """

    every: int = 500
    interval_s: float = 1.0
    linger_ms: int = 0

    def __str__(self) -> str:
        """In words."""
        each = f"{self.every} records" if self.every else f"{self.interval_s:g} s"
        return f"{each}, linger {self.linger_ms} ms" if self.linger_ms else each

    @property
    def environment(self) -> dict[str, str]:
        """What its process is told; a program takes of it what its library has."""
        return {
            "BENCH_COMMIT_EVERY": str(self.every),
            "BENCH_COMMIT_INTERVAL_S": str(self.interval_s),
            "BENCH_LINGER_MS": str(self.linger_ms),
        }


@dataclass(frozen=True, slots=True)
class Contender:
    """One row: a program, where it runs, and the settings among which its best is looked for."""

    name: str
    program: str
    guarantee: str
    settings: tuple[Setting, ...] = (Setting(),)
    rival: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """One contender in one round: records a second, and the processor time (µs, user and system) of a record."""

    records_per_s: float
    cpu_us: float

    @property
    def wall_us(self) -> float:
        """The time of a record by the clock."""
        return 1e6 / self.records_per_s


Rounds = dict[str, list[Measured]]
"""Each contender's rounds, in the same order."""

Sweep = dict[str, dict[Setting, Measured]]
"""Each contender's settings, as they were tried before the first round."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A broker, and how clients prove themselves there: the bench by `own` settings, a contender by `security`."""

    bootstrap: str
    own: Mapping[str, str] = field(default_factory=dict)
    security: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, Any]:
        """The bench's own."""
        return {"bootstrap.servers": self.bootstrap, "log_level": 3, **self.own}


CpuLook = tuple[float, float]
"""When one looked (ms since 1970), and the processor time (s) that a process had used by then."""

CONTENDERS: tuple[Contender, ...] = (
    Contender("bare_idempotent", "bare_idempotent.py", "at least once"),
    Contender("bare_transactional", "bare_transactional.py", "exactly once"),
    Contender("stage", "our_stage.py", "exactly once"),
    Contender("stage_best", "our_stage.py", "exactly once", (Setting(1000), Setting(2000), Setting(4000))),
    Contender("quix", "quix_streams.py", "exactly once", (Setting(5000), Setting(0, interval_s=5.0)), rival=True),
    Contender(
        *("faststream", "fast_stream.py", "at least once"),
        tuple(Setting(every, linger_ms=linger_ms) for every in (2000, 5000) for linger_ms in (0, 5)),
        rival=True,
    ),
    Contender("plain_faust", "plain_faust.py", "at least once", (Setting(1000), Setting(5000)), rival=True),
)
"""The first three commit every 500 records, so that they compare; the others by whichever of their settings is best."""


def rivals_python(on_progress: Progress = lambda _: None) -> Path:
    """The interpreter of the rivals' environment, made from `bench/requirements.lock` where it is missing."""
    lock = PROGRAMS / "requirements.lock"
    home = cache_directory() / f"rivals-{sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        on_progress("making the rivals' environment (once, about a minute)")
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(lock)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise Problem(f"the rivals' environment cannot be made: {done.stderr.strip().splitlines()[-1]}")
        (home / "complete").touch()
    return python


def measure_rivals(
    records: int = RECORDS, rounds: int = ROUNDS, on_progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Records a second and processor time of each contender (the median of the rounds), and what is asked for of them.

    Two rounds before the first count for nobody: Java compiles the broker's code in them, and each contender tries its
    settings.
    """
    python = rivals_python(on_progress)
    found: Rounds = {contender.name: [] for contender in CONTENDERS}
    with tempfile.TemporaryDirectory(prefix="loanstream-rivals-") as folder, EmbeddedKafka(Path(folder)) as broker:
        at = Reached(broker.bootstrap)
        fill(at, records)

        def run(contender: Contender, setting: Setting, label: str) -> Measured:
            on_progress(f"round {label}: {contender.name}, {setting}")
            return run_contender(contender, setting, label, python, at, records, Path(folder))

        sweep = sweep_of(run, on_progress)
        best = {name: best_of(tried) for name, tried in sweep.items()}
        for number in range(1, rounds + 1):
            for contender in CONTENDERS:
                found[contender.name].append(run(contender, best[contender.name], str(number)))
    return figures_of(found, sweep)


def sweep_of(run: Callable[[Contender, Setting, str], Measured], on_progress: Progress) -> Sweep:
    """Every contender with each of its settings, twice; the second time counts, with a broker that is warm."""
    sweep: Sweep = {}
    for turn in ("warm", "sweep"):
        for contender in CONTENDERS:
            sweep[contender.name] = {
                setting: run(contender, setting, f"{turn}-{number}")
                for number, setting in enumerate(contender.settings)
            }
            on_progress(f"{contender.name}: {_told(sweep[contender.name])} records a second")
    return sweep


def best_of(tried: Mapping[Setting, Measured]) -> Setting:
    """The setting with the most records a second."""
    return max(tried, key=lambda setting: tried[setting].records_per_s)


def _told(tried: Mapping[Setting, Measured]) -> dict[str, int]:
    return {str(setting): round(measured.records_per_s) for setting, measured in tried.items()}


def figures_of(rounds: Rounds, sweep: Sweep) -> dict[str, Any]:
    """What is asked for, of each contender's rounds: ratios and differences are taken within a round.

    Of the sweep only the choice counts.
    """

    def ratio(of: str, to: str) -> float:
        pairs = zip(rounds[of], rounds[to], strict=True)
        return round(median(mine.records_per_s / other.records_per_s for mine, other in pairs), 3)

    pairs = list(zip(rounds["stage"], rounds["bare_transactional"], strict=True))
    return {
        "records_per_s": {name: round(median(one.records_per_s for one in found)) for name, found in rounds.items()},
        "cpu_us_per_record": {name: round(median(one.cpu_us for one in found), 1) for name, found in rounds.items()},
        "commit_every": {name: str(best_of(tried)) for name, tried in sweep.items()},
        "sweep": {name: _told(tried) for name, tried in sweep.items()},
        "guarantee": {contender.name: contender.guarantee for contender in CONTENDERS},
        "stage_vs_bare_transactional": ratio("stage", "bare_transactional"),
        "stage_vs_bare_idempotent": ratio("stage", "bare_idempotent"),
        "stage_vs_quix": ratio("stage_best", "quix"),
        "stage_vs_faststream": ratio("stage_best", "faststream"),
        "stage_vs_plain_faust": ratio("stage_best", "plain_faust"),
        "overhead_us_per_record": round(median(stage.cpu_us - bare.cpu_us for stage, bare in pairs), 1),
        "overhead_wall_us_per_record": round(median(stage.wall_us - bare.wall_us for stage, bare in pairs), 1),
    }


def fill(at: Reached, records: int) -> None:
    """Make the contenders' input: so many applications."""
    rows = [NewTopic(SOURCE, PARTITIONS, 1), NewTopic(CHECK_TOPIC, CHECK_PARTITIONS, 1)]
    with AdminClient(at.settings) as admin:
        for made in admin.create_topics(rows).values():
            made.result(30)
    example = json.loads(
        (resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8")
    )
    # A new broker's coordinators load for a moment: the client would say so among our figures.
    producer = Producer({**at.settings, "enable.idempotence": True, "linger.ms": 50, "log_level": 3})
    for number in range(records):
        example["application_id"] = f"bench-{number}"
        while True:
            try:
                producer.produce(SOURCE, json.dumps(example).encode(), example["application_id"].encode())
            except BufferError:
                producer.poll(0.5)
            else:
                break
    producer.flush(60)


def run_contender(
    contender: Contender, setting: Setting, label: str, python: Path, at: Reached, records: int, folder: Path
) -> Measured:
    """Have a contender answer all records, on a topic of its own."""
    target = f"bench.{contender.name}.{label}"
    row = NewTopic(target, PARTITIONS, 1, config={"message.timestamp.type": "LogAppendTime"})
    with AdminClient(at.settings) as admin:
        admin.create_topics([row])[target].result(30)
    interpreter = str(python) if contender.rival else sys.executable
    # Ours alone may see the product's packages; every contender sees work.py, for that is its own folder.
    paths = {} if contender.rival else {"PYTHONPATH": str(PROGRAMS.parents[2])}
    told = os.environ | setting.environment | paths | {"BENCH_SECURITY": json.dumps(dict(at.security))}
    command = [interpreter, str(PROGRAMS / contender.program), at.bootstrap, SOURCE, target, target.replace(".", "-")]
    log = folder / f"{target}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(bound(command), env=told, stdout=output, stderr=output, cwd=folder)
    try:
        stamps, looks = _stamps(at, target, records, process, log)
    finally:
        process.kill()
        process.wait()
        with AdminClient(at.settings) as admin:
            admin.delete_topics([target])[target].result(30)
    return Measured(rate_of(stamps), cpu_us_of(stamps, looks))


def rate_of(stamps: list[int]) -> float:
    """Records a second by their times in milliseconds: the slope of their count.

    (From the first to the last would favour who writes in bursts: n of them, over n - 1 pauses.)
    """
    first = int(len(stamps) * SKIPPED)
    slope, _ = np.polyfit(stamps[first:], np.arange(first, len(stamps)), 1)
    return 1000 * float(slope)


def cpu_us_of(stamps: list[int], looks: list[CpuLook]) -> float:
    """Microseconds of processor time a record, between a fifth and 95 % of the outputs.

    `stamps` are the outputs' times (ms, ascending); `looks` lie closer together than what is measured is long.
    """
    first, last = int(len(stamps) * SKIPPED), int(len(stamps) * UNTIL) - 1
    moments, used = zip(*looks, strict=True)
    began, ended = np.interp([stamps[first], stamps[last]], moments, used)
    return 1e6 * float(ended - began) / (last - first)


def _stamps(
    at: Reached, target: str, records: int, process: "subprocess.Popen[bytes]", log: Path
) -> tuple[list[int], list[CpuLook]]:
    """The broker's times (ms) of all committed outputs, once there are as many as inputs, and what the process used."""
    looks: list[CpuLook] = []
    until = time.monotonic() + PATIENCE_S
    consumer: Any = Consumer({**at.settings, "group.id": "bench-witness", "isolation.level": "read_committed"})
    try:
        while True:
            if process.poll() is not None or time.monotonic() > until:
                words = log.read_text(errors="replace").strip().splitlines()
                raise Problem(f"{target} did not answer all records: {words[-1] if words else 'it said nothing'}")
            looks += _look_for(ENDS_S, psutil.Process(process.pid))
            # A topic that was only just created may have no leader yet.
            with suppress(KafkaException):
                # Asking for the ends is cheap; the records are read when the race is over.
                if sum(_ends(consumer, target)) >= records:
                    found = sorted(_read(consumer, target))
                    if len(found) >= records:
                        return found, looks
    finally:
        consumer.close()


def _look_for(seconds: float, process: psutil.Process) -> Iterator[CpuLook]:
    """Look for so long at the processor time of a process; of one that ends meanwhile, as long as it is there."""
    until = time.monotonic() + seconds
    with suppress(psutil.NoSuchProcess):
        while time.monotonic() < until:
            used = process.cpu_times()
            yield 1000 * time.time(), used.user + used.system
            time.sleep(LOOK_S)


def _ends(consumer: Any, target: str) -> Iterator[int]:
    for number in range(PARTITIONS):
        yield consumer.get_watermark_offsets(TopicPartition(target, number), timeout=10)[1]


def _read(consumer: Any, target: str) -> Iterator[int]:
    consumer.assign([TopicPartition(target, number, 0) for number in range(PARTITIONS)])
    while messages := consumer.consume(2000, 1.0):
        yield from (message.timestamp()[1] for message in messages if message.error() is None)
    consumer.unassign()


def main() -> None:
    """Print the figures as one JSON object."""
    parser = argparse.ArgumentParser(description="Carry the same records by a stage, bare loops and other libraries.")
    parser.add_argument("records", type=int, nargs="?", default=RECORDS, help="records a round")
    parser.add_argument("rounds", type=int, nargs="?", default=ROUNDS, help="rounds; one more warms up")
    told = parser.parse_args()
    found = measure_rivals(told.records, told.rounds, lambda line: sys.stderr.write(f"{line}\n"))
    sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
