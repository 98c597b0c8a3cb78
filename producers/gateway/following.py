"""Follows topics from a moment on, in a thread of its own, without a group: for what every gateway reads as a whole."""

import asyncio
import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from producers.librdkafka import PERMISSION
from schemas.access import GATEWAY_READERS
from schemas.records import Partition
from stores.unreadable import CODES

log = logging.getLogger(__name__)

SETTINGS: Mapping[str, Any] = {
    "client.id": "loanstream-gateway",
    "group.id": GATEWAY_READERS,  # never joined, never committed to
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    # What retention took away meanwhile is of no use any more.
    "auto.offset.reset": "earliest",
    "fetch.error.backoff.ms": 50,
    "reconnect.backoff.max.ms": 1_000,
    "log_level": 2,
}
"""librdkafka settings; `isolation.level` and the like are not for the caller to choose."""

MEMORY: Mapping[str, Any] = {"queued.max.messages.kbytes": 16 * 1024, "fetch.message.max.bytes": 4 * 1024 * 1024}

MOST = 1_000
WAIT_S = 0.1
ANSWER_S = 10.0
AGAIN_S = 1.0
"""After so long a reader that failed begins anew."""
ASK_EVERY_S = 1.0
"""So often it asks which topics are wanted."""
CAME_MS = 60_000
"""A topic that came later is read from so long before it was seen: what was sent to it meanwhile is heard, too."""
LOOK_AGAIN_S = 30.0
"""After so long it looks again for topics that were not there."""

END = -1
"""The time that stands for a partition's end where its offsets are asked for by time."""
REFUSED = "Kafka does not accept the gateway's own credentials"
_GONE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, *PERMISSION})  # noqa: SLF001 - public names


