"""Made-up years of a bank: what a day looks like when nothing is wrong, and when something is.

A day has a season (hours, working and free days), an effect of its own that carries over to the next days, and hours
that differ from one another: counts vary more than those of independent applications. Nothing of this is told to the
tests; they see the counts.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

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
    """What happens to a year: from `day` and `hour` on, the rate (or what the maker says) is `to`."""

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


def scores(random: np.random.Generator, years: int, world: World, bins: int = 20) -> Floats:
    """Applications by day and fine bin of the score, (years, days, bins). `shift.to` tilts the bins; 0 is as before.

    A tilt t of evenly filled bins makes a PSI of t * t / 3. The warehouse counts scores in twentieths.
    """
    place = np.linspace(-1, 1, bins)
    tilt = effects(random, years, DAYS, world) + world.weekend * is_free()
    if world.shift:
        tilt[:, BASELINE_DAYS + world.shift.day :] += world.shift.to
    weight = np.exp(tilt[..., None] * place)
    n = volumes(random, years, world).sum(-1).astype(np.int64)
    return np.asarray(random.multinomial(n, weight / weight.sum(-1, keepdims=True)), float)


def reviews(random: np.random.Generator, years: int, world: World) -> tuple[Floats, Floats, Floats]:
    """What people decide, by day and probability: k of n, both (years, days, probabilities), and those probabilities.

    People approve as many as the model says, but for a day's effect; `shift.to` is what they add in log-odds.
    """
    said = np.arange(30, 76) / 100
    each = volumes(random, years, world).sum(-1, keepdims=True) / len(said)
    n = random.poisson(each, (years, DAYS, len(said)))
    odds = _logit(said) + effects(random, years, DAYS, world)[..., None]
    if world.shift:
        odds[:, BASELINE_DAYS + world.shift.day :] += world.shift.to
    return np.asarray(random.binomial(n, 1 / (1 + np.exp(-odds))), float), np.asarray(n, float), said


def groups(
    random: np.random.Generator, years: int, world: World, parts: tuple[float, ...], ratios: tuple[float, ...]
) -> tuple[Floats, Floats]:
    """Approvals of an attribute's groups by day: k of n, both (years, days, groups).

    A group is `parts` of the applications and its rate `ratios` of the bank's; with a shift the first one's ratio is
    `shift.to`. Days have an effect on everybody and one on each group, `hour_effect` in size.
    """
    of = volumes(random, years, world).sum(-1).astype(np.int64)
    n = random.multinomial(of, parts)
    ratio = np.broadcast_to(np.array(ratios), (DAYS, len(ratios))).copy()
    if world.shift:
        ratio[BASELINE_DAYS + world.shift.day :, 0] = world.shift.to
    odds = _logit(world.rate * ratio) + effects(random, years, DAYS, world)[..., None]
    odds = odds + random.normal(0, world.hour_effect, odds.shape)
    return np.asarray(random.binomial(n, 1 / (1 + np.exp(-odds))), float), np.asarray(n, float)


def _logit(rate: float | Floats) -> Any:
    return np.log(rate / (1 - rate))
