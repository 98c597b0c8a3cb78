r"""Tests that may be looked at every minute: their level holds for all looks of a year together.

**The statistic.** Applications are counted by day of a period (24 hours from its beginning) and by cell, an hour of a
working or free day. Of n applications of a cell k count (are approved, are dead letters, fall into a bin of scores).
For a tilt a > 0 of the log-odds, with p the most that the null hypothesis allows, a day gains

    g = sum over its cells of  (a k - n log(1 - p + p e^a)) / phi

which is the log of a binomial likelihood ratio for log-odds raised by a, in which an application counts as 1/phi of
one. For a < 0, p is the least that is allowed. phi >= 1 is the dispersion: how much more the daily counts of the
baseline vary than counts of independent applications would.

**Why exp(g) is an e-value**, that is: why it has an expectation of at most 1, whatever happened before. Let the
applications of a cell fall into independent groups of at most phi, as alike within a group as one likes (one
campaign, one batch, one cause of overdispersion), each application counting with a probability of at most p. With X
in [0, 1] the mean of a full group, exp(aX) <= 1 - X + X e^a by convexity, so E exp(aX) <= 1 - p + p e^a: bounded
betting (Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting", 2024, section 4), one bet
a group. A smaller group of size s has E exp(a s X / phi) <= (1 - p + p e^a)^(s / phi), since log(1 - p + p e^t) / t
grows with t. The product over groups and cells is E exp(g) <= 1. With phi = 1 this is the likelihood ratio of
independent applications.

**Why looking often costs nothing.** The product of exp(g) from a day s on is a test supermartingale that starts at 1.
A change may begin on any day, so the e-process is the average over beginnings, tilts and series (bins, pairs of
groups):

    M_t = 1/J sum over tilts of ( sum over days s <= t of 1/365 exp(g_s + ... + g_t) + (365 - t) / 365 )

a Shiryaev-Roberts e-detector, weighted so that it stays a supermartingale (Shin, Ramdas and Rinaldo, "E-detectors",
2024). By Ville's inequality the probability that M_t ever reaches 1/alpha within the period is at most alpha (Ramdas,
Grünwald, Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference", 2023). An average of
e-processes is one whatever depends on what, so many series need no correction.

**The baseline is estimated.** p is the rate of 90 days, plus (or minus) a tolerance below which nobody acts, plus
z_mean standard errors with the dispersion in them. Of the level, ESTIMATION pays for a baseline that lies further off
than that, the rest is Ville's. phi is the Pearson statistic of the 90 daily counts at its upper 99 % bound, times
what neighbouring days have in common (spread): without that, waves of weeks make the alarm fire in several of a
hundred years.

**What is not proven but simulated** (simulate.py): groups that reach over several hours, an effect on a whole day
that is seen when the day is half over, and effects that last for days. The simulated years have all of them.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PERIOD_DAYS: Final = 365
"""For how long a level holds; then a period begins anew."""

BASELINE_DAYS: Final = 90
"""The days before a period that its baseline is learnt from."""

LEAST_DAYS: Final = 30
"""With applications on fewer days than these the baseline says nothing, and nothing is watched."""

ESTIMATION: Final = 0.2
"""The part of the level that pays for the baseline's being estimated."""

Z_MEAN: Final = 3.090
"""Standard errors between the estimated rate and the null's edge: two-sided 0.002, ESTIMATION of a level of 0.01."""

Z_DISPERSION: Final = 2.326
"""The upper 99 % bound of the dispersion (Wilson and Hilferty's cube for chi-squared)."""

LAGS: Final = 7
"""Days that may have something in common: beyond a week it is a change, and no longer chance."""

SHRINK: Final = 100.0
"""Applications at the overall rate that are added to each cell of the baseline: a rare hour has no rate of its own."""

_EDGE: Final = 1e-6
_NOTHING: Final = 1e-12
_MOST_GAIN: Final = 400.0
_MOST: Final = 1e100


