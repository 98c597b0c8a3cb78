"""What the verbs for banks ask of Kafka: a port, and Kafka behind it. Its twin in memory is with the tests."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Protocol, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.doctor.standing import committed_of, stamps
from loanstream.install import grants, topics
from loanstream.install.grants import Held
from loanstream.installation import Installation
from loanstream.served import lines_of_unread
from processors.transport.look_ups import last_stable_offsets, look_at_groups
from schemas.problem import Problem
from schemas.stages import STAGES
from stores.topics import TO_THE_END

ANSWER_S, AGAIN_S = 10.0, 0.2
_GONE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.NO_ERROR})

Answer = TypeVar("Answer")

_SILENT = logging.getLogger("loanstream.tenants.silent")
_SILENT.disabled = True


class Broker(Protocol):
    """Topics, positions, rights and readers. Every call may raise KafkaException, and Problem for a person to mend."""

    def topics(self) -> Mapping[str, int]:
        """Every topic with the number of its partitions."""

    def missing(self, tenant: str) -> list[str]:
        """The bank's topics that are not there, and the first positions of stages on those that are, a line each."""

    def create(self, tenant: str) -> None:
        """Make the bank's topics that are not there, inputs last."""

    def commit_first_positions(self, tenant: str) -> None:
        """Commit offset 0 for each stage on each of the bank's partitions that it has no position on."""

    def delete(self, names: Sequence[str]) -> None:
        """Delete topics, in this order; one that is gone is no fault."""

    def held(self) -> list[Held] | None:
        """Every right there is; None at a broker that asks nobody who he is."""

    def grant(self, lacking: Sequence[Held]) -> None:
        """Grant these."""

    def take_away(self, stale: Sequence[Held]) -> None:
        """Take these away."""

    def unread(self, tenant: str) -> list[str]:
        """A line for each of the bank's topics that a stage does not read, or has no position on."""

    def waiting(self, tenant: str) -> list[str]:
        """A line for each of the bank's topics in which records wait for a stage."""


class KafkaBroker:
    """The broker of an installation; new topics get `copies` copies (None: as many as brokers, three at most)."""

    def __init__(self, installation: Installation, copies: int | None = None) -> None:
        self._installation, self._copies = installation, copies
        self._client: topics.Client = {**installation.admin_settings, **topics.QUIET}

    def topics(self) -> Mapping[str, int]:
        """See `Broker.topics`."""
        with self._admin() as admin:
            found = admin.list_topics(timeout=ANSWER_S).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    def missing(self, tenant: str) -> list[str]:
        """See `Broker.missing`."""
        return _once_known(lambda: topics.missing(self._client, (tenant,)))

    def create(self, tenant: str) -> None:
        """See `Broker.create`."""
        topics.create(self._client, (tenant,), self._copies or topics.usual_copies(self._client))

    def commit_first_positions(self, tenant: str) -> None:
        """See `Broker.commit_first_positions`."""
        _once_known(lambda: topics.commit_first_offsets(self._client, (tenant,)))

    def delete(self, names: Sequence[str]) -> None:
        """See `Broker.delete`."""
        with self._admin() as admin:
            for name in names:
                error = admin.delete_topics([name])[name].exception(topics.REQUEST_S)
                if isinstance(error, KafkaException) and error.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    raise Problem(
                        f"the broker lets nobody of ours delete {name}: let the operator DELETE on `loan.` (prefixed)"
                    )
                if isinstance(error, KafkaException) and error.args[0].code() in _GONE:
                    continue
                if error is not None:
                    raise error

    def held(self) -> list[Held] | None:
        """See `Broker.held`."""
        return grants.there(self._installation)

    def grant(self, lacking: Sequence[Held]) -> None:
        """See `Broker.grant`."""
        grants.grant(self._installation, lacking)

    def take_away(self, stale: Sequence[Held]) -> None:
        """See `Broker.take_away`."""
        grants.take_away(self._installation, stale)

    def unread(self, tenant: str) -> list[str]:
        """See `Broker.unread`. A group that is changing reads nothing at the moment."""
        with self._admin() as admin:
            groups = look_at_groups(admin, [stage.group for stage in STAGES.values()])
        partitions = {name: frozenset(range(count)) for name, count in self.topics().items()}
        changing = [f"group {stage.group} is changing" for stage in STAGES.values() if stage.group not in groups]
        without = _once_known(lambda: list(topics.without_offset(self._client, (tenant,))))
        return [*changing, *lines_of_unread((tenant,), partitions, groups), *without]

    def waiting(self, tenant: str) -> list[str]:
        """See `Broker.waiting`."""
        there = self.topics()
        own = {name for name, topic in topics.named_topics((tenant,)) if topic.per_tenant and name in there}
        with self._admin() as admin:
            ends = last_stable_offsets(admin, [(name, number) for name in own for number in range(there[name])])
        lines: dict[str, None] = {}
        for stage in STAGES.values():
            places = [place for place in topics.read_by(stage, (tenant,)) if place.topic in own]
            settings = {**self._client, "group.id": stage.group, **TO_THE_END, "auto.offset.reset": "earliest"}
            with closing(Consumer(settings, logger=_SILENT)) as asker:
                at = committed_of(asker, places)
                # Behind the last record there may be markers, which nobody waits for.
                behind = {place: offset for place, offset in at.items() if offset < ends.get(place, 0)}
                lines |= dict.fromkeys(f"records of {name} wait for {stage.name}" for name, _ in stamps(asker, behind))
        return list(lines)

    @contextmanager
    def _admin(self) -> Iterator[AdminClient]:
        with AdminClient({**self._client, "log_level": 0}, logger=_SILENT) as admin:
            yield admin


def _once_known(ask: Callable[[], Answer]) -> Answer:
    """An answer about topics that were made a moment ago: a broker may hear of them a little later."""
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART or time.monotonic() > until:
                raise
        time.sleep(AGAIN_S)
