"""The consumer for downstream services: each decision once to a handler, with how it stands; committed afterwards.

Theory of operation. The service may be killed at any moment, so a record's offset is committed only when the handler
has returned for it: it may come again, and is never lost. Decisions of one application come in the order in which they
were made, and that is not the order of its revisions: the slow lane and redrives overtake. So each is judged against
what was seen before (`producers.seen`). A human decision stands on another topic and may come before the decision that
it is about, or be about one that never was: alone it moves nothing. What is known of the revision joins both.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from producers.errors import PermissionRefusedError, ProducerError
from producers.librdkafka import PERMISSION
from producers.refusals import LogIns
from producers.seen import Known, MemorySeen, Seen, Standing, judged
from schemas.ahead import check_not_ahead
from schemas.decision import LoanDecision, Outcome
from schemas.decode import Undecodable, decode, decode_own
from schemas.operations import LoanOutcome
from schemas.records import Place
from schemas.topics import TOPICS, topic_of

log = logging.getLogger(__name__)

DEFAULTS: Mapping[str, Any] = {
    "client.id": "loanstream-decisions",
    # A new group begins with the oldest decision that is kept; one that was away for too long, too.
    "auto.offset.reset": "earliest",
    "auto.commit.interval.ms": 1_000,
    "topic.metadata.refresh.interval.ms": 30_000,
    # Ten seconds of silence after a broker, or a token server, is back help nobody.
    "reconnect.backoff.max.ms": 1_000,
    "log_level": 2,
}
"""librdkafka settings that the caller's own override."""

ENFORCED: Mapping[str, Any] = {
    "isolation.level": "read_committed",
    # What is committed, each second, in a rebalance and at the end, is what was stored by hand after the handler.
    "enable.auto.commit": True,
    "enable.auto.offset.store": False,
}
"""librdkafka settings without which the promises above would not hold."""

POLL_S = 1.0
_NO_TOPIC = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, *PERMISSION})


class UnreadableDecisionError(ProducerError):
    """A record of the decisions topic that this version cannot read: the consumer stands before it until it can."""


@dataclass(frozen=True, slots=True)
class Received:
    """A decision as the handler gets it: of the service (`LoanDecision`) or of a person (`LoanOutcome`).

    `known` is all that is known of its revision, this event included.
    """

    event: LoanDecision | LoanOutcome
    standing: Standing
    known: Known
    place: Place

    @property
    def application_id(self) -> str:
        """The bank's id of the application."""
        return self.event.application_id

    @property
    def revision(self) -> int:
        """The revision that was decided."""
        return self.event.revision

    @property
    def outcome(self) -> Outcome | None:
        """What counts for this revision: the first decision of a person where there is one, else the service's."""
        return self.known.outcome


Handler = Callable[[Received], object]


