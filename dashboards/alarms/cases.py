"""What is simulated: for each sequential alarm, banks in quiet years, and shifts that must be found in time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from dashboards.alarms.sequential import BASELINE_DAYS, Floats, Test, learn, paths, share_gains
from dashboards.alarms.table import ALERTS
from dashboards.alarms.world import HOURS, Shift, World, by_cell, counts

Run = Callable[[np.random.Generator, int, Shift | None, Test], Floats]
"""Random numbers, years, what happens, the test -> evidence at every look: (years, days, looks of a day); 1 fires."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A shift, and the power that is stated: `power` of the years find it within `within_days`."""

    shift: Shift
    within_days: float
    power: float = 0.9

    @property
    def says(self) -> str:
        """The shift in a few characters."""
        return f"to {self.shift.to:.1%}"


@dataclass(frozen=True, slots=True)
class Case:
    """A bank that an alarm watches: how it is made up, and the shifts planted there."""

    alert: str
    bank: str
    run: Run
    planted: tuple[Planted, ...]


def _shares(world: World) -> Run:
    def run(random: np.random.Generator, years: int, shift: Shift | None, test: Test) -> Floats:
        k, n = counts(random, years, replace(world, shift=shift))
        k, n = by_cell(k), by_cell(n)
        past, year = np.s_[:, :BASELINE_DAYS], np.s_[:, BASELINE_DAYS:]
        gains = share_gains(k[year], n[year], learn(k[past], n[past], test), test)
        # an hour is a cell of working days or one of free days, and the other of both is empty
        return paths(gains[..., :HOURS, :] + gains[..., HOURS:, :]) * test.e_level

    return run


CASES: tuple[Case, ...] = (
    Case(
        "approval_rate",
        "600 a day, 60 % approved",
        _shares(World(volume=600, rate=0.6)),
        (Planted(Shift(0.50), 21), Planted(Shift(0.70), 21), Planted(Shift(0.20), 1)),
    ),
    Case(
        "approval_rate",
        "60 a day, 60 % approved",
        _shares(World(volume=60, rate=0.6)),
        (Planted(Shift(0.45), 30), Planted(Shift(0.20), 4)),
    ),
)

TESTS: Mapping[str, Test] = {alert.id: alert.test for alert in ALERTS.values() if alert.test}
