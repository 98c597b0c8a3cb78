"""The banks of the soak: senders and readers on the client library, each a thread with a token of its own client.

Each may be told of a new secret while it works: it goes over to it, as a service does that is deployed anew. What
reaches the caller of the library as an error stands in `errors`, and ends the thread.
"""

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib import resources
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, Producer

from loanstream.demo.gateway import GatewayBank
from loanstream.stack.running import RunningStack
from producers.client import ApplicationProducer
from producers.decisions import DecisionConsumer, Received
from producers.errors import ProducerError
from producers.seen import MemorySeen
from schemas.problem import Problem

POLL_S = 0.2
SECRET = "sasl.oauthbearer.client.secret"  # noqa: S105 - a setting's name


class Heard:
    """Counts what librdkafka tells of refused tokens and log-ins beside what it passes on."""

    def __init__(self) -> None:
        self.refusals: Counter[str] = Counter()

    def of(self, kafka: Callable[[dict[str, Any]], Any], who: str) -> Callable[[dict[str, Any]], Any]:
        """`kafka`, of which the refusals are counted."""

        def made(settings: dict[str, Any]) -> Any:
            on_error = settings["error_cb"]

            def heard(error: KafkaError) -> None:
                if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - that is its public name
                    self.refusals[who] += 1
                on_error(error)

            return kafka({**settings, "error_cb": heard})

        return made


class Bank(threading.Thread):
    """A client in a thread. `client_id` is who it is at the token server."""

    role: str

    def __init__(self, running: RunningStack, tenant: str, heard: Heard) -> None:
        super().__init__(name=f"{type(self).__name__}-{tenant}", daemon=True)
        self.running, self.tenant, self.heard = running, tenant, heard
        self.client_id = f"{tenant}-{self.role}"
        self.errors: list[str] = []
        self._ends, self._anew = threading.Event(), threading.Event()
        self._secret: str | None = None

    def go_over_to(self, secret: str) -> None:
        """Use this secret from now on."""
        self._secret = secret
        self._anew.set()

    def end(self) -> None:
        """Stop, once all that was begun is done."""
        self._ends.set()
        self.join()

    def run(self) -> None:
        """Work until it ends, from secret to secret."""
        try:
            while not self._ends.is_set():
                self._anew.clear()
                self._work()
        except (ProducerError, Problem) as error:
            self.errors.append(f"{self.name}: {type(error).__name__}: {error}")

    def settings(self) -> dict[str, Any]:
        """Librdkafka's, with the secret of now."""
        own = self.running.stack["kafka"]["security"][f"{self.role}:{self.tenant}"]
        return {**own, **({} if self._secret is None else {SECRET: self._secret})}

    def goes_on(self) -> bool:
        """Whether neither the end nor a new secret has come."""
        return not (self._ends.is_set() or self._anew.is_set())

    def _work(self) -> None:
        raise NotImplementedError


class Submit(Protocol):
    """Sends one application, by its id and as bytes."""

    def __call__(self, name: str, value: bytes) -> object:
        """Queued, or accepted."""
        ...


class Sender(Bank):
    """Sends at a steady rate; `submitted` has the second of each application's submission, by its id."""

    role = "producer"

    def __init__(self, running: RunningStack, tenant: str, heard: Heard, rate: float) -> None:
        super().__init__(running, tenant, heard)
        self.submitted: dict[str, float] = {}
        self._rate = rate
        text = (resources.files("schemas") / "examples" / "loan.application.submitted.json").read_text("utf-8")
        self._example = json.loads(text) | {"tenant": tenant}

    def _send_with(self, submit: Submit) -> None:
        while self.goes_on():
            due = time.monotonic() + 1 / self._rate
            name = f"{self.name}-{len(self.submitted)}"
            self.submitted[name] = time.time()
            submit(name, json.dumps(self._example | {"application_id": name}).encode())
            self._ends.wait(max(0.0, due - time.monotonic()))


class KafkaSender(Sender):
    """Over the listener that takes tokens."""

    def _work(self) -> None:
        kafka = self.heard.of(Producer, self.client_id)
        with ApplicationProducer(self.settings(), self.tenant, kafka=kafka) as producer:
            self._send_with(lambda name, value: producer.submit_raw(name.encode(), value))


class HttpsSender(Sender):
    """Over the gateway, each application with an Idempotency-Key."""

    def _work(self) -> None:
        with GatewayBank(self.running.stack, self.tenant, self._secret) as bank:
            self._send_with(lambda _, value: bank.send(value))


class Reader(Bank):
    """A downstream service; `handed` has the seconds at which its handler got each application's decision."""

    role = "consumer"

    def __init__(self, running: RunningStack, tenant: str, heard: Heard) -> None:
        super().__init__(running, tenant, heard)
        self.handed: dict[str, list[float]] = defaultdict(list)
        self._seen = MemorySeen()

    def _work(self) -> None:
        reading: AbstractContextManager[DecisionConsumer] = DecisionConsumer(
            self.settings(),
            self.tenant,
            f"{self.tenant}.soak",
            seen=self._seen,
            kafka=self.heard.of(Consumer, self.client_id),
        )
        with reading as consumer:
            while self.goes_on():
                consumer.step(self._handle, POLL_S)

    def _handle(self, received: Received) -> None:
        self.handed[received.application_id].append(time.time())


def longest_wait_s(submitted: Mapping[str, float], handed: Mapping[str, list[float]]) -> float:
    """The longest time from an application's submission to its decision in the service's hands.

    >>> longest_wait_s({"a": 1.0, "b": 2.0, "lost": 0.0}, {"a": [1.5], "b": [4.0, 9.0]})
    2.0
    """
    return max((handed[name][0] - at for name, at in submitted.items() if handed.get(name)), default=0.0)
