"""What waits for each stage, by the broker alone: committed offsets against ends, and the stamp of what waits first.

Transaction markers take offsets, too: of a partition that ends in them nothing waits. So where a stage is behind, its
first waiting record is read; what is found is kept for as long as the stage stands there.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from loanstream.doctor.standing import committed_of, stamps
from loanstream.install.topics import read_by
from loanstream.installation import Installation
from loanstream.reach import kafka_fault, operator
from loanstream.top.frame import Backlog
from processors.transport.look_ups import last_stable_offsets, look_at_groups
from schemas.problem import Problem
from schemas.records import Partition
from schemas.stages import STAGES, Stage
from schemas.topics import topic_of
from stores.topics import TO_THE_END

ANSWER_S = 10.0

_SILENT = logging.getLogger("loanstream.top.silent")
_SILENT.disabled = True


class FirstWaiting:
    """The stamps of the records that wait first, by partition; asked again only where a stage has moved, or where
    nothing but markers waited and the end has moved.
    """

    def __init__(self) -> None:
        self._known: dict[Partition, tuple[int, int, int | None]] = {}

    def stamps(
        self,
        behind: Mapping[Partition, int],
        ends: Mapping[Partition, int],
        read: Callable[[Mapping[Partition, int]], Mapping[Partition, int]],
    ) -> dict[Partition, int]:
        """Partition -> stamp (ms), of those in which a record waits at or behind the offset in `behind`."""
        asked = {place: at for place, at in behind.items() if not self._is_known(place, at, ends[place])}
        found = read(asked) if asked else {}
        for place, at in asked.items():
            self._known[place] = (at, ends[place], found.get(place))
        told = {place: self._known[place][2] for place in behind}
        return {place: stamp for place, stamp in told.items() if stamp is not None}

    def _is_known(self, place: Partition, at: int, end: int) -> bool:
        known = self._known.get(place)
        return known is not None and known[0] == at and (known[2] is not None or known[1] == end)


@contextmanager
def _administering(client: dict[str, Any]) -> Iterator[AdminClient]:
    """A client that ends where it is left, and not when the collector finds it."""
    with AdminClient(client, logger=_SILENT) as admin:
        yield admin


class Backlogs:
    """Asks the broker again and again, by clients that stay open; to be used by one thread at a time."""

    def __init__(self, installation: Installation, tenant: str | None) -> None:
        self._installation, self._tenant = installation, tenant
        self._admin: AdminClient | None = None
        self._held = ExitStack()
        self._askers: dict[str, Consumer] = {}
        self._firsts = {name: FirstWaiting() for name in STAGES}

    def look(self) -> dict[str, Backlog]:
        """Stage -> what waits for it. Problem where no broker answers; KafkaException."""
        try:
            return self._look(self._opened())
        except Exception:
            self.close()
            raise

    def close(self) -> None:
        """End the clients; a later look opens others."""
        askers, self._askers, self._admin = self._askers, {}, None
        self._held.close()
        for asker in askers.values():
            asker.close()

    def _opened(self) -> AdminClient:
        if self._admin is None:
            fault = kafka_fault(operator(self._installation))
            if fault is not None:
                raise Problem(str(fault))
            client: dict[str, Any] = {**self._installation.admin_settings, "log_level": 0}
            reads = {**client, **TO_THE_END, "auto.offset.reset": "earliest"}
            for stage in STAGES.values():
                self._askers[stage.name] = Consumer({**reads, "group.id": stage.group}, logger=_SILENT)
            self._admin = self._held.enter_context(_administering(client))
        return self._admin

    def _look(self, admin: AdminClient) -> dict[str, Backlog]:
        groups = look_at_groups(admin, [stage.group for stage in STAGES.values()], ANSWER_S)
        existing = admin.list_topics(timeout=ANSWER_S).topics
        backlogs = {}
        for stage in STAGES.values():
            sight = groups.get(stage.group)
            places = [at for at in self._places(stage) if at.topic in existing]
            waiting, oldest_ms = self._waiting(admin, stage.name, places)
            # The broker's clock may be ahead of ours.
            oldest_s = None if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
            backlogs[stage.name] = Backlog(None if sight is None else sight.members, waiting, oldest_s)
        return backlogs

    def _places(self, stage: Stage) -> Iterable[TopicPartition]:
        """What the stage reads; for one bank what it reads of that bank alone."""
        served = self._installation.tenants if self._tenant is None else (self._tenant,)
        found = read_by(stage, served)
        return found if self._tenant is None else [at for at in found if topic_of(at.topic)[1] is not None]

    def _waiting(self, admin: AdminClient, stage: str, places: list[TopicPartition]) -> tuple[int, int | None]:
        """Offsets that wait, and the stamp (ms) of the record that has waited for longest."""
        asker = self._askers[stage]
        committed = committed_of(asker, places)
        ends = last_stable_offsets(admin, committed, ANSWER_S)
        behind = {place: at for place, at in committed.items() if at < ends.get(place, 0)}
        found = self._firsts[stage].stamps(behind, ends, lambda asked: stamps(asker, asked))
        return sum(ends[place] - behind[place] for place in found), min(found.values(), default=None)
