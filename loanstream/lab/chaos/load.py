"""The load: applications of two banks at a steady rate, a few of which nobody can read or are the slow lane's."""

import hashlib
import itertools
import json
import threading
import time
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from confluent_kafka import Producer

from loanstream.stack.running import RunningStack
from producers.synthetic.broken import bomb
from schemas.topics import TOPICS
from stores.documents.blobs import StoreDownError
from stores.documents.store import DocumentStore

RATE = 60
"""Applications a second, all tenants together."""

UNREADABLE_EVERY = 40
SLOW_EVERY = 241
"""One in four seconds carries a document: one worker of the slow lane keeps up with them where it reads two at once,
even on a machine so busy that each takes the six seconds it may. An odd number, so that both banks have some.
"""
SLOW_BYTES = 3 * 1024 * 1024
"""Of drawing: three times as long to read as the fast lane waits, and well within what the slow lane waits."""
FLUSH_S = 120.0


Verdict = Literal["decision", "referral", "dead letter"]
"""How a record may end. `referral`: decided, and referred to a person because its documents cannot be read."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A record that the broker confirmed, at `partition`: `trace` names it, `content` is the hash of its value.

    `at` is the second (since 1970) when it was written. `due` is how it has to end: who wrote it knows whether it can
    be read.
    """

    trace: str
    partition: str
    fault: str
    content: str
    at: float
    due: Verdict = "decision"


class Load(threading.Thread):
    """Publishes until it is stopped; whatever was confirmed stands in `sent`, by trace."""

    def __init__(self, running: RunningStack, rate: float = RATE) -> None:
        super().__init__(name="load", daemon=True)
        self._running, self._rate = running, rate
        self._producer: Any = Producer(
            {**running.admin_settings, "enable.idempotence": True, "linger.ms": 5, "log_level": 2}
        )
        # One that the score approves: a decline by the score stands, whatever its documents are.
        example = resources.files("schemas") / "examples" / "loan.application.submitted.with-documents.json"
        self._example = json.loads(example.read_text("utf-8")) | {"documents": []}
        self._ends = threading.Event()
        self._lock = threading.Lock()
        self._count = 0
        self._documents = itertools.count()
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
            elif number % SLOW_EVERY == SLOW_EVERY - 1:
                self.publish_slow(tenant)
            else:
                self.publish(tenant, f"steady-{number}")
            self._ends.wait(max(0.0, due - time.monotonic()))

    def publish_slow(self, tenant: str) -> None:
        """One application with a document that the fast lane has no time for; without it while the store is away."""
        number = next(self._documents)
        try:
            documents = {"documents": [stored(self._running.documents, tenant, bomb(number, SLOW_BYTES))]}
        except StoreDownError:
            documents = {}
        self.publish(tenant, f"slow-{number}", **documents)

    def publish(self, tenant: str, application_id: str, **changes: Any) -> None:
        """One application: a shipped example with `changes`. No document of chaos can be read."""
        event = self._example | {"tenant": tenant, "application_id": application_id} | changes
        due: Verdict = "referral" if "documents" in changes else "decision"
        self.publish_bytes(tenant, application_id, json.dumps(event).encode(), due)

    def publish_bytes(self, tenant: str, key: str, value: bytes, due: Verdict) -> None:
        """Any record; noted under the present fault once the broker confirms it."""
        fault, at, content = self.fault, time.time(), hashlib.sha256(key.encode() + value).hexdigest()

        def confirmed(error: Any, message: Any) -> None:
            if error is not None:
                self.failed += 1
                return
            partition = f"{message.topic()}/{message.partition()}"
            trace = hashlib.sha256(f"{partition}/{message.offset()}".encode()).hexdigest()[:32]
            self.sent[trace] = Sent(trace, partition, fault, content, at, due)

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


def stored(store: DocumentStore, tenant: str, data: bytes) -> dict[str, Any]:
    """The reference to a document that now lies in the store. Raises `StoreDownError`."""
    sha256 = store.put(tenant, data)
    return {"kind": "payslip", "sha256": sha256, "media_type": "application/pdf", "size": len(data)}