@dataclass(frozen=True, slots=True)
class SequentialTest:
    """What a sequential test is made of; `tilts` are changes of log-odds that it looks for, downward ones negative.

    `tolerance` is the change of the rate that nobody acts on, `tolerated` the rate that is never too high, `dispersion`
    the least phi, `z_mean` standard errors that the null reaches beyond (0 where the rate is not estimated). Of a ratio
    of two rates (pair_gains) `tolerated` is the least ratio that is allowed, and `tilts` are parts of it to look for.
    """

    tilts: tuple[float, ...]
    tolerance: float = 0.0
    tolerated: float = 0.0
    dispersion: float = 1.0
    z_mean: float = Z_MEAN
    level: float = 0.01

    @property
    def e_level(self) -> float:
        """What the e-process is held against: it fires at `1 / e_level`."""
        return self.level * (1 - ESTIMATION)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What 90 days say: the rate of each cell (..., cells), the dispersion and the null's half-width (...)."""

    rates: Floats
    phi: Floats
    margin: Floats


def cell_rates(k: Floats, n: Floats) -> Floats:
    """The rate of each cell, (..., cells), from counts of the baseline, (..., days, cells)."""
    k, n = k.sum(-2), n.sum(-2)
    mean = (k.sum(-1) + 0.5) / (n.sum(-1) + 1)
    return np.asarray((k + SHRINK * mean[..., None]) / (n + SHRINK))


def learn(k: Floats, n: Floats, rates: Floats, test: SequentialTest) -> Baseline:
    """The baseline of counts `k` of `n`, both (..., days, cells). A day without applications is none."""
    by_day = rates[..., None, :]
    day_k, day_n = k.sum(-1), n.sum(-1)
    expected, variance = (n * by_day).sum(-1), (n * by_day * (1 - by_day)).sum(-1)
    gap = (day_k.sum(-1) - expected.sum(-1)) / day_n.sum(-1)
    present = day_n > 0
    distances = (day_k - expected - day_n * gap[..., None]) / np.sqrt(np.where(present, variance, 1))
    found = spread(np.where(present, distances, 0), present)
    error = np.sqrt(np.maximum(1, found) * variance.sum(-1)) / day_n.sum(-1)
    return Baseline(rates, np.maximum(test.dispersion, found), test.tolerance + test.z_mean * error)


def spread(distances: Floats, present: npt.NDArray[np.bool_]) -> Floats:
    """How much more sums over days vary than those of independent applications: (..., days) in, (...) out.

    `distances` are the days' in standard deviations, 0 where nobody applied. It is the Pearson statistic, at its upper
    99 % bound (Wilson and Hilferty's cube), times what neighbouring days have in common: Bartlett's sum of the
    autocorrelations up to LAGS days.
    """
    squares = (distances**2).sum(-1)
    alike = np.ones_like(squares)
    for lag in range(1, LAGS + 1):
        together = (distances[..., lag:] * distances[..., :-lag]).sum(-1)
        alike += 2 * (1 - lag / (LAGS + 1)) * together / np.maximum(squares, _NOTHING)
    freedom = present.sum(-1) - 1
    bound = (1 - 2 / (9 * freedom) - Z_DISPERSION * np.sqrt(2 / (9 * freedom))) ** -3
    return np.asarray(squares / freedom * bound * np.maximum(1, alike))


def share_gains(k: Floats, n: Floats, baseline: Baseline, test: SequentialTest) -> Floats:
    """What each cell of each day gains: (..., days, cells) in, (..., days, cells, tilts) out."""
    tilts = np.array(test.tilts)
    rates, margin = baseline.rates[..., None], baseline.margin[..., None, None]
    null = np.where(tilts > 0, np.maximum(test.tolerated, rates + margin), rates - margin).clip(_EDGE, 1 - _EDGE)
    cost = np.log(1 - null + null * np.exp(tilts))
    phi = baseline.phi[..., None, None, None]
    return np.asarray((k[..., None] * tilts - n[..., None] * cost[..., None, :, :]) / phi)


