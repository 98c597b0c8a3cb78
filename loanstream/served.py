"""Which topics of tenants are read: the one look-up behind a line of the doctor's and one of `submit`'s."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from loanstream.installation import Installation
from processors.transport.look_ups import GroupSight, look_at_groups
from schemas.records import Partition
from schemas.stages import STAGES
from schemas.topics import TOPICS

ANSWER_S = 3.0
FIRST_STAGE = "verify"
"""Whose group reads what banks submit."""

_SILENT = logging.getLogger("loanstream.served.silent")
_SILENT.disabled = True


def unread(installation: Installation) -> list[str]:
    """A line for each topic of the tenants that a stage's group does not read, naming both; KafkaException.

    A group that is changing at the moment is not judged.
    """
    with AdminClient(_asking(installation), logger=_SILENT) as admin:
        groups = look_at_groups(admin, [stage.group for stage in STAGES.values()], ANSWER_S)
        found = admin.list_topics(timeout=ANSWER_S).topics
    partitions = {name: frozenset(topic.partitions) for name, topic in found.items()}
    return list(lines_of_unread(installation.tenants, partitions, groups))


def lines_of_unread(
    tenants: tuple[str, ...], partitions: Mapping[str, frozenset[int]], groups: Mapping[str, GroupSight]
) -> Iterator[str]:
    """As `unread`, of topics with these `partitions`. A group without a member is one line."""
    for stage in STAGES.values():
        sight = groups.get(stage.group)
        if sight is None:
            continue
        if not sight.members:
            yield f"group {stage.group} has no member: nobody reads its topics"
            continue
        for name in (TOPICS[key].name(tenant) for tenant in tenants for key in stage.reads if TOPICS[key].per_tenant):
            lacking = sorted(number for number in partitions.get(name, ()) if (name, number) not in sight.read)
            if lacking:
                yield f"{name} ({_some(lacking)}) is read by no member of group {stage.group}"


def not_served(
    installation: Installation, tenant: str, topic: str = "applications", stage: str = FIRST_STAGE
) -> str | None:
    """One line where no worker of a stage reads what `tenant` publishes on a topic (its row's key); None where one
    does, and where it cannot be told.

    For whoever publishes: what he sends is kept, and worked on once a worker is there.
    """
    name = TOPICS[topic].name(tenant)
    group = STAGES[stage].group
    try:
        with AdminClient(_asking(installation), logger=_SILENT) as admin:
            sight = look_at_groups(admin, [group], ANSWER_S).get(group)
            found = admin.list_topics(name, timeout=ANSWER_S).topics.get(name)
    except (KafkaException, TimeoutError):
        return None  # no answer, or no right to ask: publishing itself tells what matters
    if sight is None or found is None:
        return None
    places: set[Partition] = {(name, number) for number in found.partitions}
    if places <= sight.read:
        return None
    return f"no worker reads {name} now (group {group}): what is published waits there; see loanstream doctor"


def _some(numbers: list[int]) -> str:
    return f"partition{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"


def _asking(installation: Installation) -> dict[str, Any]:
    return {**installation.admin_settings, "log_level": 0}
