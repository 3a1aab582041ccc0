"""Curves against counting by hand."""

import numpy as np
import pytest

from lab.scoring import curves, worst
from lab.scoring.matching import match
from tests.scoring.trials import quiet, rule, target, track, trial


@pytest.fixture(scope="module")
def outcomes():
    rng = np.random.default_rng(3)
    found = []
    for index in range(40):
        scores = rng.normal(size=100).clip(-2, 2)
        scores[40:50] += rng.uniform(0, 4)
        found.append(
            match(trial(target(4.0, 5.0), index=index), track(scores), rule(threshold=2.5, refractory_s=0.5))
        )
    return found


def test_detection_rates_are_the_share_of_targets_detected(outcomes):
    grid = np.linspace(-3, 7, 101)
    expected = [curves.detections(outcomes, threshold).mean() for threshold in grid]
    np.testing.assert_allclose(curves.detection_rates(outcomes, grid), expected)
    assert 0 < max(expected) < 1.01 and expected[0] == 0  # below all scores every guard is broken


def test_false_alarm_counts_never_fall_with_the_threshold(outcomes):
    grid = np.linspace(curves.floor(outcomes) if np.isfinite(curves.floor(outcomes)) else -2, 3, 50)
    counts = curves.false_alarm_counts(outcomes, grid)
    assert (np.diff(counts) <= 0).all() and counts[0] > 100


def test_at_the_build_threshold_the_curve_counts_the_alarms_of_trials_without_targets():
    rng = np.random.default_rng(5)
    found = [match(trial(), track(rng.normal(size=100)), rule(refractory_s=0.7)) for _ in range(30)]
    alarms = sum(len(outcome.false_alarms) for outcome in found)
    assert alarms > 50
    assert curves.false_alarm_counts(found, np.array([1.0]))[0] == alarms


def test_the_grid_holds_the_build_threshold_and_stays_small(outcomes):
    grid = curves.threshold_grid(outcomes, points=30)
    assert 2.5 in grid and (np.diff(grid) > 0).all() and len(grid) <= 31


def test_det_pairs_false_alarms_per_hour_with_misses(outcomes):
    per_hour, missed = curves.det(outcomes, np.array([1.5]))
    assert missed[0] == 1 - curves.detections(outcomes, 1.5).mean()
    assert per_hour[0] == pytest.approx(
        curves.false_alarm_counts(outcomes, np.array([1.5]))[0] / curves.free_hours(outcomes)
    )


def test_sweep_groups_by_one_cell_key_in_order():
    found = [match(trial(), track(quiet()), rule()) for _ in range(3)]
    for outcome, distance in zip(found, (9.1, 1.0, 3.0), strict=True):
        outcome.cell["distance_m"] = distance
    assert list(curves.sweep(found, "distance_m")) == [1.0, 3.0, 9.1]
    assert curves.sweep(found, "snr_db") == {}


def test_the_worst_trials_come_first():
    peaks = [0.4, 2.0, 0.1, 0.7]
    missed = [match(trial(target(4, 5), index=i), track(quiet((45, p))), rule()) for i, p in enumerate(peaks)]
    assert [outcome.index for outcome, _ in worst.misses(missed, 2)] == [2, 0]
    loud = [match(trial(index=i), track(quiet((45, 1 + p), (80, 1.0))), rule()) for i, p in enumerate(peaks)]
    assert [(o.index, m.at_s) for o, m in worst.false_alarms(loud, 2)] == [(1, 4.5), (3, 4.5)]
