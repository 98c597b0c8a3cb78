"""What is simulated: for each sequential alarm, banks in quiet years, and shifts that must be found in time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import permutations

import numpy as np
from scipy.stats import norm

from dashboards.alarms.sequential import (
    BASELINE_DAYS,
    Floats,
    SequentialTest,
    cell_rates,
    learn,
    learn_pair,
    pair_gains,
    paths,
    share_gains,
)
from dashboards.alarms.table import ALERTS
from dashboards.alarms.world import (
    CELLS,
    HOURS,
    Shift,
    World,
    by_cell,
    counts,
    groups,
    is_free,
    reviews,
    scores,
)

Run = Callable[[np.random.Generator, int, Shift | None, SequentialTest], Floats]
"""Random numbers, years, what happens, the test -> evidence at every look: (years, days, looks of a day); 1 fires."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A shift in words, and the power that is stated: `power` of the years find it within `within_days`."""

    says: str
    shift: Shift
    within_days: float
    power: float = 0.9


@dataclass(frozen=True, slots=True)
class Case:
    """A bank that an alarm watches: how it is made up, and the shifts planted there."""

    alert: str
    bank: str
    run: Run
    planted: tuple[Planted, ...]


PAST = np.s_[:, :BASELINE_DAYS]
YEAR = np.s_[:, BASELINE_DAYS:]
PSI_DAYS = 7
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
PSI_LIMIT = {limit.name: limit.default for limit in ALERTS["drift"].limits}["psi"]


