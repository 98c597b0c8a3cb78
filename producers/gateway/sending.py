"""Sends the gateway's records, and answers when the broker has confirmed them.

Theory of operation. librdkafka tells of a delivery where it is polled: one thread polls, and hands what came of a whole
poll to the event loop in one go, where it resolves the futures that requests wait for. Producing itself never waits:
above `in_flight_max` records without an answer a request is refused at once, so that nobody queues behind a broker
that does not answer. A record that was not confirmed in time may have arrived all the same; sending it again is
harmless, because repeats are recognised by what they say.

Refused log-ins are logged at the first. Where the token server has refused the gateway, that is the end: what is sent
then is refused at once. A broker that doubts a token may mean a key that is new to it, for a second: what is sent then
waits, and is confirmed or told of the credentials, unless the broker goes on doubting. A token server that is away has
refused nobody.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer

from producers.gateway.problems import Fault, ProblemError
from producers.librdkafka import (
    HEARD,
    PERMISSION,
    TIMEOUT_NAMES,
    TOKEN_SERVER_AWAY,
    complete,
    log_in_failure,
    reason,
)
from producers.outcomes import outcome_record
from schemas.application import LoanApplication
from schemas.operations import LoanOutcome
from schemas.records import Headers, Place
from schemas.topics import APPLICATION_MAX_BYTES, TOPICS

log = logging.getLogger(__name__)

IN_FLIGHT_MAX = 2_000
"""Records without an answer: at 1 MiB each librdkafka's own queue ends before."""

DEFAULTS: Mapping[str, Any] = {
    "client.id": "loanstream-gateway",
    # A request waits for each of its records. What comes while one is under way goes with the next all the same; and a
    # wait of a millisecond is one more time to wake, or a broker's thread that spins for it.
    "linger.ms": 0,
    # Nobody waits longer than this for an answer over HTTP.
    "message.timeout.ms": 10_000,
}
"""librdkafka settings that the caller's own override; the rest is every producer's (`producers.librdkafka`)."""

BY_KEY = -1
"""The partition that the key leads to."""
POLL_S = 0.1
UNTOLD_MOST = 100
"""Records that nobody waits for, and of which the event loop is told a poll later: to wake it costs as much as one."""
REFUSALS_MAX = 3
"""So many doubted log-ins in a row are no hiccup of a key rotation: what is sent then is refused at once."""
REFUSED_FOR_S = 5.0
"""For so long after the last refusal; what is sent later makes the client log in again."""

LOG_INS: Mapping[str, str] = {
    "refused": "the token server refuses the gateway's own credentials: nothing is accepted",
    "doubted": "the broker refuses the gateway's own log-in; the client tries again",
    "away": TOKEN_SERVER_AWAY,
}
"""By what has become of a log-in (`log_in_failure`): what the log says when it is so for the first time."""

_JSON = ("content-type", b"application/json")


class Refusal(NamedTuple):
    """Why nothing is accepted now: the log's code, the sentence of the answer, seconds after which to try again."""

    code: str
    says: str
    retry_s: float


CREDENTIALS = Refusal("kafka-credentials", "Kafka does not accept the gateway's own credentials", 30)
PERMISSION_REFUSED = Refusal("kafka-permission", "the gateway may not write this bank's topic, or there is none", 30)
UNCONFIRMED = Refusal("kafka-unconfirmed", "no broker confirmed it in time; send it again, a repeat is recognised", 5)
FULL = Refusal("kafka-in-flight", "more is under way than the brokers confirm", 1)
BROKEN = Refusal("kafka-client", "the gateway begins anew with Kafka", 1)

_NO_TOPIC = frozenset({"_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART"})


def away(refusal: Refusal) -> ProblemError:
    """The problem that a refusal is answered with."""
    return ProblemError("unavailable", refusal.says, retry_after_s=refusal.retry_s, reason=refusal.code)


