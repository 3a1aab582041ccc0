"""Bounds against printed values and against what they promise: coverage, summed exactly where it can be."""

import math

import numpy as np
import pytest
from scipy.stats import binom, poisson

from lab.verdicts.intervals import percentile_ranks, proportion, rate, weighted_rate


@pytest.mark.parametrize(("detected", "trials", "low"), [(20, 20, 0.832), (40, 40, 0.912), (100, 100, 0.964)])
def test_two_sided_clopper_pearson_of_perfect_runs(detected, trials, low):
    assert proportion(detected, trials, confidence=0.975).low == pytest.approx(low, abs=5e-4)


def test_two_sided_clopper_pearson_of_95_in_100():
    bounds = proportion(95, 100, confidence=0.975)
    assert (bounds.low, bounds.high) == (pytest.approx(0.887, abs=5e-4), pytest.approx(0.984, abs=5e-4))


@pytest.mark.parametrize(("limit", "trials"), [(0.95, 59), (0.99, 299)])
def test_fewest_perfect_trials_for_a_lower_bound(limit, trials):
    assert proportion(trials, trials).low >= limit > proportion(trials - 1, trials - 1).low


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.69), (1, 0.03, 5.57), (3, 0.62, 8.77), (10, 4.80, 18.39)]
)
def test_two_sided_poisson(count, low, high):
    bounds = rate(count, 1.0, confidence=0.975)
    assert (bounds.low, bounds.high) == (pytest.approx(low, abs=6e-3), pytest.approx(high, abs=6e-3))


def test_no_event_bounds_the_rate_at_three_over_the_exposure():
    assert rate(0, 2.0).high == pytest.approx(-math.log(0.05) / 2.0)


@pytest.mark.parametrize("trials", [5, 20, 59, 240])
def test_each_bound_of_a_proportion_covers_in_95_of_100_runs(trials):
    bounds = [proportion(k, trials) for k in range(trials + 1)]
    low, high = np.array([b.low for b in bounds]), np.array([b.high for b in bounds])
    for true in np.linspace(0.01, 0.99, 99):
        chance = binom.pmf(np.arange(trials + 1), trials, true)
        assert chance[low <= true].sum() >= 0.95 - 1e-9
        assert chance[high >= true].sum() >= 0.95 - 1e-9


def test_each_bound_of_a_rate_covers_in_95_of_100_runs():
    counts = np.arange(200)
    bounds = [rate(k, 1.0) for k in counts]
    low, high = np.array([b.low for b in bounds]), np.array([b.high for b in bounds])
    for true in np.geomspace(0.05, 80, 60):
        chance = poisson.pmf(counts, true)
        assert chance[low <= true].sum() >= 0.95 - 1e-9
        assert chance[high >= true].sum() >= 0.95 - 1e-9


def test_bounds_move_smoothly_between_whole_numbers_of_trials():
    assert proportion(9, 10).low < proportion(9.45, 10.5).low < proportion(9.9, 11).low
    assert rate(2, 1).high < rate(2.5, 1).high < rate(3, 1).high


def test_without_data_nothing_is_known():
    assert (proportion(0, 0).low, proportion(0, 0).high) == (0.0, 1.0)
    assert (rate(0, 0).low, rate(0, 0).high) == (0.0, math.inf)


@pytest.mark.parametrize("count", [0, 1, 4, 30])
def test_equal_weights_give_the_exact_poisson_bounds(count):
    weighted, plain = weighted_rate(2.0 * count, 4.0 * count, 2.0, 5.0), rate(count, 5.0)
    assert weighted.low == pytest.approx(2 * plain.low)
    assert weighted.high == pytest.approx(2 * plain.high)


@pytest.mark.parametrize(("mean_bouts", "covers"), [(0.5, 0.95), (5, 0.91), (20, 0.95)])
def test_time_in_alarm_is_bounded_for_bouts_of_random_length(mean_bouts, covers):
    rng = np.random.default_rng(4)
    held = []
    for _ in range(1500):
        bouts = rng.exponential(1.0, rng.poisson(mean_bouts))
        largest = max(1.0, 2 * bouts.max(initial=0.0))
        bounds = weighted_rate(bouts.sum(), (bouts**2).sum(), largest, 1.0)
        held.append((bounds.high >= mean_bouts, bounds.low <= mean_bouts))
    high, low = np.mean(held, axis=0)
    assert high >= covers - 0.01 and low >= 0.94


def test_an_upper_bound_on_the_95th_percentile_takes_59_values():
    assert percentile_ranks(58, 0.95)[1] is None
    assert percentile_ranks(59, 0.95)[1] == 59


@pytest.mark.parametrize("n", [20, 59, 93, 400])
def test_percentile_ranks_are_the_tightest_that_hold(n):
    low, high = percentile_ranks(n, 0.95)
    if high is not None:
        assert binom.cdf(high - 1, n, 0.95) >= 0.95 > binom.cdf(high - 2, n, 0.95)
    assert binom.sf(low - 1, n, 0.95) >= 0.95 > binom.sf(low, n, 0.95)
