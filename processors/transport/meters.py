"""The metrics of a worker: one table, the code and the documentation read it."""

import collections
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from processors.transport.batches import Output
from schemas.causes import CAUSES
from schemas.decision import Outcome
from schemas.topics import topic_of

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Meter:
    """One metric: its name after `loanstream_`, its kind and what it tells; `labels` beside the worker's own."""

    name: str
    kind: Literal["counter", "gauge", "seconds"]
    tells: str
    labels: tuple[str, ...] = ()


METERS: tuple[Meter, ...] = (
    Meter("records_in", "counter", "records whose offsets were committed"),
    Meter("records_out", "counter", "records produced in committed transactions, dead letters included"),
    Meter("dead_letters", "counter", "records produced to a .dlq topic in committed transactions"),
    Meter("decisions", "counter", "decisions in committed transactions", ("tenant", "outcome")),
    Meter("letters", "counter", "dead letters that are there for good, by cause", ("tenant", "cause")),
    Meter("batches", "counter", "batches (of the record stage: ranges) committed"),
    Meter("batch_seconds", "seconds", "time the stage's own function took for a batch"),
    Meter("commit_seconds", "seconds", "time from the beginning of a transaction to its commit"),
    Meter("lag_seconds", "seconds", "age of a batch's first record, by its timestamp, when it was committed"),
    Meter("waiting_offsets", "gauge", "offsets beyond the committed ones, in partitions in which records wait"),
    Meter(
        "standstill_seconds",
        "gauge",
        "for how long a partition has not moved although records wait in it; only of those that /healthz complains of",
        ("topic", "partition"),
    ),
    Meter("broker_silent_seconds", "gauge", "for how long no broker has answered the worker; 0 while one does"),
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

KNOWN: Mapping[str, frozenset[str]] = {
    # a metric that is tallied: what its last label may be
    "decisions": frozenset(get_args(Outcome)),
    "letters": frozenset(CAUSES),
}
OTHER = "other"
"""Stands for what is not known: nothing that was found becomes a label."""
SHARED = "shared"
"""Stands for the tenant of a topic that all tenants share."""
TENANTS_MOST = 1000
"""So many tenants are told by name; of more the sum. (A tenant is whoever has topics: nobody else can become one.)"""


class Meters:
    """The table's metrics of one worker, in a registry of its own, labelled with stage and slot."""

    def __init__(self, stage: str, slot: int) -> None:
        self._registry = CollectorRegistry()
        self._labels = {"stage": stage, "slot": str(slot)}
        self._tenants: set[str] = set()
        self._families = {meter.name: self._make(meter) for meter in METERS}
        self._all = {
            meter.name: self._families[meter.name].labels(**self._labels) for meter in METERS if not meter.labels
        }

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

    def set_each(self, name: str, values: Mapping[tuple[str, ...], float]) -> None:
        """Say what a gauge with labels of its own is now, by those labels; there are no others of it any more."""
        gauge = self._families[name]
        assert isinstance(gauge, Gauge)
        gauge.clear()
        for labels, value in values.items():
            gauge.labels(*self._labels.values(), *labels).set(value)

    def observe(self, name: str, seconds: float) -> None:
        """Add one duration."""
        histogram = self._all[name]
        assert isinstance(histogram, Histogram)
        histogram.observe(seconds)

    def tally(self, outputs: Iterable[Output]) -> None:
        """Count outputs that are committed by their tenants and by what they say they are."""
        counts = collections.Counter((*output.tallied, output.topic) for output in outputs if output.tallied)
        for (name, value, topic), count in counts.items():
            counter = self._families[name]
            assert isinstance(counter, Counter)
            told = value if value in KNOWN[name] else OTHER
            counter.labels(*self._labels.values(), self._tenant(topic), told).inc(count)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)

    def snapshot(self) -> Mapping[str, float]:
        """Every counter and gauge, and count and sum of every duration, by name; none with labels of its own."""
        return {
            sample.name.removeprefix("loanstream_"): sample.value
            for family in self._registry.collect()
            for sample in family.samples
            if not sample.name.endswith(("_bucket", "_created")) and sample.labels.keys() == self._labels.keys()
        }

    def _tenant(self, topic: str) -> str:
        try:
            tenant = topic_of(topic)[1] or SHARED
        except LookupError:
            return OTHER
        if tenant not in self._tenants:
            if len(self._tenants) >= TENANTS_MOST:
                return OTHER
            self._tenants.add(tenant)
        return tenant

    def _make(self, meter: Meter) -> Counter | Gauge | Histogram:
        name, labels = f"loanstream_{meter.name}", (*self._labels, *meter.labels)
        more: dict[str, Any] = {"registry": self._registry}
        if meter.kind == "counter":
            return Counter(name, meter.tells, labels, **more)
        if meter.kind == "gauge":
            return Gauge(name, meter.tells, labels, **more)
        return Histogram(name, meter.tells, labels, buckets=SECONDS, **more)
