"""A worker's own figures as events on `loan.metrics.v1`, from where they reach the warehouse and the dashboards."""

import logging
from collections.abc import Mapping

from confluent_kafka import Producer

from processors.identity import Worker
from schemas.headers import child_traceparent, event_headers
from schemas.operations import ServiceMetric
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms, utc_of_ms


class MetricPublisher:
    """Sends a snapshot of figures, one event a figure. A broker that is away loses figures, never decisions."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], worker: Worker) -> None:
        settings = {**security, "bootstrap.servers": bootstrap, "message.timeout.ms": 5000}
        self._producer = Producer(settings, logger=logging.getLogger("librdkafka"))
        self._worker = worker

    def publish(self, snapshot: Mapping[str, float]) -> None:
        """Queue every figure of `snapshot` (by metric name) and give the client a moment to send."""
        now = self._worker.now_ms()
        for name, value in snapshot.items():
            metric = ServiceMetric(
                at=utc_of_ms(now), stage=self._worker.stage, worker=self._worker.name, name=name, value=float(value)
            )
            place = f"{self._worker.name}/{now}/{name}"
            headers = event_headers(
                event="loan.service.measured",
                event_id=place,
                source=f"loanstream/{self._worker.stage}",
                subject=self._worker.name,
                time=rfc3339_of_ms(now),
                traceparent=child_traceparent(None, place, self._worker.stage),
            )
            self._producer.produce(
                TOPICS["metrics"].name(),
                key=self._worker.name.encode(),
                value=metric.model_dump_json().encode(),
                headers=list(headers),
            )
        self._producer.flush(1)
