"""A worker sees that its group leaves partitions unread, and joins anew; where the client does that itself it does not."""

from concurrent.futures import Future
from types import SimpleNamespace

import pytest
from confluent_kafka import ConsumerGroupState, TopicPartition

from processors.transport.coverage import REST_S, Coverage, Gap, takes
from processors.transport.look_ups import GroupSight, look_at_groups
from processors.transport.membership import Member
from processors.transport.specs import METADATA_REFRESH_S

A, B = frozenset({("in.a", 0), ("in.a", 1)}), frozenset({("in.b", 0)})


@pytest.fixture
def gap(clock):
    return Gap(clock)


def test_a_worker_that_comes_back_joins_anew_for_a_topic_its_group_has_not(gap):
    """The coordinator gave it the assignment of before; at its first look it sees the topic that came meanwhile."""
    assert gap.saw(A | B, A)
    assert gap.unread == B


def test_a_group_that_reads_everything_is_left_alone(gap):
    """Joining anew makes everybody stop for a moment."""
    assert not gap.saw(A, A)
    assert not gap.saw(A, A | B)  # a topic that was removed a moment ago


def test_a_topic_that_is_new_is_left_to_the_client_for_one_look(gap, clock):
    """The client joins anew when it sees a topic; where that did not help, the worker does at the next look."""
    assert not gap.saw(A, A)
    assert not gap.saw(A | B, A)
    clock.now += 5
    assert gap.saw(A | B, A)


def test_it_tries_again_but_not_all_the_time(gap, clock):
    """The others' looks must have come, the group leader's among them, before it helps or not."""
    assert gap.saw(A | B, A)
    clock.now += REST_S - 1
    assert not gap.saw(A | B, A)
    clock.now += 1
    assert gap.saw(A | B, A)


@pytest.mark.parametrize(
    ("topic", "name", "taken"),
    [
        (r"^in\.[a-z]+$", "in.a", True),
        (r"^in\.[a-z]+$", "in.a.dlq", False),
        ("in.a", "in.a", True),
        ("in.a", "in.ab", False),
        ("in.a", "inxa", False),
    ],
)
def test_a_subscription_is_a_pattern_or_a_name(topic, name, taken):
    """As the client understands it: what begins with ^ is a pattern."""
    assert takes((topic,), name) == taken


def described(state, *assignments):
    """A group as the admin client describes it; a member without an assignment has None."""
    members = [
        SimpleNamespace(assignment=None if places is None else SimpleNamespace(topic_partitions=places))
        for places in assignments
    ]
    future = Future()
    future.set_result(SimpleNamespace(state=state, members=members))
    return future


class Admin:
    """A broker with topics and groups; `told` are the groups' descriptions."""

    def __init__(self, topics, told):
        self.topics, self.told = topics, told

    def list_topics(self, timeout):
        return SimpleNamespace(
            topics={name: SimpleNamespace(partitions=numbers) for name, numbers in self.topics.items()}
        )

    def describe_consumer_groups(self, groups, request_timeout):
        return {group: self.told[group] for group in groups}


def test_a_group_is_its_members_and_what_they_have():
    """One that is changing is not judged: it may be about to read what it leaves unread."""
    told = {
        "stable": described(ConsumerGroupState.STABLE, [TopicPartition("in.a", 0)], [TopicPartition("in.a", 1)], None),
        "changing": described(ConsumerGroupState.PREPARING_REBALANCING, []),
        "empty": described(ConsumerGroupState.EMPTY),
    }
    found = look_at_groups(Admin({}, told), list(told))
    assert found == {"stable": GroupSight(3, A), "empty": GroupSight(0, frozenset())}


def test_a_look_asks_for_joining_once():
    """The poll thread is told once, and the next look comes a refresh later; while the group changes, soon."""
    coverage = Coverage(Member("g", 0), (r"^in\.[a-z]+$",))
    topics = {"in.a": (0, 1), "in.b": (0,), "out.a": (0,)}
    stable = described(ConsumerGroupState.STABLE, [TopicPartition(*place) for place in A])
    assert coverage.look(Admin(topics, {"g": described(ConsumerGroupState.COMPLETING_REBALANCING, [])})) < 1
    assert not coverage.wants_to_join()
    assert coverage.look(Admin(topics, {"g": stable})) == METADATA_REFRESH_S
    assert (coverage.wants_to_join(), coverage.wants_to_join()) == (True, False)
