"""When a fault is over: not before something that was sent after it has its outcome."""

from types import SimpleNamespace

import pytest

from loanstream.lab.chaos import run
from loanstream.lab.chaos.load import Sent


class Broker:
    """A clock that each sleep moves, and what the broker confirms and the stages answer as it goes on.

    `script` has, by the second, the records that are confirmed (written a moment before) and those that have outcomes.
    """

    def __init__(self, script):
        self.now, self.script = 100.0, dict(script)
        self.load = SimpleNamespace(sent={})
        self.given_up, self.at = set(), {}
        self.sleep(0)

    def time(self):
        return self.now

    monotonic = time

    def sleep(self, seconds):
        self.now += seconds
        for second in [second for second in self.script if second <= self.now]:
            confirmed, answered = self.script.pop(second)
            for trace in confirmed:
                self.load.sent[trace] = Sent(trace, "t/0", "broker killed", trace, second - 0.01)
            self.at |= dict.fromkeys(answered, second)

    def look(self):
        """What the witness saw is in `at` already."""


@pytest.fixture
def settled_after(monkeypatch):
    def seconds(script) -> tuple[float, set]:
        broker = Broker(script)
        monkeypatch.setattr(run, "time", broker)
        run._settle(broker, broker)
        return broker.now - 100, broker.given_up

    return seconds


def test_a_standing_stack_has_settled_after_some_seconds(settled_after):
    """What was confirmed a moment ago is decided."""
    took, given_up = settled_after({100: ("a", "a"), 100.2: ("b", "b")})
    assert took == pytest.approx(run.SINCE_S + run.RECENT_S)
    assert given_up == set()


def test_while_the_broker_is_away_nothing_has_settled_though_all_that_was_sent_is_decided(settled_after):
    """A kill that meets no record on its way seemed over at once: the next fault was blamed for the silence."""
    took, _ = settled_after({100: ("a", "a"), 125: ("b", ""), 126: ("", "b")})
    assert took > 26


def test_what_is_not_decided_for_minutes_is_given_up(settled_after):
    """And the count tells of it."""
    took, given_up = settled_after({100: ("ab", "a"), 101: ("c", "c")})
    assert took > run.SETTLED_WITHIN_S
    assert given_up == {"b"}
