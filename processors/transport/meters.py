"""The metrics of a worker: one table, the code and the documentation read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One metric: its name after `loanstream_`, its kind and what it tells."""

    name: str
    kind: Literal["counter", "gauge", "seconds"]
    tells: str


METERS: tuple[Meter, ...] = (
    Meter("records_in", "counter", "records whose offsets were committed"),
    Meter("records_out", "counter", "records produced in committed transactions, dead letters included"),
    Meter("dead_letters", "counter", "records produced to a .dlq topic in committed transactions"),
    Meter("batches", "counter", "batches (of the record stage: ranges) committed"),
    Meter("batch_seconds", "seconds", "time the stage's own function took for a batch"),
    Meter("commit_seconds", "seconds", "time from the beginning of a transaction to its commit"),
    Meter("lag_seconds", "seconds", "age of a batch's first record, by its timestamp, when it was committed"),
    Meter("aborts", "counter", "transactions aborted; their batches were processed again"),
    Meter("rewinds", "counter", "partitions read again, after an abort or because they were deferred"),
    Meter("deferred_down", "counter", "partitions deferred because what they need is down"),
    Meter("deferred_turn", "counter", "partitions deferred because others' turn came first"),
    Meter("retries", "counter", "writes of the record stage repeated because the warehouse was down"),
    Meter("crashing_records", "counter", "records answered by a dead letter because they crash their worker"),
    Meter("unreadable", "counter", "records that the client library could not hand over, each time they were read"),
    Meter("open_batches", "gauge", "batches polled and not yet committed"),
    Meter("assigned_partitions", "gauge", "partitions this worker reads"),
)


class Meters:
    """The table's metrics of one worker, in a registry of its own, labelled with stage and slot."""

    def __init__(self, stage: str, slot: int) -> None:
        self._registry = CollectorRegistry()
        self._labels = {"stage": stage, "slot": str(slot)}
        self._all = {meter.name: self._make(meter) for meter in METERS}

    def add(self, name: str, amount: float = 1.0) -> None:
        """Count `amount` more."""
        counter = self._all[name]
        assert isinstance(counter, Counter)
        counter.inc(amount)

    def set(self, name: str, value: float) -> None:
        """Say what a gauge is now."""
        gauge = self._all[name]
        assert isinstance(gauge, Gauge)
        gauge.set(value)

    def observe(self, name: str, seconds: float) -> None:
        """Add one duration."""
        histogram = self._all[name]
        assert isinstance(histogram, Histogram)
        histogram.observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def snapshot(self) -> Mapping[str, float]:
        """Every counter and gauge, and count and sum of every duration, by name."""
        return {
            sample.name.removeprefix("loanstream_"): sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if not sample.name.endswith(("_bucket", "_created"))
        }

    def _make(self, meter: Meter) -> Counter | Gauge | Histogram:
        name, labels = f"loanstream_{meter.name}", tuple(self._labels)
        if meter.kind == "counter":
            return Counter(name, meter.tells, labels, registry=self._registry).labels(**self._labels)
        if meter.kind == "gauge":
            return Gauge(name, meter.tells, labels, registry=self._registry).labels(**self._labels)
        return Histogram(name, meter.tells, labels, buckets=SECONDS, registry=self._registry).labels(**self._labels)