class DecisionConsumer:
    """Reads one tenant's decisions for one downstream service; use it from one thread.

    `settings` are librdkafka's (`bootstrap.servers` and the security settings of the installation). `group` names the
    service and begins with the tenant's name and a dot, as the broker's rights have it. Processes of one group share
    the work. `seen` remembers what was handed out; the default does in memory. Without `human_decisions` the topic of
    outcomes is not read. Raises `ValueError` for a tenant's or a group's name that cannot be.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        tenant: str,
        group: str,
        *,
        seen: Seen | None = None,
        human_decisions: bool = True,
        kafka: Callable[[dict[str, Any]], Any] = Consumer,
    ) -> None:
        keys = ("decisions", "outcomes") if human_decisions else ("decisions",)
        self._topics = [TOPICS[key].name(tenant) for key in keys]
        if not group.startswith(f"{tenant}."):
            raise ValueError(f"group: expected a name that begins with {tenant}. (its rights at the broker do)")
        self.seen: Seen = MemorySeen() if seen is None else seen
        self.repeats = 0
        self._tenant = tenant
        self._log_ins = LogIns(lambda within_s: self._consumer.list_topics(self._topics[0], within_s))
        self._reached = False
        self._consumer = kafka({**DEFAULTS, **settings, **ENFORCED, "group.id": group, "error_cb": self._on_error})
        self._consumer.subscribe(self._topics, on_assign=self._on_assign)

    def run(self, handle: Handler, until: Callable[[], bool] = lambda: False) -> None:
        """Give every decision to `handle`, until `until` says so. What `handle` raises comes out: its record was not
        committed and comes again, also where the service catches it and goes on. Raises what `step` raises.
        """
        while not until():
            self.step(handle)

    def step(self, handle: Handler, timeout_s: float = POLL_S) -> bool:
        """Wait for one record and give it to `handle`, if it is a decision and no repeat; whether there was a record.

        Raises `PermissionRefusedError`, `UnreadableDecisionError`, `CredentialsRefusedError` (by a broker only where
        nothing was reached before), and `ProducerError` where the client library has given up.
        """
        message = self._consumer.poll(timeout_s)
        self._log_ins.check(was_let_in=self._reached)
        if message is None:
            return False
        if message.error() is not None:
            self._look_at(message.error(), message.topic())
            return False
        self._reached = True
        place = Place(message.topic(), message.partition(), message.offset())
        try:
            event = self._event(message, place)
            if event is not None:
                self._hand_over(event, place, handle)
        except BaseException:
            self._again(place)
            raise
        self._done(place)
        return True

    def close(self) -> None:
        """Commit what was handled and leave the group."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; what was not handled is not committed."""
        self.close()

    def _event(self, message: Any, place: Place) -> LoanDecision | LoanOutcome | None:
        """The decision in a record; None where a bank tells of something else, or of what loanstream refuses, too."""
        if topic_of(place.topic)[0].key == "outcomes":
            return self._human(message)
        try:
            return decode_own(LoanDecision, message.value())
        except Undecodable as error:
            fields = ", ".join(sorted({fault.field for fault in error.errors}))
            raise UnreadableDecisionError(f"{place}: {error.cause} in {fields}; expected a newer version") from None

    def _human(self, message: Any) -> LoanOutcome | None:
        try:
            outcome = decode(LoanOutcome, message.value())
            check_not_ahead(outcome, message)
        except Undecodable:
            return None  # loanstream refuses it, too, and tells the bank
        addressed = message.key() == outcome.application_id.encode() and outcome.tenant == self._tenant
        return outcome if addressed and outcome.kind == "human_decision" else None

    def _hand_over(self, event: LoanDecision | LoanOutcome, place: Place, handle: Handler) -> None:
        found = judged(event, self.seen)
        if found is None:
            self.repeats += 1
            return
        standing, known = found
        handle(Received(event, standing, known, place))
        self.seen.note(event.application_id, event.revision, known)

    def _again(self, place: Place) -> None:
        """A service that catches what its handler raised and goes on gets the same record: the next one's offset would
        else be committed past it.
        """
        try:
            self._consumer.seek(TopicPartition(*place))
        except KafkaException as error:
            # Not ours any more: it comes again where the partition is now.
            log.warning("%s was not handled, and its partition is gone: %s", place, error.args[0].name())

    def _done(self, place: Place) -> None:
        try:
            self._consumer.store_offsets(offsets=[TopicPartition(place.topic, place.partition, place.offset + 1)])
        except KafkaException as error:
            # The partition went to another process meanwhile: there the record comes again.
            if error.args[0].code() != KafkaError._STATE:  # noqa: SLF001 - that is its public name
                raise ProducerError(f"{place}: the offset is not kept: {error.args[0].name()}") from None
            log.info("%s was handled while its partition was taken away: it comes again elsewhere", place)

    def _look_at(self, error: KafkaError, topic: str | None) -> None:
        if error.code() in _NO_TOPIC:
            raise PermissionRefusedError(
                f"no permission to read {topic or ', '.join(self._topics)} in this group, or there is no such topic"
            )
        if error.fatal():
            raise ProducerError(f"the consumer has given up: {error.name()}")

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._AUTHENTICATION:  # noqa: SLF001 - that is its public name
            # librdkafka goes on trying; a service that was reading waits with it, and its log says for what.
            log.warning("the credentials are refused")
            self._log_ins.failed(error)

    def _on_assign(self, _: Any, partitions: list[TopicPartition]) -> None:
        self._reached = True
        self._log_ins.let_in()
        log.info("reads %d partitions", len(partitions))