def _shares(world: World) -> Run:
    def run(random: np.random.Generator, years: int, shift: Shift | None, test: SequentialTest) -> Floats:
        k, n = map(by_cell, counts(random, years, replace(world, shift=shift)))
        baseline = learn(k[PAST], n[PAST], cell_rates(k[PAST], n[PAST]), test)
        gains = share_gains(k[YEAR], n[YEAR], baseline, test)
        # an hour is a cell of working days or one of free days, and the other of both is empty
        return paths(gains.reshape(*gains.shape[:2], CELLS // HOURS, HOURS, -1).sum(2)) * test.e_level

    return run


def plain(world: World) -> Run:
    """The approval alarm without any of this: a two-sided z-test of the last 24 hours, looked at hourly."""

    def run(random: np.random.Generator, years: int, shift: Shift | None, test: SequentialTest) -> Floats:
        k, n = counts(random, years, replace(world, shift=shift))
        rate = (k[PAST].sum((1, 2)) / n[PAST].sum((1, 2)))[:, None]
        day_k, day_n = (_last_day(each.reshape(years, -1)) for each in (k, n))
        z = np.abs(day_k - day_n * rate) / np.sqrt(day_n * rate * (1 - rate)).clip(min=1e-9)
        return np.asarray((z / norm.isf(test.level / 2)).reshape(years, -1, HOURS))

    return run


def _last_day(hourly: Floats) -> Floats:
    """Sums of 24 hours at the end of each hour of the year."""
    upto = hourly.cumsum(1)
    return np.asarray(upto[:, BASELINE_DAYS * HOURS :] - upto[:, (BASELINE_DAYS - 1) * HOURS : -HOURS])


def _drift(world: World) -> Run:
    def run(random: np.random.Generator, years: int, shift: Shift | None, test: SequentialTest) -> Floats:
        bins = deciles(scores(random, years, replace(world, shift=shift)))
        evidence = np.minimum(e_values_of_bins(bins, test) * test.e_level, psi(bins) / PSI_LIMIT)
        return np.asarray(evidence[..., None])

    return run


def e_values_of_bins(bins: Floats, test: SequentialTest) -> Floats:
    """The e-process of all bins together at the end of each day, (years, days), from counts by day and bin."""
    total = bins.sum(-1, keepdims=True)
    free = is_free()[:, None]
    found = []
    for number in range(bins.shape[-1]):
        one = bins[..., number, None]
        k, n = (np.concatenate([each * ~free, each * free], axis=-1) for each in (one, total))
        baseline = learn(k[PAST], n[PAST], cell_rates(k[PAST], n[PAST]), test)
        found.append(paths(share_gains(k[YEAR], n[YEAR], baseline, test).sum(-2, keepdims=True))[..., 0])
    return np.asarray(np.mean(found, axis=0))


def deciles(fine: Floats) -> Floats:
    """Ten bins of the baseline's deciles, (years, days, 10), from fine ones."""
    counted = fine[PAST].sum(1)
    below = counted.cumsum(-1) - counted
    edges = np.ceil(np.array(LEVELS) * counted.sum(-1, keepdims=True))  # ranks, as quantileExactWeighted has them
    which = (edges[:, None, :] <= below[..., None]).sum(-1)
    return np.stack([np.where(which[:, None] == number, fine, 0).sum(-1) for number in range(10)], axis=-1)


def psi(bins: Floats) -> Floats:
    """The population stability index of seven days against the baseline, at the end of each day of the year."""
    before = bins[PAST].sum(1)[:, None]
    padded = np.concatenate([np.zeros_like(bins[:, :PSI_DAYS]), bins[YEAR]], axis=1).cumsum(1)
    now = padded[:, PSI_DAYS:] - padded[:, :-PSI_DAYS]
    p, q = ((each / each.sum(-1, keepdims=True)).clip(1e-4) for each in (before, now))
    return np.asarray(((q - p) * np.log(q / p)).sum(-1))


def _calibration(world: World) -> Run:
    def run(random: np.random.Generator, years: int, shift: Shift | None, test: SequentialTest) -> Floats:
        k, n, said = reviews(random, years, replace(world, shift=shift))
        baseline = learn(k[PAST], n[PAST], np.broadcast_to(said, (years, len(said))), test)
        return paths(share_gains(k[YEAR], n[YEAR], baseline, test).sum(-2, keepdims=True)) * test.e_level

    return run


ATTRIBUTES: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = (
    # each group's part of the applications, and its rate of approvals as a part of the bank's
    ((0.35, 0.65), (0.9, 1.0)),
    ((0.1, 0.3, 0.3, 0.2, 0.1), (0.85, 0.95, 1.0, 1.0, 0.95)),
    ((0.15, 0.45, 0.4), (0.85, 1.0, 0.95)),
)


def _fairness(world: World) -> Run:
    def run(random: np.random.Generator, years: int, shift: Shift | None, test: SequentialTest) -> Floats:
        found = []
        for number, (parts, ratios) in enumerate(ATTRIBUTES):
            happens = shift if number == 0 else None  # to one attribute
            k, n = groups(random, years, replace(world, shift=happens), parts, ratios)
            for one, two in permutations(range(len(parts)), 2):
                both = [(each[..., one], each[..., two]) for each in (k, n)]
                past, year = ([(x[period], y[period]) for x, y in both] for period in (PAST, YEAR))
                gains = pair_gains(year[0], year[1], learn_pair(past[0], past[1], test), test)
                found.append(paths(gains[..., None, :]))
        return np.asarray(np.mean(found, axis=0) * test.e_level)

    return run


BANK = World(volume=600, rate=0.6)
LETTERS = World(volume=600, rate=0.002, day_effect=0.5, hour_effect=0.5)
REVIEWED = World(volume=60, rate=0.5, day_effect=0.2)
SCORED = World(volume=600, rate=0.5, day_effect=0.15)

CASES: tuple[Case, ...] = (
    Case(
        "dead_letter_rate",
        "600 a day, 0.2 % letters",
        _shares(LETTERS),
        (
            Planted("0.2 % to 2 %", Shift(0.02), 21),
            Planted("0.2 % to 5 %", Shift(0.05), 4),
            Planted("0.2 % to 20 %", Shift(0.20), 0.5),
        ),
    ),
    Case(
        "dead_letter_rate",
        "60 a day, 0.2 % letters",
        _shares(replace(LETTERS, volume=60)),
        (Planted("0.2 % to 5 %", Shift(0.05), 21), Planted("0.2 % to 20 %", Shift(0.20), 3)),
    ),
    Case(
        "approval_rate",
        "600 a day, 60 % approved",
        _shares(BANK),
        (
            Planted("60 % to 50 %", Shift(0.5), 28),
            Planted("60 % to 70 %", Shift(0.7), 28),
            Planted("60 % to 20 %", Shift(0.2), 1),
        ),
    ),
    Case(
        "approval_rate",
        "60 a day, 60 % approved",
        _shares(replace(BANK, volume=60)),
        (Planted("60 % to 45 %", Shift(0.45), 42), Planted("60 % to 20 %", Shift(0.2), 4)),
    ),
    Case("approval_rate", "600 a day, waves of weeks", _shares(replace(BANK, carries=0.7)), ()),
    Case(
        "drift",
        "600 a day",
        _drift(SCORED),
        (Planted("PSI 0.2", Shift(0.78, hour=0), 14), Planted("PSI 0.5", Shift(1.25, hour=0), 7)),
    ),
    Case("drift", "60 a day", _drift(replace(SCORED, volume=60)), (Planted("PSI 0.5", Shift(1.25, hour=0), 30),)),
    Case(
        "calibration",
        "60 reviewed a day",
        _calibration(REVIEWED),
        (
            Planted("15 points fewer approved", Shift(-0.62, hour=0), 60),
            Planted("25 points fewer approved", Shift(-1.1, hour=0), 21),
        ),
    ),
    Case(
        "fairness",
        "600 a day, ten groups",
        _fairness(replace(BANK, hour_effect=0.1)),
        (
            Planted("ratio 0.9 to 0.6", Shift(0.6, hour=0), 21),
            Planted("ratio 0.9 to 0.4", Shift(0.4, hour=0), 7),
        ),
    ),
    Case(
        "fairness",
        "60 a day, ten groups",
        _fairness(replace(BANK, volume=60, hour_effect=0.1)),
        (Planted("ratio 0.9 to 0.4", Shift(0.4, hour=0), 30),),
    ),
)

PLAIN = Case("approval_rate", "600 a day, 60 % approved", plain(BANK), ())
"""The comparison: not one of the alarms."""

TESTS: Mapping[str, SequentialTest] = {alert.id: alert.test for alert in ALERTS.values() if alert.test}
