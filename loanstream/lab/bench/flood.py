"""As many applications as there are: how long the chain takes for a burst, and what a million leave in memory."""

import json
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from loanstream.ask.reconcile import reconcile
from loanstream.ask.replay import replay
from loanstream.lab.bench.plot import Curve
from loanstream.stack.running import RunningStack
from schemas.topics import TOPICS

WAITING = 20_000
"""Applications that may be on their way in a long run: a bank's own back-pressure."""
SAMPLE_S = 5.0
WARM = 0.1
"""Share of a long run's applications whose memory does not count: until then buffers are used for the first time."""
PATIENCE_S = 120.0
IDLE_S = 60.0
"""How long the stack has nothing to do before `settled` is looked at: what it still holds then was not on its way."""
ROWS_OF_ONE = 3
"""Rows of an application without documents: its own, its verification's, its decision's."""
_RECORDED = """
SELECT (SELECT count() FROM loanstream.applications_log WHERE tenant = {tenant:String})
     + (SELECT count() FROM loanstream.verifications_log WHERE tenant = {tenant:String})
     + (SELECT count() FROM loanstream.decisions_log WHERE tenant = {tenant:String})
"""

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Burst:
    """What became of `count` applications published at once: seconds to publish, until the last was decided, and until
    every row of theirs was in the warehouse (three each: application, verification, decision).
    """

    count: int
    published_s: float
    drained_s: float
    recorded_s: float
    decisions_per_s: float
    rows_per_s: float


def burst(running: RunningStack, count: int) -> Burst:
    """Publish `count` applications of the first tenant as quickly as a client can, and wait for all decisions."""
    with closing(_Decided(running)) as decided:
        started = time.monotonic()
        publish(running, range(count), "burst")
        published = time.monotonic() - started
        decided.wait_for(count)
        took = time.monotonic() - started
    _wait_until_recorded(running, count)
    recorded = time.monotonic() - started
    rates = (round(count / took, 1), round(ROWS_OF_ONE * count / recorded, 1))
    return Burst(count, round(published, 2), round(took, 2), round(recorded, 2), *rates)


def million(running: RunningStack, count: int, on_progress: Progress) -> tuple[dict[str, Any], list[Curve]]:
    """`count` applications through the whole chain: rate, memory of every process, reconciliation and replay."""
    memory = _Memory(running)
    started = time.monotonic()
    with closing(_Decided(running)) as decided:
        step = WAITING // 4
        for first in range(0, count, step):
            publish(running, range(first, min(first + step, count)), "million")
            while decided.count() < first + step - WAITING:
                time.sleep(0.01)
            if memory.sample():
                on_progress(f"{decided.seen:,} of {count:,} decided")
            if decided.seen >= WARM * count:
                memory.warmed()
        decided.wait_for(count)
    took = time.monotonic() - started
    on_progress("waiting for the last row")
    _wait_until_recorded(running, count, memory.sample)
    recorded = time.monotonic() - started
    memory.sample(now=True)
    on_progress(f"{IDLE_S:.0f} s with nothing to do")
    memory.settled()
    on_progress("comparing the warehouse with the topics")
    compared = reconcile(running)
    on_progress("making every decision again")
    replayed = replay(running)
    figures = {
        "applications": count,
        "applications_per_s": round(count / took, 1),
        "decided_s": round(took, 1),
        "recorded_s": round(recorded, 1),
        "rows_per_s": round(ROWS_OF_ONE * count / recorded, 1),
        "rss_mb": memory.summary(),
        "warehouse_equal": not compared.differences,
        "warehouse_rows": compared.compared.total(),
        "replay_equal": replayed.exit_code == 0,
        "replayed": replayed.totals.total(),
    }
    return figures, memory.curves


def _wait_until_recorded(running: RunningStack, count: int, on_look: Callable[[], object] = lambda: None) -> None:
    """Until the warehouse has the rows of so many applications of the first tenant, of whom it had none.

    `on_look` is called after each look. TimeoutError when no row comes for two minutes.
    """
    seen, until = 0, time.monotonic() + PATIENCE_S
    with closing(running.warehouse()) as client:
        while seen < ROWS_OF_ONE * count:
            (found,) = client.query(_RECORDED, parameters={"tenant": running.tenants[0]}).first_row
            if found > seen:
                seen, until = found, time.monotonic() + PATIENCE_S
            elif time.monotonic() > until:
                raise TimeoutError(f"{ROWS_OF_ONE * count - seen} rows were not recorded")
            on_look()
            time.sleep(0.2)