class KafkaSender:
    """The `Sender` of `parts` on one idempotent producer; used from the event loop that `start` was called in.

    `settings` are librdkafka's (`bootstrap.servers` and the security settings of the gateway's principal). Raises
    `ValueError` for a delivery timeout that never ends.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        in_flight_max: int = IN_FLIGHT_MAX,
        kafka: Callable[[dict[str, Any]], Any] = Producer,
    ) -> None:
        own = {name: value for name, value in DEFAULTS.items() if not _named_otherwise(name, settings)}
        self._settings = {**complete({**own, **settings}), "error_cb": self._on_error}
        self._kafka = kafka
        self._producer = kafka(self._settings)
        self._in_flight_max, self._in_flight = in_flight_max, 0
        self._refusals, self._refused_until = 0, 0.0
        self._log_ins: set[str] = set()
        self._heard: str | None = None
        self._trouble: Refusal | None = None
        self._fatal = False
        self._settled: list[tuple[_Waiter, KafkaError | None, Place | None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle = asyncio.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    async def start(self) -> None:
        """Begin to hear what became of records."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Wait for what is under way, for as long as a delivery may take at most; then end."""
        timeout_s = int(next(self._settings[name] for name in TIMEOUT_NAMES if name in self._settings)) / 1000
        self._idle.clear()
        if not self._in_flight:
            self._idle.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 5)

    async def complaint(self) -> str | None:
        """What is wrong, in words for readiness; None where the last record that ended was confirmed."""
        return None if self._trouble is None else self._trouble.says

    async def send(self, application: LoanApplication, traceparent: str | None = None) -> Place:
        """Where the application's record stands. ProblemError `unavailable`, `too-large`."""
        headers: Headers = [_JSON]
        if traceparent is not None:
            headers.append(("traceparent", traceparent.encode("ascii")))
        topic = TOPICS["applications"].name(application.tenant)
        value = application.model_dump_json().encode()
        _check_size(len(value) + sum(len(name) + len(content) for name, content in headers))
        return await self.put(topic, application.application_id.encode(), value, headers)

    async def send_outcome(self, outcome: LoanOutcome) -> Place:
        """Where the outcome's record stands. ProblemError `unavailable`."""
        topic = TOPICS["outcomes"].name(outcome.tenant)
        key, value = outcome_record(outcome)
        return await self.put(topic, key, value, [_JSON])

    async def put(self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int = BY_KEY) -> Place:
        """Where the record stands, once every replica that is waited for has it. ProblemError `unavailable`."""
        assert self._loop is not None
        waiter: asyncio.Future[Place] = self._loop.create_future()
        self._produce(topic, key, value, headers, partition, waiter)
        return await waiter

    def post(self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int = BY_KEY) -> None:
        """Send a record that nobody waits for, and that may be lost. ProblemError `unavailable` where none goes out."""
        self._produce(topic, key, value, headers, partition, None)

    def _produce(
        self, topic: str, key: bytes, value: bytes, headers: Headers, partition: int, waiter: "_Waiter"
    ) -> None:
        if self._refusals >= REFUSALS_MAX and time.monotonic() < self._refused_until:
            raise away(CREDENTIALS)
        if self._in_flight >= self._in_flight_max:
            raise away(FULL)

        def told(error: KafkaError | None, message: Any) -> None:
            place = None if error is not None else Place(topic, message.partition(), message.offset())
            self._settled.append((waiter, error, place))

        try:
            self._producer.produce(topic, key=key, value=value, headers=headers, partition=partition, on_delivery=told)
        except BufferError:
            raise away(FULL) from None
        except KafkaException as error:
            log.warning("a record was not taken by the client: %s", error.args[0].name())
            raise away(self._noted(BROKEN)) from None
        self._in_flight += 1

    def _run(self) -> None:
        """Poll until the end; hand over what a poll brought, at once where somebody waits for it."""
        while not self._stop.is_set():
            before = len(self._settled)
            self._producer.poll(POLL_S)
            if len(self._settled) == before or len(self._settled) > UNTOLD_MOST or self._is_awaited():
                self._hand_over()
            if self._fatal:
                self._begin_anew()

    def _is_awaited(self) -> bool:
        return any(waiter is not None for waiter, _, _ in self._settled)

    def _hand_over(self) -> None:
        settled, self._settled = self._settled, []
        if settled:
            self._in_the_loop(self._settle, settled)

    def _in_the_loop(self, call: Callable[..., object], *arguments: Any) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(call, *arguments)

    def _begin_anew(self) -> None:
        """A producer that has given up never sends again: another takes its place, and what it still had is told."""
        broken, self._producer = self._producer, self._kafka(self._settings)
        self._fatal = False
        broken.purge()
        broken.flush(1)
        self._hand_over()

    def _settle(self, settled: "list[tuple[_Waiter, KafkaError | None, Place | None]]") -> None:
        self._in_flight -= len(settled)
        if not self._in_flight:
            self._idle.set()
        for waiter, error, place in settled:
            refused = None if error is None else self._refused(error)
            if refused is None:
                self._trouble, self._refusals, self._heard = None, 0, None
                self._log_ins.clear()
            if waiter is None or waiter.done():  # who asked may have gone
                continue
            if refused is not None:
                waiter.set_exception(refused)
            elif place is not None:
                waiter.set_result(place)

    def _refused(self, error: KafkaError) -> ProblemError:
        """What is answered where a record was not confirmed."""
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return _too_large()
        heard = f": {self._heard}" if self._heard else ""
        log.warning("not confirmed: %s%s", reason(error), heard)
        if error.code() in PERMISSION or error.name() in _NO_TOPIC:
            return away(self._noted(PERMISSION_REFUSED))
        if not self._refusals:
            return away(self._noted(UNCONFIRMED))
        self._refused_until = time.monotonic() + REFUSED_FOR_S
        return away(self._noted(CREDENTIALS))

    def _noted(self, refusal: Refusal) -> Refusal:
        self._trouble = refusal
        return refusal

    def _on_error(self, error: KafkaError) -> None:
        """Called in the polling thread."""
        if error.fatal():
            log.error("the client has given up: %s", error.name())
            self._fatal = True
        elif error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - that is its public name
            self._log_in_failed(log_in_failure(error))
        else:
            self._heard = HEARD.get(error.name(), self._heard)

    def _log_in_failed(self, how: Literal["refused", "away", "doubted"]) -> None:
        if how not in self._log_ins:
            self._log_ins.add(how)
            log.warning("%s", LOG_INS[how])
        if how == "away":
            self._heard = TOKEN_SERVER_AWAY
        elif how == "refused" or "away" not in self._log_ins:  # a token that could not be renewed proves nothing
            self._refusals = max(REFUSALS_MAX, self._refusals) if how == "refused" else self._refusals + 1
            self._refused_until = time.monotonic() + REFUSED_FOR_S
            if self._refusals >= REFUSALS_MAX:
                self._trouble = CREDENTIALS


_Waiter = asyncio.Future[Place] | None


def _named_otherwise(name: str, settings: Mapping[str, Any]) -> bool:
    """Whether the caller gives a default's setting by its other name."""
    return name in TIMEOUT_NAMES and any(other in settings for other in TIMEOUT_NAMES)


def _check_size(size: int) -> None:
    if size > APPLICATION_MAX_BYTES:
        raise _too_large(size)


def _too_large(size: int | None = None) -> ProblemError:
    found = None if size is None else f"{size} bytes"
    fault = Fault("(body)", f"at most {APPLICATION_MAX_BYTES} bytes as a record", found)
    return ProblemError("too-large", "the application is larger than the topic takes", [fault])
