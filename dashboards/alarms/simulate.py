"""`make simulate-alarms`: do the alarms hold their level in quiet years, and how soon do they find what is planted?

Each sequential alarm watches made-up banks (world.py) at every look of a year: hourly, or once a day where its query
counts whole days. What it computes is what its SQL computes; tests/dashboards holds both against each other.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import betaincinv

from dashboards.alarms.cases import CASES, PLAIN, TESTS, Case, Planted
from dashboards.alarms.sequential import Floats

CHUNK: Final = 50
"""Years at a time: a few hundred MB."""

SEED: Final = 20


@dataclass(frozen=True, slots=True)
class Level:
    """Quiet years of a bank: how many, and in how many the alarm fired."""

    case: Case
    years: int
    false: int

    @property
    def stated(self) -> float:
        """The level that the alarm states."""
        return TESTS[self.case.alert].level

    @property
    def interval(self) -> tuple[float, float]:
        """The share of such years: Clopper and Pearson's 95 % interval."""
        return clopper_pearson(self.false, self.years)

    @property
    def holds(self) -> bool:
        """No more false alarms than stated, as far as so many years can tell: the share is not above the level."""
        return self.false / self.years <= self.stated


@dataclass(frozen=True, slots=True)
class Found:
    """Years with a planted shift: days from it to the alarm, infinite where it was not found."""

    case: Case
    planted: Planted
    days: Floats

    @property
    def within(self) -> float:
        """The share of years in which it was found in the time stated, and not before it happened."""
        return float(np.mean((self.days >= 0) & (self.days <= self.planted.within_days)))

    @property
    def holds(self) -> bool:
        """Whether the power stated is there."""
        return self.within >= self.planted.power


def clopper_pearson(events: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of a share.

    >>> low, high = clopper_pearson(0, 1000)
    >>> low, round(high, 5)
    (0.0, 0.00368)
    """
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(betaincinv(events, of - events + 1, tail))
    high = 1.0 if events == of else float(betaincinv(events + 1, of - events, 1 - tail))
    return low, high


def quiet(case: Case, years: int, seed: int) -> Level:
    """Watch `years` quiet years of a bank."""
    fired = [
        (case.run(random, some, None, TESTS[case.alert]) >= 1).any(axis=(1, 2)).sum()
        for random, some in _chunks(case, "quiet", years, seed)
    ]
    return Level(case, years, int(sum(fired)))


def shifted(case: Case, planted: Planted, years: int, seed: int) -> Found:
    """Watch `years` years of a bank in which the shift happens."""
    found = []
    for random, some in _chunks(case, repr(planted.shift), years, seed):
        fires = case.run(random, some, planted.shift, TESTS[case.alert]) >= 1
        looks = fires.shape[-1]
        flat = fires.reshape(some, -1)
        at = (flat.argmax(1) + 1) / looks - planted.shift.day - planted.shift.hour / 24
        found.append(np.where(flat.any(1), at, math.inf))
    return Found(case, planted, np.concatenate(found))


def _chunks(case: Case, what: str, years: int, seed: int) -> Iterator[tuple[np.random.Generator, int]]:
    # each piece has random numbers of its own, whatever else is simulated
    words = [seed, *f"{case.alert} {case.bank} {what}".encode()]
    for number, start in enumerate(range(0, years, CHUNK)):
        yield np.random.default_rng([*words, number]), min(CHUNK, years - start)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables; 1 where a level or a stated power is missed."""
    asked = _parser().parse_args(arguments)
    console = Console(width=150)
    cases = [case for case in CASES if not asked.alert or case.alert in asked.alert]
    levels: list[Level] = []
    powers: list[Found] = []
    for number, case in enumerate(cases, 1):
        console.print(f"{number} of {len(cases)}: {case.alert}, {case.bank}", style="dim")
        levels.append(quiet(case, asked.years, asked.seed))
        powers += [shifted(case, planted, asked.shifted_years, asked.seed) for planted in case.planted]
    console.print(_levels(levels))
    console.print(_powers(powers))
    without = quiet(PLAIN, min(100, asked.years), asked.seed)
    console.print(
        f"For comparison: a z-test of the last 24 hours at 1 %, looked at hourly, would have raised a false alarm in "
        f"{without.false} of {without.years} such years ({PLAIN.alert}, {PLAIN.bank})."
    )
    held = [level.holds for level in levels] + [power.holds for power in powers]
    console.print("every level and power holds" if all(held) else f"{held.count(False)} of {len(held)} missed")
    return 0 if all(held) else 1


def _levels(levels: Sequence[Level]) -> Table:
    table = Table("alarm", "bank", "level", "years", "with a false alarm", "95 % interval", "holds")
    table.title = "Quiet years"
    for row in levels:
        low, high = row.interval
        share = f"{row.false / row.years:.2%}"
        interval = f"{low:.2%} to {high:.2%}"
        table.add_row(
            row.case.alert, row.case.bank, f"{row.stated:.0%}", str(row.years), share, interval, _word(row.holds)
        )
    return table


def _powers(powers: Sequence[Found]) -> Table:
    table = Table("alarm", "bank", "shift", "found after: median", "90 %", "stated", "share found so soon", "holds")
    table.title = "Planted shifts"
    for row in powers:
        median, most = (float(np.quantile(row.days, part, method="higher")) for part in (0.5, 0.9))
        stated = f"{row.planted.power:.0%} within {row.planted.within_days:g} d"
        table.add_row(
            row.case.alert, row.case.bank, row.planted.says, _days(median), _days(most), stated,
            f"{row.within:.1%}", _word(row.holds),
        )  # fmt: skip
    return table


def _days(days: float) -> str:
    if math.isinf(days):
        return "not found"
    return f"{days:.1f} d" if days >= 1 else f"{days * 24:.0f} h"


def _word(holds: bool) -> str:
    return "yes" if holds else "NO"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dashboards.alarms.simulate", description=main.__doc__)
    parser.add_argument("--years", type=int, default=1000, help="quiet years of each bank")
    parser.add_argument("--shifted-years", type=int, default=200, help="years of each planted shift")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--alert", action="append", choices=sorted(TESTS), help="only this alarm; may be repeated")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
