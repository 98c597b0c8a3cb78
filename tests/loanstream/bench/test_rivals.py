"""The figures of the comparison come from the rounds, and its programs are all there."""

import pytest

from loanstream.bench.rivals import CONTENDERS, PROGRAMS, Contender, figures_of, rate_of


def rates(**changed: list[float]) -> dict[str, list[float]]:
    return {contender.name: [10_000.0, 10_000.0, 10_000.0] for contender in CONTENDERS} | changed


def test_ratios_are_taken_within_a_round() -> None:
    """A slow round is slow for all: three rounds of equal ratio give that ratio, whatever their rates."""
    found = figures_of(rates(stage=[9_000.0, 900.0, 4_500.0], bare_transactional=[10_000.0, 1_000.0, 5_000.0]))
    assert found["stage_vs_bare_transactional"] == 0.9


def test_the_overhead_is_what_a_record_costs_more() -> None:
    """8,000 a second instead of 10,000 are 25 microseconds more for each."""
    assert figures_of(rates(stage=[8_000.0] * 3))["overhead_us_per_record"] == 25.0


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.name)
def test_every_contender_is_a_program(contender: Contender) -> None:
    """The table names files that exist."""
    assert (PROGRAMS / contender.program).is_file()


@pytest.mark.parametrize("burst", [1, 500, 4000])
def test_who_writes_in_bursts_is_not_quicker_for_it(burst: int) -> None:
    """A thousand a second is a thousand a second, one by one or four thousand at once every four seconds."""
    stamps = [1000 * (number // burst) * burst // 1000 for number in range(40_000)]
    assert rate_of(stamps) == pytest.approx(1000, rel=0.02)
