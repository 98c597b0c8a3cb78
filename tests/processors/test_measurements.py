"""Figures as events: what a worker and an operator publish for the alarms."""

import pytest

from processors import measurements
from processors.identity import Worker
from processors.measurements import Figure, MetricPublisher
from schemas.operations import ServiceMetric

WORKER = Worker("score", "score-0", "1+abc", lambda: 1_790_000_000_000)


class Client:
    """Stands for librdkafka's producer: keeps what is produced; `fault` is what becomes of each record."""

    fault = None
    stuck = 0

    def __init__(self, settings, logger):
        self.sent, self._told = [], []

    def produce(self, topic, key, value, headers, on_delivery=None):
        self.sent.append((topic, ServiceMetric.model_validate_json(value), dict(headers)))
        self._told.append(on_delivery)

    def flush(self, seconds):
        for told in self._told:
            if told is not None:
                told(self.fault, None)
        self._told.clear()
        return self.stuck


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setattr(measurements, "Producer", Client)
    return lambda *also: MetricPublisher("broker:1", {}, WORKER, *also)


def test_a_snapshot_goes_with_what_the_worker_has_besides(publisher):
    """When its certificate ends is told with every snapshot, and its label says of what it speaks."""
    made = publisher(lambda: [Figure("expires_in_seconds", 60.0, {"what": "certificate"})])
    made.publish({"records_in_total": 7})
    sent = [(topic, event.name, event.value, event.labels) for topic, event, _ in made._producer.sent]
    assert sent == [
        ("loan.metrics.v1", "records_in_total", 7.0, {}),
        ("loan.metrics.v1", "expires_in_seconds", 60.0, {"what": "certificate"}),
    ]
    assert len({headers["ce_id"] for _, _, headers in made._producer.sent}) == 2


@pytest.mark.parametrize(
    ("fault", "stuck", "expected"), [(None, 0, True), ("not authorised", 0, False), (None, 1, False)]
)
def test_who_tells_once_hears_whether_it_arrived(publisher, monkeypatch, fault, stuck, expected):
    """A run of reconcile that Kafka refuses or does not take is no run that the alarm knows of: the operator is told."""
    monkeypatch.setattr(Client, "fault", fault)
    monkeypatch.setattr(Client, "stuck", stuck)
    assert publisher().tell([Figure("reconcile_differences", 0)]) is expected
