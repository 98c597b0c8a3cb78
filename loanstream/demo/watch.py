"""An independent witness: reads decisions and dead letters as a downstream service would, beside everything else."""

import threading
from types import TracebackType
from typing import Any, Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from loanstream.stack.running import RunningStack
from schemas.topics import ENDS, TOPICS

ALERTS_ALONE = 2
"""librdkafka writes to stderr, into the demo's progress; a broker that is gone shows in the figures."""


class Watch:
    """Counts, from the start of the topics on, what a read_committed consumer sees."""

    def __init__(self, running: RunningStack, tenants: tuple[str, ...]) -> None:
        self.decision_records = 0
        self.decision_ids: set[str] = set()
        self.dead_letters = 0
        self._consumer: Any = Consumer(
            {
                **running.admin_settings,
                "group.id": "demo-witness",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "log_level": ALERTS_ALONE,
            }
        )
        names = [TOPICS[key].name(tenant) for key in ENDS for tenant in tenants]
        found = self._consumer.list_topics(timeout=15).topics
        self._consumer.assign(
            [TopicPartition(name, number, OFFSET_BEGINNING) for name in names for number in found[name].partitions]
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="witness", daemon=True)

    @property
    def total(self) -> int:
        """Records seen: each application's record has to end as exactly one of them."""
        return self.decision_records + self.dead_letters

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(timeout=10)
        self._consumer.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(500, 0.2):
                if message.error() is not None:
                    continue
                if message.topic().endswith(".dlq"):
                    self.dead_letters += 1
                else:
                    self.decision_ids.add(orjson.loads(message.value())["decision_id"])
                    self.decision_records += 1
