"""What security costs a stage: the same one beside an unguarded and a guarded broker, in turn, in short rounds.

Both brokers are up, and one idles while the other is loaded. At the guarded one the stage proves itself by its own
certificate and has the rights that it needs and no others, as the stages of a stack do.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from confluent_kafka.admin import AdminClient

from loanstream.install.grants import Held, binding
from loanstream.lab.bench.latency import create_topics, latency_between
from loanstream.lab.bench.rivals import PROGRAMS, Contender, Progress, Reached, Setting, fill, run_contender
from loanstream.stack.bound import bound
from loanstream.stack.kafka.broker import EmbeddedKafka
from loanstream.stack.kafka.guard import Guard, by_subject
from loanstream.stack.pki import Pki
from processors.transport import CHECK_TOPIC
from schemas.access import Grant, stage_principal
from stores.private_files import write_public

ROUNDS = 12
RECORDS = 40_000
RATE, SECONDS, WARM_UP_S = 500, 3.0, 1.0
JOINED_S = 10.0
INTO, OUT_OF = "bench.steady.in", "bench.steady.out"
STAGE = Contender("stage", "our_stage.py", "exactly once")
PRINCIPAL = stage_principal("score")
GRANTS = (
    Grant("topic", "bench.", "READ", prefixed=True),
    Grant("topic", "bench.", "WRITE", prefixed=True),
    Grant("topic", CHECK_TOPIC, "READ"),
    Grant("topic", CHECK_TOPIC, "WRITE"),
    Grant("group", "bench", "READ", prefixed=True),
    Grant("group", CHECK_TOPIC, "READ", prefixed=True),
    Grant("transactional id", "bench", "WRITE", prefixed=True),
)
"""What the stage may do."""
NO_KEYS = b'{"keys": []}'
"""Nobody comes with a token here."""


@dataclass(frozen=True, slots=True)
class Side:
    """A broker of the comparison, as the load reaches it."""

    at: Reached
    tenants: tuple[str, ...] = ("bank-a",)

    @property
    def admin_settings(self) -> dict[str, Any]:
        """The bench's own."""
        return self.at.settings


def measure_security(folder: Path, on_progress: Progress = lambda _: None) -> dict[str, Any]:
    """Ratios of the guarded side to the other, each within a round; their medians, and what they are made of.

    The first two rounds count for nobody: Java compiles the brokers' code in them.
    """
    with brokers(folder) as sides:
        for side in sides.values():
            fill(side.at, RECORDS)
            create_topics(side, (INTO, OUT_OF))
        rates: list[dict[str, float]] = []
        for number in range(-2, ROUNDS):
            rates.append({name: _rate(name, sides[name], number, folder) for name in turn(number)})
            on_progress(json.dumps(rates[-1]))
        p50: list[dict[str, float]] = []
        with _steady(sides["insecure"], folder / "insecure.log"), _steady(sides["secured"], folder / "secured.log"):
            time.sleep(JOINED_S)
            for number in range(-2, ROUNDS):
                p50.append({name: _p50(sides[name]) for name in turn(number)})
                on_progress(json.dumps(p50[-1]))
    return figures_of(rates[2:], p50[2:])


def turn(number: int) -> tuple[str, str]:
    """The sides of a round in their order: each is the first every other time.

    >>> turn(0), turn(1)
    (('insecure', 'secured'), ('secured', 'insecure'))
    """
    return ("secured", "insecure") if number % 2 else ("insecure", "secured")


def figures_of(rates: list[dict[str, float]], p50: list[dict[str, float]]) -> dict[str, Any]:
    """The medians.

    >>> figures_of([{"insecure": 100.0, "secured": 80.0}], [{"insecure": 4.0, "secured": 5.0}])["secured_vs_insecure"]
    {'throughput': 0.8, 'p50': 1.25}
    """
    return {
        "secured_vs_insecure": {
            "throughput": round(median(one["secured"] / one["insecure"] for one in rates), 3),
            "p50": round(median(one["secured"] / one["insecure"] for one in p50), 3),
        },
        "secured_records_per_s": {name: round(median(one[name] for one in rates)) for name in turn(0)},
        "secured_p50_ms": {name: round(median(one[name] for one in p50), 2) for name in turn(0)},
    }


@contextmanager
def brokers(folder: Path) -> Iterator[dict[str, Side]]:
    """Both, running, by their names."""
    pki = Pki(folder / "keys", folder / "tls")
    pki.make()
    write_public(folder / "jwks.json", NO_KEYS)
    guard = Guard(pki, folder / "jwks.json", "https://localhost:1")
    with EmbeddedKafka(folder / "plain") as plain, EmbeddedKafka(folder / "guarded", guard) as guarded:
        with AdminClient({"bootstrap.servers": guarded.bootstrap, **guard.operator}) as admin:
            held = [Held(by_subject(PRINCIPAL), grant) for grant in GRANTS]
            for made in admin.create_acls([binding(each) for each in held]).values():
                made.result(30)
        yield {
            "insecure": Side(Reached(plain.bootstrap)),
            "secured": Side(Reached(guarded.bootstrap, guard.operator, guard.client(PRINCIPAL))),
        }


def _rate(name: str, side: Side, number: int, folder: Path) -> float:
    label = f"{name}.{number}".replace("-", "w")
    return run_contender(STAGE, Setting(), label, Path(sys.executable), side.at, RECORDS, folder).records_per_s


def _p50(side: Side) -> float:
    return latency_between(side, (INTO,), (OUT_OF,), SECONDS, RATE, WARM_UP_S).p50


@contextmanager
def _steady(side: Side, log: Path) -> Iterator[None]:
    """The stage between two topics, for as long as it is needed."""
    command = [sys.executable, str(PROGRAMS / STAGE.program), side.at.bootstrap, INTO, OUT_OF, "bench-steady"]
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROGRAMS.parents[2]),
        "BENCH_SECURITY": json.dumps(dict(side.at.security)),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(bound(command), env=environment, stdout=output, stderr=output, cwd=log.parent)
    try:
        yield
    finally:
        process.kill()
        process.wait()
