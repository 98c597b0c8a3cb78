"""Which topics nobody reads."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import cast

import pytest
from confluent_kafka import KafkaError, KafkaException

from loanstream import served
from loanstream.installation import Installation
from processors.transport.look_ups import GroupSight
from schemas.stages import STAGES
from schemas.topics import TENANT_TOPICS, TOPICS

TENANTS = ("bank-a", "bank-b")
PARTITIONS = {topic.name(tenant): frozenset(range(4)) for tenant in TENANTS for topic in TENANT_TOPICS}
ALL = frozenset((name, number) for name, numbers in PARTITIONS.items() for number in numbers)
APPLICATIONS = TOPICS["applications"].name("bank-b")


def _groups(**otherwise: GroupSight | None) -> dict[str, GroupSight]:
    groups = {stage.group: GroupSight(1, ALL) for stage in STAGES.values()} | otherwise
    return {group: sight for group, sight in groups.items() if sight is not None}


def test_a_stack_that_reads_everything_has_no_line():
    """Every topic of every tenant has a member of each group that it is for."""
    assert list(served.lines_of_unread(TENANTS, PARTITIONS, _groups())) == []


def test_a_topic_that_nobody_reads_is_named_with_its_group():
    """A whole topic of a tenant, or some of its partitions; what other groups read does not count."""
    lacking = frozenset({(APPLICATIONS, number) for number in (1, 3)})
    lines = list(served.lines_of_unread(TENANTS, PARTITIONS, _groups(verify=GroupSight(2, ALL - lacking))))
    assert lines == [f"{APPLICATIONS} (partitions 1, 3) is read by no member of group verify"]


def test_a_group_without_a_member_is_one_line():
    """Not one for each topic; and one that is changing at the moment is not judged."""
    lines = list(served.lines_of_unread(TENANTS, PARTITIONS, _groups(score=GroupSight(0, frozenset()), verify=None)))
    assert lines == ["group score has no member: nobody reads its topics"]


@pytest.mark.parametrize(
    ("sight", "line"),
    [
        (GroupSight(1, ALL), None),
        (GroupSight(1, ALL - {(APPLICATIONS, 2)}), f"no worker reads {APPLICATIONS} now (group verify): "),
        (GroupSight(0, frozenset()), f"no worker reads {APPLICATIONS} now (group verify): "),
        (None, None),
        (KafkaException(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)), None),
    ],
    ids=["read", "a partition is not", "no worker at all", "the group is changing", "no right to ask"],
)
def test_who_submits_to_a_tenant_that_nobody_serves_is_told(monkeypatch, sight, line):
    """In one line, and only where it is known."""

    def look(admin, groups, within_s):
        if isinstance(sight, Exception):
            raise sight
        return {} if sight is None else {"verify": sight}

    topic = SimpleNamespace(partitions=dict.fromkeys(range(4)))
    admin = SimpleNamespace(list_topics=lambda name, timeout: SimpleNamespace(topics={name: topic}))
    monkeypatch.setattr(served, "AdminClient", lambda *_, **__: nullcontext(admin))
    monkeypatch.setattr(served, "look_at_groups", look)
    told = served.not_served(cast(Installation, SimpleNamespace(admin_settings={})), "bank-b")
    assert told is None if line is None else told.startswith(line)


def test_what_banks_alone_read_is_missed_by_nobody():
    """No stage of ours reads rejections: their topic is for the banks, and no line calls it unread."""
    name = TOPICS["rejections"].name("bank-a")
    assert not any("rejections" in stage.reads for stage in STAGES.values())
    unread = frozenset(place for place in ALL if place[0] == name)
    groups = {stage.group: GroupSight(1, ALL - unread) for stage in STAGES.values()}
    assert list(served.lines_of_unread(TENANTS, PARTITIONS, groups)) == []