class Follower:
    """Hands the records of some topics to `take`, in its own thread, and calls `advanced` in the event loop afterwards
    if somebody waits there (`is_awaited`, asked in its own thread): to wake the loop costs as much as a record.

    Who begins to wait looks once more afterwards whether it is there.

    Which ones it asks `topics` again every second: some may come, and others go.

    Begins with the records that are younger than `since_ms()` (None: at the end), and where it stopped when it has to
    begin anew. `has_caught_up` once everything was taken that was there at the start.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        topics: Iterable[str],
        take: Callable[[list[Any]], None],
        advanced: Callable[[], None],
        is_awaited: Callable[[], bool],
        *,
        since_ms: Callable[[], int] = lambda: END,
        kafka: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        self._settings = {**MEMORY, **settings, **SETTINGS, "error_cb": self._on_error}
        self._wanted, self._take, self._advanced, self._is_awaited = topics, take, advanced, is_awaited
        self._topics: tuple[str, ...] = ()
        self._since_ms, self._kafka = since_ms, kafka
        self._positions: dict[Partition, int] = {}
        self._behind: dict[Partition, int] = {}
        self.has_caught_up = self._has_begun = False
        self.complaint: str | None = "has not begun to read"
        self._look_again_at, self._asked_at = math.inf, 0.0
        self._refused = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow topics", daemon=True)

    async def start(self) -> None:
        """Begin to read; returns at once."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def close(self) -> None:
        """Stop reading; waits for the thread."""
        self._stop.set()
        await asyncio.to_thread(self._thread.join, 5)

    def position(self, topic: str, partition: int) -> int:
        """The offset before which all was taken."""
        return self._positions.get((topic, partition), -1)

    def _run(self) -> None:
        while not self._stop.is_set():
            consumer: Any = None
            try:
                consumer = self._kafka(self._settings)
                self._begin(consumer)
                self._refused = False  # the broker has answered since
                while not self._stop.is_set() and not self._has_to_begin_anew():
                    self._step(consumer)
            except KafkaException as error:
                self._hear(consumer)
                self._failed(error.args[0].name())
            except Exception as error:  # noqa: BLE001 - a thread that ends quietly would leave a gateway that waits for ever
                self._failed(type(error).__name__)
            finally:
                if consumer is not None:
                    consumer.close()

    def _has_to_begin_anew(self) -> bool:
        if self._refused:
            return True
        now = time.monotonic()
        if now < self._asked_at + ASK_EVERY_S:
            return now >= self._look_again_at
        self._asked_at = now
        return now >= self._look_again_at or tuple(self._wanted) != self._topics

    @property
    def _first(self) -> str:
        """A topic that its lines name it by."""
        return next(iter(self._topics), "no topic")

    def _hear(self, consumer: Any) -> None:
        """Let librdkafka tell what it met meanwhile: it does so where it is polled alone."""
        with contextlib.suppress(KafkaException):
            if consumer is not None:
                consumer.poll(0)

    def _failed(self, why: str) -> None:
        self.complaint = f"cannot read its topics: {REFUSED if self._refused else why}"
        log.warning("%s: %s", self._first, self.complaint)
        self._stop.wait(AGAIN_S)

    def _begin(self, consumer: Any) -> None:
        self._topics = tuple(self._wanted)
        known = consumer.list_topics(timeout=ANSWER_S).topics
        there = [topic for topic in self._topics if topic in known and known[topic].error is None]
        if self._topics and not there:
            raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        places = [(topic, number) for topic in there for number in known[topic].partitions]
        new = [place for place in places if place not in self._positions]
        ends = self._offsets(consumer, new, END)
        self._behind = {place: end for place, end in self._behind.items() if place in places}
        since_ms = int(time.time() * 1000) - CAME_MS if self._has_begun else self._since_ms()
        first = ends if since_ms == END else self._offsets(consumer, new, since_ms)
        for place in new:
            # Nothing is that young: then it begins at the end.
            self._positions[place] = first[place] if first[place] >= 0 else ends[place]
            self._behind[place] = ends[place]
        consumer.assign([TopicPartition(*place, self._positions[place]) for place in places])
        self._has_begun = True
        self._look_behind()
        absent = len(self._topics) - len(there)
        self.complaint = f"{absent} of its topics are not there, or not readable" if absent else None
        self._look_again_at = time.monotonic() + LOOK_AGAIN_S if absent else math.inf
        self._tell()

    def _offsets(self, consumer: Any, places: list[Partition], at_ms: int) -> dict[Partition, int]:
        asked = [TopicPartition(*place, at_ms) for place in places]
        found = consumer.offsets_for_times(asked, timeout=ANSWER_S) if asked else []
        for one in found:
            if one.error is not None:
                raise KafkaException(one.error)
        return {(one.topic, one.partition): one.offset for one in found}

    def _step(self, consumer: Any) -> None:
        first = consumer.poll(WAIT_S)
        if first is None:
            return
        # Asked for many with a timeout, librdkafka waits for all of them, or until it is over.
        messages = [first, *consumer.consume(MOST, 0)]
        good = [message for message in messages if message.error() is None]
        if good:
            self._take(good)
        for message in messages:
            error = message.error()
            if error is None:
                self._positions[message.topic(), message.partition()] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
                place = message.topic(), message.partition()
                self._positions[place] = max(self._positions[place], message.offset())
            else:
                self._look_at(consumer, message, error)
        if good or self._behind:  # an end alone moves nobody on who is not behind
            self._look_behind()
            self._tell()

    def _look_at(self, consumer: Any, message: Any, error: KafkaError) -> None:
        if error.code() in CODES and message.topic() is not None:
            # A batch that cannot be unpacked would stand in the way for ever; nothing of ours writes such a one.
            log.error("%s[%d]: a batch cannot be read; goes on at the end", message.topic(), message.partition())
            place = message.topic(), message.partition()
            self._positions[place] = self._offsets(consumer, [place], END)[place]
            consumer.seek(TopicPartition(*place, self._positions[place]))
        elif error.fatal() or error.code() in _GONE:
            raise KafkaException(error)
        else:
            log.warning("%s: %s", self._first, error.name())

    def _look_behind(self) -> None:
        self._behind = {place: end for place, end in self._behind.items() if self._positions[place] < end}
        self.has_caught_up = not self._behind

    def _tell(self) -> None:
        assert self._loop is not None
        if not self._is_awaited():
            return
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._advanced)

    def _on_error(self, error: KafkaError) -> None:
        """What librdkafka mends by itself; whether it has mended refused credentials is found out by beginning anew."""
        log.info("%s: %s", self._first, error.name())
        self._refused = self._refused or error.code() == KafkaError._AUTHENTICATION  # noqa: SLF001 - its public name
