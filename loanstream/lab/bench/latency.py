"""From submission to the decision in a read_committed consumer's hands, at a steady rate; and the same without us."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import resources
from itertools import pairwise
from statistics import median
from typing import Any, Protocol

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from loanstream.settings import environment_of
from loanstream.stack.bound import bound
from loanstream.stack.running import RunningStack
from loanstream.worker import FAST_LANE, SCORE
from schemas.topics import TOPICS

RATE = 500
"""Applications a second."""

WARM_UP_S = 5.0
COMPILED_S = 150.0
"""After so much load Java has compiled what the broker does most. A bank's broker did so long ago."""
STRAIGHT = ("bench.straight",)
WORKING = ("bench.working.1", "bench.working.2", "bench.working.3")
COPYING = ("bench.copying.1", "bench.copying.2", "bench.copying.3")
"""The topics of the paths beside ours. Each kind of loops has its own, so that both may run while one is loaded."""
JOIN_S = 60.0
"""What a bare loop gets to load its work and to join its group."""
PATIENCE_S = 20.0


class Reachable(Protocol):
    """A broker as the load and the witness reach it, and whose applications are sent."""

    @property
    def admin_settings(self) -> dict[str, Any]:
        """Librdkafka settings, with the address."""
        ...

    @property
    def tenants(self) -> tuple[str, ...]:
        """The banks."""
        ...


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles in milliseconds, over `count` records of `sent`.

    `stolen` is the share of the processors' time that the hypervisor gave to others meanwhile (None where the system
    does not tell): figures taken while it is large say more about the machine than about us.
    """

    p50: float
    p95: float
    p99: float
    count: int
    sent: int
    stolen: float | None = None

    @classmethod
    def of(cls, seconds: Sequence[float], sent: int) -> "Latency":
        """The percentiles of durations in seconds."""
        ordered = sorted(seconds)
        p50, p95, p99 = (
            round(1000 * ordered[min(len(ordered) - 1, int(len(ordered) * q))], 2) for q in (0.5, 0.95, 0.99)
        )
        return cls(p50, p95, p99, len(ordered), sent)

    @classmethod
    def median(cls, windows: "Sequence[Latency]") -> "Latency":
        """Of each percentile the median window's; what was sent, and came, in all of them."""
        p50, p95, p99 = (median(getattr(one, name) for one in windows) for name in ("p50", "p95", "p99"))
        stolen = [one.stolen for one in windows if one.stolen is not None]
        return cls(
            *(p50, p95, p99),
            *(sum(one.count for one in windows), sum(one.sent for one in windows)),
            round(median(stolen), 3) if stolen else None,
        )


def through_the_stages(
    running: RunningStack, seconds: float, rate: int = RATE, tenants: int = 1, warm_up_s: float = WARM_UP_S
) -> Latency:
    """Applications of so many tenants in turn, without documents, through verify and score."""
    names = running.tenants[:tenants]
    into, out_of = ([TOPICS[key].name(name) for name in names] for key in ("applications", "decisions"))
    return latency_between(running, into, out_of, seconds, rate, warm_up_s)


def warm(running: RunningStack) -> None:
    """Put a new stack's broker under load until its compiler has done its work."""
    through_the_stages(running, COMPILED_S)


def bare(running: RunningStack, seconds: float) -> Latency:
    """The same records from a producer straight to a consumer."""
    create_topics(running, STRAIGHT)
    return latency_between(running, STRAIGHT, STRAIGHT, seconds, RATE, WARM_UP_S)


@contextmanager
def two_bare_loops(running: RunningStack, *, working: bool) -> Iterator[Callable[[float, float], Latency]]:
    """Two bare transactional loops, each a process of its own that rests as our stage does, while the context lasts.

    Yields a function of seconds and seconds of warm-up that sends the same records through them. `working` ones do the
    work of the two stages: they lack our transport, and a record stage and a warehouse that take what is made. Others
    copy the records. Raises RuntimeError where one does not join its group or ends.
    """
    topics = WORKING if working else COPYING
    create_topics(running, topics)
    commands = bare_commands(running.bootstrap, topics, running.tenants[0] if working else None)
    # Sessions of their own, as the stack's workers have them: where the kernel shares processors out among sessions,
    # the loops would have to share that of the producer which loads them.
    environment = os.environ | environment_of({"kafka_security": running.security})
    loops = [
        subprocess.Popen(bound(command), stdout=subprocess.PIPE, text=True, start_new_session=True, env=environment)
        for command in commands
    ]

    def through_them(seconds: float, warm_up_s: float) -> Latency:
        found = latency_between(running, topics[:1], topics[-1:], seconds, RATE, warm_up_s)
        if any(loop.poll() is not None for loop in loops):
            raise RuntimeError("a bare loop ended before the measurement did")
        return found

    try:
        for loop in loops:
            _wait_until_joined(loop)
        yield through_them
    finally:
        for loop in loops:
            loop.kill()
            loop.communicate()


