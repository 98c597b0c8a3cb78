"""The bare loops differ from our stages in our code alone."""

from itertools import pairwise

import pytest

from loanstream.bench import bare_loop
from loanstream.bench.latency import BARE_TOPICS, bare_commands
from loanstream.worker import FAST_LANE, SCORE


def test_two_bare_loops_rest_as_long_as_the_two_stages() -> None:
    """The first as verify, the second as score; whoever changes a stage's rest changes the loop's."""
    first, second = bare_commands("broker:9092")
    assert [first[-3:], second[-3:]] == [
        [*hop, str(stage["rest_s"])] for hop, stage in zip(pairwise(BARE_TOPICS), (FAST_LANE, SCORE), strict=True)
    ]
    assert (first[-1], second[-1]) == ("0.008", "0.002")


class Enough(Exception):
    """Ends a loop that copies for ever."""


class Kafka:
    """A consumer of one record and a producer, as far as the loop asks them."""

    def __init__(self, _settings) -> None: ...

    def __getattr__(self, _name):
        return lambda *_, **__: None

    def poll(self, _seconds):
        return self

    def consume(self, _count, _seconds):
        return []

    def value(self) -> bytes:
        return b"{}"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0


def test_a_bare_loop_rests_as_long_as_it_is_told(monkeypatch) -> None:
    """After each transaction."""
    rests = []

    def sleep(seconds: float) -> None:
        rests.append(seconds)
        if len(rests) == 2:
            raise Enough

    monkeypatch.setattr(bare_loop.time, "sleep", sleep)
    monkeypatch.setattr(bare_loop, "Consumer", Kafka)
    monkeypatch.setattr(bare_loop, "Producer", Kafka)
    with pytest.raises(Enough):
        bare_loop.copy("broker:9092", "a", "b", 0.002)
    assert rests == [0.002, 0.002]
