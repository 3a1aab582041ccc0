"""The levels of a track give the number of alarms at every threshold, exactly."""

import time

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.interface import alarm_indices
from lab.scoring.levels import alarm_levels

values = st.lists(st.one_of(st.integers(0, 12).map(float), st.just(float("nan"))), min_size=1, max_size=80)


def counted_above(levels, threshold):
    return sum(level >= threshold for _, level in levels)


@settings(max_examples=300, deadline=None)
@given(values, st.integers(1, 12))
def test_levels_count_the_alarms_at_every_threshold(scores, hops):
    scores = np.array(scores)
    levels, floor = alarm_levels(scores, np.ones(len(scores), dtype=bool), hops, keep=len(scores) + 1)
    assert floor is None
    for threshold in np.arange(-0.5, 13, 0.5):
        assert counted_above(levels, threshold) == len(alarm_indices(scores, threshold, hops))


@settings(max_examples=200, deadline=None)
@given(values, st.integers(1, 12), st.integers(1, 6))
def test_a_short_list_is_complete_down_to_its_floor(scores, hops, keep):
    scores = np.array(scores)
    everything = np.ones(len(scores), dtype=bool)
    levels, floor = alarm_levels(scores, everything, hops, keep)
    for threshold in np.arange(-0.5, 13, 0.5):
        if floor is None or threshold >= floor:
            assert counted_above(levels, threshold) == len(alarm_indices(scores, threshold, hops))
    assert floor is None or len(levels) >= keep


@settings(max_examples=200, deadline=None)
@given(values, st.integers(1, 12), st.integers(0, 80), st.integers(1, 20))
def test_a_stretch_that_does_not_count_parts_the_track_in_two(scores, hops, start, length):
    scores = np.array(scores)
    counted = np.ones(len(scores), dtype=bool)
    counted[start : start + length] = False
    levels, _ = alarm_levels(scores, counted, hops, keep=len(scores) + 1)
    parts = (scores[:start], scores[start + length :])
    for threshold in np.arange(-0.5, 13, 0.5):
        alarms = sum(len(alarm_indices(part, threshold, hops)) for part in parts)
        assert counted_above(levels, threshold) == alarms


def test_each_level_names_a_hop_with_that_score():
    scores = np.array([0.0, 3.0, 1.0, 2.0, 2.5, 0.0])
    levels, _ = alarm_levels(scores, np.ones(6, dtype=bool), 3, keep=10)
    assert levels[0] == (1, 3.0)
    assert all(scores[index] == level for index, level in levels)


def test_an_hour_of_scores_takes_well_under_a_second():
    scores = np.random.default_rng(0).normal(size=180_000)
    began = time.perf_counter()
    levels, floor = alarm_levels(scores, np.ones(len(scores), dtype=bool), 50, keep=64)
    assert time.perf_counter() - began < 1.0
    assert 64 <= len(levels) < 200 and floor is not None
