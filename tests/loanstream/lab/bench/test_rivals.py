"""The figures of the comparison come from the rounds, and its programs are all there."""

import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from confluent_kafka import KafkaError, KafkaException

from loanstream.lab.bench import rivals
from loanstream.lab.bench.rivals import (
    CONTENDERS,
    PROGRAMS,
    Contender,
    Measured,
    Reached,
    Setting,
    _look_for,
    best_of,
    cpu_us_of,
    figures_of,
    rate_of,
    sweep_of,
)
from schemas.problem import Problem

SWEEP = {contender.name: {contender.settings[0]: Measured(1.0, 1.0)} for contender in CONTENDERS}


def rounds(**changed: list[Measured]) -> dict[str, list[Measured]]:
    return {contender.name: [Measured(10_000.0, 50.0)] * 3 for contender in CONTENDERS} | changed


def at(*rates: float) -> list[Measured]:
    return [Measured(rate, 50.0) for rate in rates]


def test_ratios_are_taken_within_a_round() -> None:
    """A slow round is slow for all: three rounds of equal ratio give that ratio, whatever their rates."""
    found = figures_of(
        rounds(stage=at(9_000.0, 900.0, 4_500.0), bare_transactional=at(10_000.0, 1_000.0, 5_000.0)), SWEEP
    )
    assert found["stage_vs_bare_transactional"] == 0.9


def test_the_overhead_is_the_processor_time_that_a_record_costs_more() -> None:
    """A stage that waits less than the bare loop does not cost less for it; by the clock it does."""
    stage = [Measured(12_500.0, 55.0), Measured(12_500.0, 57.0), Measured(12_500.0, 90.0)]
    found = figures_of(rounds(stage=stage), SWEEP)
    assert (found["overhead_us_per_record"], found["overhead_wall_us_per_record"]) == (7.0, -20.0)
    assert found["cpu_us_per_record"]["stage"] == 57.0


def test_processor_time_is_that_between_a_fifth_and_the_end_of_the_outputs() -> None:
    """A start of ten seconds of a processor, and the polling afterwards, belong to no record."""
    stamps = [1000 + number for number in range(1000)]
    looks = [(0.0, 0.0), (1100.0, 10.0)] + [(1100.0 + ms, 10.0 + ms / 2000) for ms in range(1, 870, 20)]
    looks += [(1990.0, 60.0), (3000.0, 99.0)]
    assert cpu_us_of(stamps, looks) == pytest.approx(500.0)


def test_a_process_is_looked_at_while_it_works_and_until_it_is_gone() -> None:
    """What it used grows, with the moments of the looks; a dead one has no more looks."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        watched = psutil.Process(process.pid)
        looks = list(_look_for(1.0, watched))
        process.kill()
        process.wait()
        assert list(_look_for(1.0, watched)) == []
    assert len(looks) > 5
    assert looks == sorted(looks)
    assert 0 < looks[-1][1] - looks[0][1] < 2


def test_each_is_measured_at_its_best() -> None:
    """Every setting of the table is tried twice; the second time, with a warm broker, the quickest is chosen for the
    rounds and named.
    """
    rates = iter(range(1, 100))
    told: list[str] = []
    sweep = sweep_of(lambda *_: Measured(float(next(rates)), 1.0), told.append)
    assert {name: tuple(tried) for name, tried in sweep.items()} == {one.name: one.settings for one in CONTENDERS}
    found = figures_of(rounds(), sweep)
    assert found["commit_every"]["stage"] == found["commit_every"]["bare_transactional"] == "500 records"
    assert found["commit_every"]["faststream"] == "5000 records, linger 5 ms"
    each_turn = sum(len(one.settings) for one in CONTENDERS)
    assert found["sweep"]["quix"] == {"5000 records": each_turn + 7, "5 s": each_turn + 8}
    assert len(told) == 2 * len(CONTENDERS)
    assert best_of({Setting(1): Measured(5.0, 1.0), Setting(2): Measured(3.0, 9.0)}) == Setting(1)


class JustCreated:
    """A consumer over a topic that has no leader when one first asks for its ends."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    def get_watermark_offsets(self, _place, timeout):
        if self.refusals:
            self.refusals -= 1
            raise KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION))
        return 0, 1

    def assign(self, _places) -> None:
        self.left = [SimpleNamespace(timestamp=lambda: (1, 1000), error=lambda: None)] * 4

    def consume(self, _count, _seconds):
        found, self.left = self.left, []
        return found

    def unassign(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def contender_process():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def test_a_passing_error_of_the_broker_does_not_end_an_hours_benchmark(
    monkeypatch, tmp_path, contender_process
) -> None:
    """The ends are asked for again until the deadline; then the benchmark says who did not answer."""
    monkeypatch.setattr(rivals, "Consumer", lambda _: JustCreated(refusals=2))
    stamps, looks = rivals._stamps(Reached("nowhere:1"), "bench.stage.1", 4, contender_process, tmp_path / "log")
    assert stamps == [1000] * 4
    assert looks
    monkeypatch.setattr(rivals, "Consumer", lambda _: JustCreated(refusals=1_000_000))
    monkeypatch.setattr(rivals, "PATIENCE_S", 0.5)
    (tmp_path / "log").touch()
    with pytest.raises(Problem, match=r"bench\.stage\.1 did not answer all records"):
        rivals._stamps(Reached("nowhere:1"), "bench.stage.1", 4, contender_process, tmp_path / "log")


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_every_contender_is_a_program(contender: Contender) -> None:
    """The table names files that exist."""
    assert (PROGRAMS / contender.program).is_file()


@pytest.mark.parametrize("burst", [1, 500, 4000])
def test_who_writes_in_bursts_is_not_quicker_for_it(burst: int) -> None:
    """A thousand a second is a thousand a second, one by one or four thousand at once every four seconds."""
    stamps = [1000 * (number // burst) * burst // 1000 for number in range(40_000)]
    assert rate_of(stamps) == pytest.approx(1000, rel=0.02)