def _wait_until_joined(loop: "subprocess.Popen[str]") -> None:
    if loop.stdout is None or not select.select([loop.stdout], [], [], JOIN_S)[0]:
        raise RuntimeError(f"a bare loop did not join its group within {JOIN_S:.0f} s")
    if loop.stdout.readline() != "joined\n":
        raise RuntimeError("a bare loop ended before it had joined its group")


def bare_commands(bootstrap: str, topics: Sequence[str], tenant: str | None = None) -> list[list[str]]:
    """The two loops between three topics, the first with the rest of verify and the second with that of score.

    With a `tenant` they do the work of these stages on its records; without, they copy.
    """
    module = [sys.executable, "-m", "loanstream.lab.bench.bare_loop", bootstrap]
    rests = {"verify": FAST_LANE["rest_s"], "score": SCORE["rest_s"]}
    return [
        [*module, *hop, str(rest_s), *([stage, tenant] if tenant else [])]
        for hop, (stage, rest_s) in zip(pairwise(topics), rests.items(), strict=True)
    ]


def create_topics(running: Reachable, topics: Sequence[str]) -> None:
    """Topics of four partitions, where they are not there."""
    stamped = {"message.timestamp.type": "LogAppendTime"}  # as applications' topics must be, and verify insists
    with AdminClient(running.admin_settings) as admin:
        for future in admin.create_topics([NewTopic(name, 4, 1, config=stamped) for name in topics]).values():
            future.exception(15)


def latency_between(
    running: Reachable, into: Sequence[str], out_of: Sequence[str], seconds: float, rate: int, warm_up_s: float
) -> Latency:
    """The same rate of applications into topics, and whatever has their keys out of others, after a warm-up."""
    count, warm = int((seconds + warm_up_s) * rate), int(warm_up_s * rate)
    sent: dict[str, float] = {}
    received: dict[str, float] = {}
    witness = _witness(running, out_of, sent, received)
    before = psutil.cpu_times()
    _send(running, into, count, rate, sent)
    until = time.monotonic() + PATIENCE_S
    while len(received) < count and time.monotonic() < until:
        time.sleep(0.05)
    witness.set()
    if not received:
        raise RuntimeError(f"none of {count} records came out of {', '.join(out_of)}")
    measured = list(sent)[warm:]
    found = Latency.of([received[key] - sent[key] for key in measured if key in received], len(measured))
    return replace(found, stolen=_stolen(before, psutil.cpu_times()))


def _stolen(before: Any, after: Any) -> float | None:
    if not hasattr(after, "steal"):
        return None
    # A guest's time is counted in user's as well.
    spent = sum(after[:8]) - sum(before[:8])
    return round(float((after.steal - before.steal) / spent), 3)


def _send(running: Reachable, topics: Sequence[str], count: int, rate: int, sent: dict[str, float]) -> None:
    example = json.loads(
        (resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8")
    )
    producer = Producer({**running.admin_settings, "linger.ms": 0, "enable.idempotence": True})
    run, started = f"bench-{time.time_ns()}", time.monotonic()
    for number in range(count):
        example["tenant"] = running.tenants[number % len(topics)]
        key = example["application_id"] = f"{run}-{number}"
        value = json.dumps(example).encode()
        time.sleep(max(0.0, started + number / rate - time.monotonic()))
        sent[key] = time.monotonic()
        producer.produce(topics[number % len(topics)], key=key, value=value)
        producer.poll(0)
    producer.flush(30)


def _witness(
    running: Reachable, topics: Sequence[str], sent: dict[str, float], received: dict[str, float]
) -> threading.Event:
    """A consumer in a thread that notes when each key that was sent arrives; set the event to stop it."""
    consumer: Any = Consumer(
        {
            **running.admin_settings,
            "group.id": "bench-witness",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    known = consumer.list_topics(timeout=15).topics
    partitions = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
    for partition in partitions:
        partition.offset = consumer.get_watermark_offsets(partition, timeout=15)[1]
    consumer.assign(partitions)
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            message = consumer.poll(0.2)
            if message is not None and message.error() is None:
                key = message.key().decode()
                if key in sent:
                    received.setdefault(key, time.monotonic())
        consumer.close()

    threading.Thread(target=read, name="bench-witness", daemon=True).start()
    return stop
