"""What a worker looks up beside its reading, in a thread of its own with a client of its own: nothing waits for it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from processors.transport.logs import place_of
from processors.transport.reach import ASK_EVERY_S, Reach
from processors.transport.specs import METADATA_REFRESH_S, WorkerKafka

log = logging.getLogger(__name__)

REFUSED = frozenset(
    {
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)

REST_SHARE = 20
"""A look of very many partitions takes long: there are so many times its length between two."""

Look = Callable[[AdminClient], float]
"""Looks, and says in how many seconds the next look is due; KafkaException and TimeoutError where nobody answers."""


BROKERS = "whether a broker answers"


class Lookout:
    """Takes its looks (by what each sees) again and again, from `watch` on until `stop`.

    One more comes first and often, from `start` on: whether a broker answers at all, for `reach`. While none does the
    others wait. A look that the broker does not allow is given up, with one line; no other error ends anything.
    """

    def __init__(self, kafka: WorkerKafka, looks: Mapping[str, Look], first_s: float, reach: Reach) -> None:
        self._kafka, self._first_s, self._reach = kafka, first_s, reach
        self._looks = {BROKERS: self._ask, **looks}
        self._watching, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)

    def start(self) -> None:
        """Begin to ask whether a broker answers."""
        self._thread.start()

    def watch(self) -> None:
        """There is an assignment: begin to look."""
        self._watching.set()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        self._watching.set()

    def _run(self) -> None:
        with AdminClient(dict(self._kafka.settings), logger=logging.getLogger("librdkafka")) as admin:
            self._look_on(admin)

    def _look_on(self, admin: AdminClient) -> None:
        pause = self.take(BROKERS, admin)
        while not self._watching.wait(pause):
            pause = self.take(BROKERS, admin)
        now = time.monotonic()
        due = {BROKERS: now} | dict.fromkeys(self._looks.keys() - {BROKERS}, now + self._first_s)
        while True:
            first = self._reach.silent_s or due[BROKERS] <= time.monotonic()
            what = BROKERS if first else min(due, key=lambda name: due[name])
            if self._stopped.wait(max(0.0, due[what] - time.monotonic())):
                return
            pause = self.take(what, admin)
            if pause is None:
                del due[what]
            else:
                due[what] = time.monotonic() + pause

    def _ask(self, admin: AdminClient) -> float:
        self._reach.ask(admin, self._kafka.check_topic)
        return ASK_EVERY_S

    def take(self, what: str, admin: AdminClient) -> float | None:
        """Take one look; seconds until its next, None where there is none."""
        began = time.monotonic()
        try:
            pause = self._looks[what](admin)
            return pause if what == BROKERS else max(pause, (time.monotonic() - began) * REST_SHARE)
        except KafkaException as error:
            if error.args[0].code() in REFUSED:
                log.warning("%s cannot be seen: the broker does not allow it", what)
                return None
            log.info("%s cannot be seen now: %s", what, error.args[0].str())
        except TimeoutError:
            log.info("%s cannot be seen now: no answer", what)
        except Exception as error:  # noqa: BLE001 - what is looked up beside must not end the reading
            log.error("%s cannot be seen: %s", what, place_of(error))  # noqa: TRY400 - its text may hold anything
        return METADATA_REFRESH_S
