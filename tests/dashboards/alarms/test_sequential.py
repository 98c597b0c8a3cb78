"""The e-values are what they are said to be: an expectation of at most 1 under everything that the null allows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from dashboards.alarms.sequential import (
    Baseline,
    Pair,
    SequentialTest,
    learn,
    learn_pair,
    pair_gains,
    paths,
    share_gains,
    spread,
)

TILTS = (0.2, 0.8, 2.0, -0.2, -0.8, -2.0)
RATES = st.floats(0.01, 0.99)


def gains_of_all(n, rate, margin, phi):
    """What a day of n applications gains for each number of them that counts, (n + 1, tilts)."""
    k = np.arange(n + 1, dtype=float)[:, None, None]
    base = Baseline(np.full((n + 1, 1), rate), np.full(n + 1, phi), np.full(n + 1, margin))
    return share_gains(k, np.full_like(k, n), base, SequentialTest(TILTS))[:, 0, 0]


@given(RATES, st.integers(1, 40), st.floats(0, 0.2), st.floats(-1, 1), st.floats(1, 10))
def test_a_bet_on_independent_applications_does_not_grow(rate, n, margin, inside, phi):
    """Wherever the true rate lies within the band."""
    gains = gains_of_all(n, rate, margin, phi)
    true = min(max(rate + inside * margin, 1e-6), 1 - 1e-6)
    expected = (binom.pmf(np.arange(n + 1), n, true)[:, None] * np.exp(gains)).sum(0)
    assert (expected <= 1 + 1e-9).all()


@given(RATES, st.integers(1, 12), st.integers(1, 8), st.floats(0, 0.2), st.floats(-1, 1))
def test_a_bet_on_groups_that_are_all_alike_does_not_grow(rate, groups, size, margin, inside):
    """All of a group count or none: the worst that a group as large as the dispersion can do."""
    gains = gains_of_all(groups * size, rate, margin, float(size))[::size]
    true = min(max(rate + inside * margin, 1e-6), 1 - 1e-6)
    expected = (binom.pmf(np.arange(groups + 1), groups, true)[:, None] * np.exp(gains)).sum(0)
    assert (expected <= 1 + 1e-9).all()


@given(RATES, st.floats(1.0, 3.0), st.integers(1, 12), st.integers(1, 12), st.floats(0.5, 1), RATES, st.floats(1, 3))
def test_a_bet_on_two_groups_does_not_grow(second, more, n1, n2, ratio, usual, phi):
    """Whatever both rates are, as long as the first is at least `ratio` times the second."""
    first = min(ratio * second * more, 1.0)
    k1, k2 = (each.astype(float).reshape(-1, 1) for each in np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1)))
    n = (np.full_like(k1, n1), np.full_like(k2, n2))
    pair = Pair(np.full(len(k1), usual), np.full(len(k1), phi))
    gains = pair_gains((k1, k2), n, pair, SequentialTest((0.9, 0.5), tolerated=ratio))[:, 0]
    chance = binom.pmf(k1, n1, first) * binom.pmf(k2, n2, second)
    assert ((chance * np.exp(gains)).sum(0) <= 1 + 1e-9).all()


def test_a_bet_grows_where_the_rate_has_left_the_band():
    """Otherwise it would prove nothing."""
    gains = gains_of_all(40, 0.6, 0.05, 1.0)
    expected = (binom.pmf(np.arange(41), 40, 0.4)[:, None] * gains).sum(0)
    assert expected.max() > 1


def test_what_is_bet_and_what_is_kept_are_one_together():
    """A year without any evidence ends as it began, at every look: nothing is made, nothing is lost."""
    assert paths(np.zeros((365, 3, 2))) == pytest.approx(1)


def test_a_days_looks_add_up_to_the_day():
    """Who looks every hour sees at midnight what who looks once a day sees."""
    gains = np.random.default_rng(1).normal(0, 0.3, (20, 24, 4))
    assert paths(gains)[:, -1] == pytest.approx(paths(gains.sum(1, keepdims=True))[:, 0])


def test_evidence_of_a_change_counts_from_the_day_it_began():
    """After two hundred days that spoke against a change, the ones that speak for it need not first make up for them."""
    calm, then = np.full((200, 1, 1), -1.0), np.full((10, 1, 1), 2.0)
    late = paths(np.concatenate([calm, then]))[-1, 0]
    assert late > np.exp(20) / 365


def test_evidence_without_end_stays_a_number():
    """A bank that declines everybody for a year fires all year, and overflows nothing."""
    with np.errstate(all="raise"):
        assert np.isfinite(paths(np.full((365, 1, 1), 1e4))).all()


def test_days_that_resemble_each_other_count_for_less():
    """The same distances, in waves instead of to and fro, are more dispersion."""
    present = np.ones(90, bool)
    waves = np.repeat([1.0, -1.0], 15)[np.arange(90) % 30]
    to_and_fro = np.array([1.0, -1.0])[np.arange(90) % 2]
    assert spread(waves, present) > 2 * spread(to_and_fro, present)


def test_the_band_is_wider_where_less_is_known():
    """Of a bank with few applications, and of one whose days differ."""

    def margin(n, swing):
        rate = 0.5 + swing * np.array([1.0, -1.0])[np.arange(90) % 2][:, None]
        of = np.full((90, 1), float(n))
        return learn(np.round(rate * of), of, np.array([0.5]), SequentialTest(TILTS)).margin

    assert margin(60, 0.0) > margin(600, 0.0)
    assert margin(600, 0.1) > margin(600, 0.0)


def test_a_day_without_one_of_the_groups_says_nothing():
    """Nothing of the other group's is held against it."""
    n = (np.array([30.0, 0.0, 30.0]), np.array([50.0, 50.0, 50.0]))
    k = (np.array([15.0, 0.0, 15.0]), np.array([25.0, 50.0, 25.0]))
    test = SequentialTest((0.9, 0.5), tolerated=0.8)
    assert (pair_gains(k, n, learn_pair(k, n, test), test)[1] == 0).all()
