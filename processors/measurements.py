"""A worker's own figures as events on `loan.metrics.v1`, from where they reach the warehouse and the dashboards."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Producer
from confluent_kafka import Message as Sent

from processors.identity import Worker
from schemas.headers import child_traceparent, event_headers
from schemas.operations import ServiceMetric
from schemas.topics import TOPICS
from schemas.values import rfc3339_of_ms, utc_of_ms


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement, with labels of its own where its name does not say all."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def nothing_else() -> Iterable[Figure]:
    """Of a worker that has its snapshot alone."""
    return ()


class MetricPublisher:
    """Sends figures, one event a figure. A broker that is away loses figures, never decisions.

    `also` is asked for more at each snapshot.
    """

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, str],
        worker: Worker,
        also: Callable[[], Iterable[Figure]] = nothing_else,
    ) -> None:
        settings = {**security, "bootstrap.servers": bootstrap, "message.timeout.ms": 5000}
        self._producer = Producer(settings, logger=logging.getLogger("librdkafka"))
        self._worker = worker
        self._also = also

    def publish(self, snapshot: Mapping[str, float]) -> None:
        """Queue every figure of `snapshot` (by metric name) and give the client a moment to send."""
        self._queue([*(Figure(name, value) for name, value in snapshot.items()), *self._also()])
        self._producer.flush(1)

    def tell(self, figures: Iterable[Figure], within_s: float = 10.0) -> bool:
        """Send figures and wait; whether the broker has all of them."""
        lost: list[KafkaError] = []

        def delivered(error: KafkaError | None, _: Sent) -> None:
            if error is not None:
                lost.append(error)

        self._queue(figures, delivered)
        return self._producer.flush(within_s) == 0 and not lost

    def _queue(
        self, figures: Iterable[Figure], delivered: Callable[[KafkaError | None, Sent], None] | None = None
    ) -> None:
        now = self._worker.now_ms()
        for figure in figures:
            metric = ServiceMetric(
                at=utc_of_ms(now),
                stage=self._worker.stage,
                worker=self._worker.name,
                name=figure.name,
                value=float(figure.value),
                labels=dict(figure.labels),
            )
            place = "/".join((self._worker.name, str(now), figure.name, *figure.labels.values()))
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
                on_delivery=delivered,
            )
