"""Figures by hand: areas, events found in time, false alarms where nothing moves, and what mining keeps of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.presence.features import BANDS, CHANNELS
from lab.training.presence import evaluate, mining
from lab.training.presence.examples import Example


def scored(scores: list[float], onsets: list[tuple[float, float, int]], label: int = 0) -> evaluate.Scored:
    values = np.array(scores, np.float32)
    one = Example(
        "a [x=1] 0",
        "a",
        np.zeros((2, len(scores), CHANNELS, BANDS), np.float16),
        np.full(len(scores), label, np.int8),
        np.array(onsets, np.float64).reshape(-1, 3),
    )
    return evaluate.Scored(one, {"major": values, "minor": np.full(len(scores), -9.0, np.float32)})


def test_the_area_is_the_chance_that_motion_scores_higher():
    assert evaluate.area(np.array([1.0, 3.0]), np.array([0.0, 2.0])) == 0.75
    assert evaluate.area(np.array([1.0]), np.array([1.0])) == 0.5


def test_an_event_counts_when_its_score_comes_within_two_seconds():
    late = scored([-5.0] * 60 + [5.0] * 40, [(0.5, 4.0, 2)])
    soon = scored([-5.0] * 40 + [5.0] * 60, [(0.5, 4.0, 2)])
    assert evaluate.detected([late, soon], "major", 3.0) == (1, 2)
    assert evaluate.detected([late, soon], "minor", 3.0) == (0, 0)


def test_false_alarms_are_counted_once_in_ten_seconds_and_only_where_nothing_moves():
    clutter = scored([-5.0] * 10 + [5.0] * 250 + [-5.0] * 10, [])
    motion = scored([5.0] * 100, [(1.0, 3.0, 2)], label=2)
    alarms, hours = evaluate.false_alarms([clutter, motion], "major", 3.0)
    assert alarms == 2 and hours == pytest.approx(270 * 0.05 / 3600.0)


def test_scores_are_log_odds_over_half_a_second():
    p = np.tile([0.5, 0.1, 0.4], (20, 1)).astype(np.float32)
    p[10:] = [0.1, 0.1, 0.8]
    found = evaluate.smoothed(p)
    assert found["major"][9] == pytest.approx(np.log(0.4 / 0.6), abs=1e-5)
    assert found["major"][19] == pytest.approx(np.log(0.8 / 0.2), abs=1e-5)
    assert found["minor"][19] == pytest.approx(np.log(0.9 / 0.1), abs=1e-5)


def test_mining_keeps_the_stretch_around_what_fooled_the_network(tmp_path: Path):
    clutter = scored([-5.0] * 600 + [5.0] * 10 + [-5.0] * 600, [])
    (stretch,) = mining.fooled([clutter], 3.0)
    assert len(stretch.labels) == sum(mining.AROUND)
    assert not mining.fooled([scored([-5.0] * 600, [])], 3.0)
    mining.keep(tmp_path, 0, [stretch])
    (again,) = mining.kept(tmp_path, 1, 240)
    np.testing.assert_array_equal(again.maps, stretch.maps)
    assert again.family == "a" and again.mined
    assert not mining.kept(tmp_path, 1, 10_000)
