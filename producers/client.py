"""The client library: loan applications in, confirmed records on `loan.applications.v1.<tenant>` out.

    with ApplicationProducer({"bootstrap.servers": "localhost:9092"}, "bank-a") as producer:
        for application in applications:
            producer.submit(application)

Leaving the block waits until every record is confirmed, or raises an error that lists those that are not.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from producers.errors import (
    CredentialsRefusedError,
    Failure,
    NotDeliveredError,
    PermissionRefusedError,
    ProducerError,
    TooLargeError,
)
from producers.librdkafka import HEARD, PERMISSION, TOKEN_SERVER_AWAY, complete, log_in_failure, reason
from schemas.application import LoanApplication
from schemas.topics import APPLICATION_MAX_BYTES, TOPICS

REFUSALS_MAX = 3
"""So many refused log-ins in a row, before anything was confirmed, are no hiccup of a key rotation."""
POLL_SECONDS = 0.1


@dataclass(slots=True)
class Delivery:
    """The fate of one record, filled in while the producer is used or flushed.

    `offset` and `partition` are set once the broker has confirmed, `failure` once it never will.
    """

    key: str
    partition: int | None = None
    offset: int | None = None
    failure: str | None = None

    @property
    def done(self) -> bool:
        """Whether it is known."""
        return self.confirmed or self.failure is not None

    @property
    def confirmed(self) -> bool:
        """Whether the broker has it, on every replica it waits for."""
        return self.offset is not None


class TenantProducer:
    """Publishes what one tenant tells; use it from one thread. `topic` is the key of its row.

    `settings` are librdkafka's (`bootstrap.servers` and the security settings of the installation). At most
    `in_flight_max` records wait for their confirmation: `submit` then waits, which is the back-pressure. Raises
    `ValueError` for a tenant's name or a delivery timeout that cannot be.

    A client whom the token server refuses is told at once, and asks no more; a token server that does not answer is
    waited for as a broker is. Leaving the block ends the client.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        tenant: str,
        topic: str,
        *,
        in_flight_max: int = 10_000,
        kafka: Callable[[dict[str, Any]], Any] = Producer,
    ) -> None:
        self._topic = TOPICS[topic].name(tenant)
        self._tenant = tenant
        self._in_flight_max = in_flight_max
        self._in_flight = 0
        self._confirmed = 0
        self._refusals = 0
        self._denied = self._dismissed = self._closed = False
        self._heard: str | None = None
        self._failures: list[Failure] = []
        self._producer = kafka({**complete(settings), "error_cb": self._on_error})

    @property
    def confirmed(self) -> int:
        """Records that the broker has confirmed so far."""
        return self._confirmed

    def submit_raw(self, key: bytes, value: bytes) -> Delivery:
        """Send bytes as they are. Raises `TooLargeError` (nothing was sent), and, once the broker has said so,
        `PermissionRefusedError` or `CredentialsRefusedError`.
        """
        return self._send(key, value, [])

    def _send(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> Delivery:
        size = len(value) + sum(len(name) + len(content) for name, content in headers)
        delivery = Delivery(key.decode("utf-8", "backslashreplace"))
        if size > APPLICATION_MAX_BYTES:
            raise TooLargeError(f"{delivery.key}: expected at most {APPLICATION_MAX_BYTES} bytes, found {size}")
        self._wait_until(lambda: self._in_flight < self._in_flight_max)
        while True:
            try:
                self._producer.produce(
                    self._topic, key=key, value=value, headers=headers, on_delivery=self._reporter(delivery)
                )
            except BufferError:
                self._producer.poll(POLL_SECONDS)
                self._check()
            except KafkaException as error:
                raise ProducerError(f"{delivery.key}: {reason(error.args[0])}") from error
            else:
                self._in_flight += 1
                self._producer.poll(0)
                return delivery

    def flush(self) -> None:
        """Wait until the fate of every record is known (at most the delivery timeout).

        Raises `PermissionRefusedError`, `CredentialsRefusedError`, or else `NotDeliveredError` with every record
        since the last flush that was not confirmed.
        """
        self._wait_until(lambda: not self._in_flight)
        failures, self._failures = self._failures, []
        if failures and self._refusals:
            raise _credentials_refused() from NotDeliveredError(failures)
        if failures:
            raise NotDeliveredError(failures)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush; after an exception inside the block give up what is not confirmed, so that it comes out at once.

        The client ends: one that is only forgotten would go on asking for tokens.
        """
        try:
            if error is None:
                self.flush()
            else:
                self._give_up()
        finally:
            self._close()

    def _wait_until(self, reached: Callable[[], bool]) -> None:
        self._check()
        while not reached():
            self._producer.poll(POLL_SECONDS)
            self._check()

    def _check(self) -> None:
        refusal: ProducerError | None = None
        if self._denied:
            refusal = PermissionRefusedError(f"no permission to write {self._topic}, or there is no such topic")
        elif self._dismissed or (self._refusals >= REFUSALS_MAX and not self._confirmed):
            refusal = _credentials_refused()
        if refusal is not None:
            self._give_up()
            raise refusal from (NotDeliveredError(self._failures) if self._failures else None)

    def _give_up(self) -> None:
        if self._closed:
            return
        self._producer.purge()
        deadline = time.monotonic() + 1
        while self._in_flight and time.monotonic() < deadline:
            self._producer.poll(POLL_SECONDS)
        self._close()

    def _close(self) -> None:
        # With records under way the library would wait for them, whatever was purged.
        if not self._closed and not self._in_flight:
            self._closed = True
            self._producer.close()

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - that is its public name
            self._on_failed_log_in(error)
        elif error.code() in PERMISSION:
            self._denied = True
        else:
            self._heard = HEARD.get(error.name(), self._heard)

    def _on_failed_log_in(self, error: KafkaError) -> None:
        failure = log_in_failure(error)
        if failure == "away":
            self._heard = TOKEN_SERVER_AWAY
        elif failure == "refused":
            self._refusals, self._dismissed = self._refusals + 1, True
        elif self._heard != TOKEN_SERVER_AWAY:  # else a token that could not be renewed has expired
            self._refusals += 1

    def _reporter(self, delivery: Delivery) -> Callable[[KafkaError | None, Any], None]:
        def report(error: KafkaError | None, message: Any) -> None:
            self._in_flight -= 1
            if error is None:
                delivery.partition, delivery.offset = message.partition(), message.offset()
                self._confirmed += 1
                self._refusals, self._heard = 0, None
                return
            self._denied = self._denied or error.code() in PERMISSION
            timed_out = error.code() == KafkaError._MSG_TIMED_OUT  # noqa: SLF001 - that is its public name
            delivery.failure = reason(error) + (f": {self._heard}" if timed_out and self._heard else "")
            self._failures.append(Failure(delivery.key, delivery.failure))

        return report


class ApplicationProducer(TenantProducer):
    """Publishes applications of one tenant; the rest is as `TenantProducer` has it."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        tenant: str,
        *,
        in_flight_max: int = 10_000,
        kafka: Callable[[dict[str, Any]], Any] = Producer,
    ) -> None:
        super().__init__(settings, tenant, "applications", in_flight_max=in_flight_max, kafka=kafka)

    def submit(self, application: LoanApplication, traceparent: str | None = None) -> Delivery:
        """Send one application; `traceparent` (W3C trace context) continues the caller's trace.

        Returning means queued, not delivered: `flush`, or the returned `Delivery`, tells. Raises `ValueError` for
        another tenant's application, and what `submit_raw` raises.
        """
        if application.tenant != self._tenant:
            raise ValueError(f"this producer sends for {self._tenant}, the application is {application.tenant}'s")
        headers = [("content-type", b"application/json")]
        if traceparent is not None:
            headers.append(("traceparent", traceparent.encode("ascii")))
        return self._send(application.application_id.encode(), application.model_dump_json().encode(), headers)


def _credentials_refused() -> CredentialsRefusedError:
    return CredentialsRefusedError("the credentials are refused: check client id, client secret and token address")
