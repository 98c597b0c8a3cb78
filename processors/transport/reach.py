"""Whether a broker answers this worker: what its readiness is judged by, and what its health is spared for.

A worker without a broker waits, and goes on by itself: to start it anew would help nobody. So it is not ready and stays
healthy, and what stood still because nobody answered is no complaint.
"""

import math
import time
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

ASK_EVERY_S = 2.0
ANSWER_S = 2.0


class Reach:
    """Since when brokers answer, or do not. Every method may be called from any thread.

    `since` is when the answers began, and never (infinity) while there are none.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._answered = self.since = now()
        self._is_refused = False

    def ask(self, admin: AdminClient, topic: str) -> None:
        """Ask for a topic's partitions. Whoever refuses to tell them answers, too.

        Where this topic is refused, every topic is asked for: that is answered with those that may be seen, and is no
        line in the broker's log each time.
        """
        try:
            found = admin.list_topics(None if self._is_refused else topic, timeout=ANSWER_S).topics.get(topic)
            error = None if found is None else found.error
            self._is_refused |= error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED
        except KafkaException as error:
            if error.args[0].code() < 0:  # the client's own: nobody said it
                self.silent()
                return
        self.answered()

    def answered(self) -> None:
        """A broker answered."""
        self._answered = self._now()
        if self.since == math.inf:
            self.since = self._answered

    def silent(self) -> None:
        """No broker answered in time."""
        self.since = math.inf

    @property
    def silent_s(self) -> float:
        """For how many seconds no broker has answered; 0 while one does."""
        return self._now() - self._answered if self.since == math.inf else 0.0
