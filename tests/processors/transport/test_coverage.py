"""A worker sees that its group leaves partitions unread, and joins anew; where the client does that itself it does not."""

import pytest

from processors.transport.coverage import REST_S, Gap, takes

A, B = frozenset({("in.a", 0), ("in.a", 1)}), frozenset({("in.b", 0)})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


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
