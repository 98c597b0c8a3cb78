"""Whether a topic is there, for outputs that are left out where nobody could read them."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

log = logging.getLogger(__name__)

Exists = Callable[[str], bool]
"""Whether a topic is there."""

ANSWER_S, AGAIN_S = 2.0, 5.0
"""How long the broker is asked for a topic, and how soon again where it has none, in seconds."""


class TopicsThere:
    """Whether the broker has a topic: asked once where it has, soon again where it has not.

    A tenant of an earlier version has no topic for rejections until `install` makes it. Its records are not held up for
    that: its letters say that the bank was not told.
    """

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, str],
        admin: Callable[..., Any] = AdminClient,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._admin, self._now = admin, now
        self._settings = {"bootstrap.servers": bootstrap, **security}
        self._there: set[str] = set()
        self._absent: dict[str, float] = {}
        self._deaf_until = 0.0

    def __call__(self, topic: str) -> bool:
        """True also where the broker does not answer: what is written there waits, as all else does."""
        if topic in self._there or self._now() < self._deaf_until:
            return True
        if self._now() < self._absent.get(topic, 0.0):
            return False
        try:
            with self._admin(self._settings, logger=logging.getLogger("librdkafka")) as client:
                found = client.list_topics(topic, timeout=ANSWER_S).topics.get(topic)
        except KafkaException:
            # A batch may hold hundreds of bad records: they must not wait one after the other.
            self._deaf_until = self._now() + AGAIN_S
            return True
        if found is not None and found.error is None:
            self._there.add(topic)
            return True
        log.warning("topic %s is absent, or not ours to write: its bank is not told; see loanstream install", topic)
        self._absent[topic] = self._now() + AGAIN_S
        return False


def everywhere(topic: str) -> bool:  # noqa: ARG001 - the port's signature
    """Every topic is there: in memory, where nothing has to be made before it is written to."""
    return True
