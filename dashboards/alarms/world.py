"""Made-up years of a bank: what a day looks like when nothing is wrong, and when something is.

A day has a season (hours, working and free days), an effect of its own that carries over to the next days, and hours
that differ from one another: counts vary more than those of independent applications. Nothing of this is told to the
tests; they see the counts.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dashboards.alarms.sequential import BASELINE_DAYS, PERIOD_DAYS, Floats

DAYS: Final = BASELINE_DAYS + PERIOD_DAYS
HOURS: Final = 24
CELLS: Final = 2 * HOURS

_BUSY: Final = np.array([1, 1, 1, 1, 1, 2, 4, 8, 14, 18, 20, 20, 17, 17, 18, 18, 16, 13, 11, 10, 8, 6, 4, 2], float)
PROFILE: Final = _BUSY / _BUSY.sum()
"""The share of a day's applications by hour (UTC)."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What happens to a year: from `day` and `hour` on, the rate is `to`."""

    to: float
    day: int = 120
    hour: int = 9


@dataclass(frozen=True, slots=True)
class World:
    """A bank. Effects are standard deviations in log-odds, `busy` is one of log volume; `carries` is the share of a
    day's effect that the next day keeps.
    """

    volume: float
    rate: float
    season: float = 0.25
    weekend: float = 0.15
    weekend_volume: float = 0.4
    day_effect: float = 0.12
    hour_effect: float = 0.2
    carries: float = 0.3
    busy: float = 0.25
    shift: Shift | None = field(default=None)


def quiet(world: World) -> World:
    """The same bank in a year in which nothing happens."""
    return replace(world, shift=None)


def effects(random: np.random.Generator, years: int, days: int, world: World) -> Floats:
    """Each day's effect on log-odds, (years, days): what a day keeps of the last one, and news."""
    news = random.normal(0, world.day_effect * np.sqrt(1 - world.carries**2), (years, days))
    found = np.empty_like(news)
    found[:, 0] = random.normal(0, world.day_effect, years)
    for day in range(1, days):
        found[:, day] = world.carries * found[:, day - 1] + news[:, day]
    return found


def is_free(days: int = DAYS) -> npt.NDArray[np.bool_]:
    """Which days are Saturdays and Sundays: the period begins on a Monday."""
    return np.asarray((np.arange(days) - BASELINE_DAYS) % 7 >= 5)


def volumes(random: np.random.Generator, years: int, world: World) -> Floats:
    """Applications by hour, (years, days, hours)."""
    busy = np.exp(random.normal(-(world.busy**2) / 2, world.busy, (years, DAYS, 1)))
    free = np.where(is_free(), world.weekend_volume, 1.0)[None, :, None]
    return np.asarray(random.poisson(world.volume * busy * free * PROFILE), float)


def counts(random: np.random.Generator, years: int, world: World) -> tuple[Floats, Floats]:
    """How many of how many by hour: k and n, both (years, days, hours), the baseline's days first."""
    n = volumes(random, years, world)
    hours = world.season * np.cos(2 * np.pi * (np.arange(HOURS) - 10) / HOURS)
    base = np.full((DAYS, HOURS), _logit(world.rate))
    if world.shift:
        first = (BASELINE_DAYS + world.shift.day) * HOURS + world.shift.hour
        base.reshape(-1)[first:] = _logit(world.shift.to)
    odds = base + hours + world.weekend * is_free()[:, None]
    odds = odds + effects(random, years, DAYS, world)[..., None]
    odds += random.normal(0, world.hour_effect, odds.shape)
    return random.binomial(n.astype(np.int64), 1 / (1 + np.exp(-odds))).astype(float), n


def by_cell(counted: Floats) -> Floats:
    """(…, days, hours) as the tests take it, (…, days, cells): the hours of working days, then those of free ones."""
    free = is_free(counted.shape[-2])[:, None]
    return np.concatenate([np.where(free, 0, counted), np.where(free, counted, 0)], axis=-1)


def _logit(rate: float) -> float:
    return float(np.log(rate / (1 - rate)))