def publish(running: RunningStack, numbers: range, prefix: str) -> None:
    """Applications of one tenant, each another income and score; the broker has them when this returns."""
    tenant = running.tenants[0]
    topic = TOPICS["applications"].name(tenant)
    example = resources.files("schemas") / "examples" / "loan.application.submitted.json"
    event = json.loads(example.read_text("utf-8")) | {"tenant": tenant}
    producer = Producer({**running.admin_settings, "enable.idempotence": True, "linger.ms": 20})
    for number in numbers:
        event["application_id"] = f"{prefix}-{number}"
        event["annual_income"] = 1_000_000 + number % 8_000_000
        event["cibil_score"] = 300 + number % 600
        while True:
            try:
                producer.produce(topic, json.dumps(event).encode(), event["application_id"].encode())
            except BufferError:
                producer.poll(0.1)
            else:
                break
        producer.poll(0)
    producer.flush(60)


class _Decided:
    """Counts the decisions of the first tenant that a downstream service sees, from now on."""

    def __init__(self, running: RunningStack) -> None:
        self._consumer: Any = Consumer(
            {
                **running.admin_settings,
                "group.id": "bench-flood",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        self.seen = 0
        topic = TOPICS["decisions"].name(running.tenants[0])
        places = [
            TopicPartition(topic, number) for number in self._consumer.list_topics(topic, 15).topics[topic].partitions
        ]
        for place in places:
            place.offset = self._consumer.get_watermark_offsets(place, timeout=15)[1]
        self._consumer.assign(places)

    def count(self) -> int:
        """All that were seen, after another look."""
        self.seen += sum(message.error() is None for message in self._consumer.consume(5000, 0.05))
        return self.seen

    def wait_for(self, count: int) -> None:
        """Until so many were seen. TimeoutError when none comes for two minutes."""
        last, until = self.seen, time.monotonic() + PATIENCE_S
        while self.count() < count:
            if self.seen > last:
                last, until = self.seen, time.monotonic() + PATIENCE_S
            elif time.monotonic() > until:
                raise TimeoutError(f"{count - self.seen} applications were not decided")

    def close(self) -> None:
        """Let the consumer go."""
        self._consumer.close()


class _Memory:
    """Resident memory of every process of the stack, over a run."""

    def __init__(self, running: RunningStack) -> None:
        self._state = running.layout.state
        self._processes = {part["name"]: psutil.Process(part["pid"]) for part in running.stack["processes"]}
        self._restarts = dict.fromkeys(self._processes, 0)
        self._began = time.monotonic()
        self._next = 0.0
        self._warm: float | None = None
        self._idle: float | None = None
        self.curves = [Curve(name) for name in self._processes]

    def sample(self, *, now: bool = False) -> bool:
        """Look, where the last look is some seconds ago (did we?)."""
        if not now and time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + SAMPLE_S
        minutes = (time.monotonic() - self._began) / 60
        for curve in self.curves:
            try:
                curve.points.append((minutes, self._processes[curve.name].memory_info().rss / 1e6))
            except psutil.NoSuchProcess:
                self._find_successor(curve.name)
        return True

    def warmed(self) -> None:
        """By now every buffer was used: what is seen from here on should stay."""
        if self._warm is None:
            self._warm = (time.monotonic() - self._began) / 60
            self.sample(now=True)

    def settled(self) -> None:
        """The work is done: go on looking while the stack has nothing to do."""
        self._idle = (time.monotonic() - self._began) / 60
        until = time.monotonic() + IDLE_S
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SAMPLE_S))
            self.sample(now=True)

    def summary(self) -> dict[str, dict[str, float]]:
        """Of each process, in MB: `start` after the warm-up, `end` when the work was done, `most` of all looks between
        them, `settled` after the idle minute; and how often it was replaced.
        """
        found: dict[str, dict[str, float]] = {}
        for curve in self.curves:
            warm = [(minutes, value) for minutes, value in curve.points if minutes >= (self._warm or 0)]
            looks = [value for minutes, value in warm if self._idle is None or minutes <= self._idle]
            seen = {"start": looks[0], "end": looks[-1], "most": max(looks), "settled": warm[-1][1]}
            found[curve.name] = {name: round(value, 1) for name, value in seen.items()}
            found[curve.name]["restarts"] = self._restarts[curve.name]
        return found

    def _find_successor(self, name: str) -> None:
        pids = {part["name"]: part["pid"] for part in RunningStack.at(self._state).stack["processes"]}
        with suppress(psutil.NoSuchProcess):  # not started again yet: the next look finds it
            self._processes[name] = psutil.Process(pids[name])
            self._restarts[name] += 1