@dataclass(frozen=True, slots=True)
class Pair:
    """What 90 days say of two groups: the second one's rate and the dispersion of their difference, both (...)."""

    usual: Floats
    phi: Floats


def learn_pair(k: tuple[Floats, Floats], n: tuple[Floats, Floats], test: SequentialTest) -> Pair:
    """The baseline of two groups from counts by day, (..., days) each; a day without one of them is none."""
    (k1, k2), (n1, n2) = k, n
    m1, m2 = ((each.sum(-1) + 0.5) / (of.sum(-1) + 1) for each, of in ((k1, n1), (k2, n2)))
    m1, m2 = m1[..., None], m2[..., None]
    present = (n1 > 0) & (n2 > 0)
    safe1, safe2 = np.where(present, n1, 1), np.where(present, n2, 1)
    variance = m1 * (1 - m1) / safe1 + (m1 / m2) ** 2 * m2 * (1 - m2) / safe2
    distances = np.where(present, (k1 / safe1 - m1 / m2 * k2 / safe2) / np.sqrt(variance), 0)
    return Pair(m2[..., 0], np.maximum(test.dispersion, spread(distances, present)))


def pair_gains(k: tuple[Floats, Floats], n: tuple[Floats, Floats], pair: Pair, test: SequentialTest) -> Floats:
    """What each day gains against "the first group's rate is at least `ratio` times the second's".

    Counts are (..., days) each, the answer (..., days, tilts). `usual` is the second group's rate in the baseline:
    an alternative says q_2 = usual and q_1 = tilt * ratio * usual. Of all rates that the null allows, p are the nearest
    to q, in Kullback-Leibler divergence weighted by the day's applications n. An application's likelihood ratio q to p
    has under each null expectations A and B in the two groups with n_1 A + n_2 B <= n_1 + n_2, for the null is convex
    and p nearest; so A^n_1 B^n_2 <= 1 by the inequality of the means (Turner, Ly and Grünwald, "Generic e-variables for
    exact sequential k-sample tests", 2024). Nearest is p_1 = ratio * p_2, with p_2 a root of a quadratic equation.
    """
    least = test.tolerated
    tilts = np.array(test.tilts)
    (k1, k2), (n1, n2) = ([each[..., None] for each in pair] for pair in (k, n))
    q2 = pair.usual[..., None, None]
    q1 = q2 * least * tilts
    hits, misses1, misses2 = n1 * q1 + n2 * q2, n1 * (1 - q1), n2 * (1 - q2)
    square, line = least * (n1 + n2), hits * (1 + least) + misses1 * least + misses2
    both = (n1 > 0) & (n2 > 0)
    root = np.sqrt(line**2 - 4 * square * hits)
    p2 = np.where(both, 2 * hits / np.where(both, line + root, 1), 0.5)
    p1 = least * p2
    gains = k1 * np.log(q1 / p1) + (n1 - k1) * np.log((1 - q1) / (1 - p1))
    gains = gains + k2 * np.log(q2 / p2) + (n2 - k2) * np.log((1 - q2) / (1 - p2))
    return np.asarray(np.where(both, gains / pair.phi[..., None, None], 0))


def paths(gains: Floats) -> Floats:
    """The e-process at every look: gains (..., days, looks, tilts) in, (..., days, looks) out, tilts averaged.

    A day's looks are cumulative: what the day gained until then counts, on top of the days before.
    """
    days = gains.shape[-3]
    found = np.empty(gains.shape[:-1])
    wealth = np.zeros((*gains.shape[:-3], gains.shape[-1]))
    for day in range(days):
        until_now = gains[..., day, :, :].cumsum(-2).clip(max=_MOST_GAIN)
        now = np.minimum((wealth[..., None, :] + 1 / PERIOD_DAYS) * np.exp(until_now), _MOST)
        found[..., day, :] = now.mean(-1) + 1 - (day + 1) / PERIOD_DAYS
        wealth = now[..., -1, :]
    return found
