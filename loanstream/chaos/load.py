"""The load: applications of two banks at a steady rate, with a few that nobody can read."""

import hashlib
import json
import threading
import time
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from confluent_kafka import Producer

from loanstream.running import Running
from schemas.topics import TOPICS

RATE = 60
"""Applications a second, all tenants together."""

UNREADABLE_EVERY = 40
FLUSH_S = 120.0


Verdict = Literal["decision", "referral", "dead letter"]
"""How a record may end. `referral`: decided, and referred to a person because its documents cannot be read."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that the broker confirmed, at `partition`: `trace` names it, `content` is the hash of its value.

    `due` is how it has to end: who wrote it knows whether it can be read.
    """

    trace: str
    partition: str
    fault: str
    content: str
    due: Verdict = "decision"


class Load(threading.Thread):
    """Publishes until it is stopped; whatever was confirmed stands in `sent`, by trace."""

    def __init__(self, running: Running, rate: float = RATE) -> None:
        super().__init__(name="load", daemon=True)
        self._running, self._rate = running, rate
        self._producer: Any = Producer(
            {**running.admin_settings, "enable.idempotence": True, "linger.ms": 5, "log_level": 2}
        )
        example = resources.files("schemas") / "examples" / "loan.application.submitted.json"
        self._example = json.loads(example.read_text("utf-8"))
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        self.fault = "warm-up"
        self.sent: dict[str, Sent] = {}
        self.failed = 0

    def run(self) -> None:
        """Publish at the rate; what a standing broker made wait is not made up for."""
        tenants = self._running.tenants[:2]
        while not self._ends.is_set():
            due = time.monotonic() + 1 / self._rate
            number = self._count
            tenant = tenants[number % len(tenants)]
            if number % UNREADABLE_EVERY == UNREADABLE_EVERY - 1:
                self.publish_bytes(tenant, f"unreadable-{number}", b"{", "dead letter")
            else:
                self.publish(tenant, f"steady-{number}")
            self._ends.wait(max(0.0, due - time.monotonic()))

    def publish(self, tenant: str, application_id: str, **changes: Any) -> None:
        """One application: the shipped example with `changes`. No document of chaos can be read."""
        event = self._example | {"tenant": tenant, "application_id": application_id} | changes
        due: Verdict = "referral" if "documents" in changes else "decision"
        self.publish_bytes(tenant, application_id, json.dumps(event).encode(), due)

    def publish_bytes(self, tenant: str, key: str, value: bytes, due: Verdict) -> None:
        """Any record; noted under the present fault once the broker confirms it."""
        fault, content = self.fault, hashlib.sha256(key.encode() + value).hexdigest()

        def confirmed(error: Any, message: Any) -> None:
            if error is not None:
                self.failed += 1
                return
            partition = f"{message.topic()}/{message.partition()}"
            trace = hashlib.sha256(f"{partition}/{message.offset()}".encode()).hexdigest()[:32]
            self.sent[trace] = Sent(trace, partition, fault, content, due)

        with self._lock:
            self._count += 1
            self._producer.produce(TOPICS["applications"].name(tenant), value, key, on_delivery=confirmed)
            self._producer.poll(0)

    def flush(self) -> None:
        """Return when everything published so far is confirmed."""
        if self._producer.flush(FLUSH_S):
            raise TimeoutError(f"the broker did not confirm everything within {FLUSH_S:.0f} s")

    def end(self) -> None:
        """Publish no more."""
        self._ends.set()
        self.join()
        self.flush()
