"""The bare loops differ from our stages in our transport alone."""

import subprocess
import sys
from itertools import pairwise

import orjson
import pytest

from loanstream.lab.bench import bare_loop, latency
from loanstream.lab.bench.bare_loop import work_of
from loanstream.lab.bench.core import events
from loanstream.lab.bench.latency import WORKING, bare_commands
from loanstream.lab.bench.stages import KEY, default_scorer
from loanstream.worker import FAST_LANE, SCORE
from schemas.records import LOG_APPEND_TIME, MemoryMessage
from schemas.verification import ApplicationVerified


def test_two_bare_loops_rest_as_long_as_the_two_stages() -> None:
    """The first as verify, the second as score; whoever changes a stage's rest changes the loop's."""
    first, second = bare_commands("broker:9092", WORKING)
    assert [first[-3:], second[-3:]] == [
        [*hop, str(stage["rest_s"])] for hop, stage in zip(pairwise(WORKING), (FAST_LANE, SCORE), strict=True)
    ]
    assert (first[-1], second[-1]) == ("0.008", "0.002")


def test_two_loops_do_all_of_the_two_stages_work() -> None:
    """What comes out of the second is the decision that the scoring core makes on what came out of the first."""
    application = events(1)[0].application
    submitted = MemoryMessage(
        WORKING[0],
        0,
        7,
        application.application_id.encode(),
        application.model_dump_json(exclude_none=True).encode(),
        None,
        (LOG_APPEND_TIME, 1_767_600_000_000),
    )
    (verified,) = work_of("verify", application.tenant)([submitted])
    key, value, headers = verified
    second = MemoryMessage(WORKING[1], 0, 7, key, value, headers, (LOG_APPEND_TIME, 1_767_600_000_010))
    ((_, decided, _),) = work_of("score", application.tenant)([second])
    fact = ApplicationVerified.model_validate_json(value or b"")
    (expected,) = default_scorer().decide([fact], lambda _: KEY, "bench")
    found = orjson.loads(decided or b"")
    assert found.pop("processing")["score_worker"] == "score-0"
    assert found == orjson.loads(orjson.dumps(expected))


def test_a_working_loop_does_not_take_a_dead_letter_for_work() -> None:
    """It costs less than a decision, and would pass for one to whoever looks at its key."""
    unreadable = MemoryMessage(WORKING[0], 0, 7, b"k", b"{", None, (LOG_APPEND_TIME, 1_767_600_000_000))
    with pytest.raises(RuntimeError, match=r"verify made something else .* loan\.verifications\.v1\.bank-a"):
        work_of("verify", "bank-a")([unreadable])


@pytest.mark.parametrize(
    ("program", "complaint"),
    [("pass", "ended before it had joined"), ("import time; time.sleep(60)", "did not join its group within 0 s")],
)
def test_a_loop_that_does_not_join_is_told_of(monkeypatch, program, complaint) -> None:
    """Not waited for, twenty minutes into a benchmark of an hour."""
    monkeypatch.setattr(latency, "JOIN_S", 60.0 if program == "pass" else 0.2)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as loop:
        with pytest.raises(RuntimeError, match=complaint):
            latency._wait_until_joined(loop)
        loop.kill()


def test_what_a_working_loop_is_told() -> None:
    """Its stage and the tenant whose records it takes; a copying one is told neither."""
    first, second = bare_commands("broker:9092", WORKING, "bank-a")
    assert (first[-2:], second[-2:]) == (["verify", "bank-a"], ["score", "bank-a"])


class Enough(Exception):
    """Ends a loop that runs for ever."""


class Kafka:
    """A consumer of one record and a producer, as far as the loop asks them."""

    def __init__(self, _settings) -> None: ...

    def __getattr__(self, _name):
        return lambda *_, **__: None

    def poll(self, _seconds):
        return self

    def consume(self, _count, _seconds):
        return []

    def key(self) -> bytes:
        return b"k"

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
        bare_loop.loop("broker:9092", "a", "b", 0.002)
    assert rests == [0.002, 0.002]
