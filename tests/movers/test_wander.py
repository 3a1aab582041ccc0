"""Endless random ways."""

from __future__ import annotations

import numpy as np
import pytest

from lab.errors import BadInput
from lab.movers.wander import KEPT_CHAPTERS, Pace, Region, Wander

LOW, HIGH = np.array([0.3, 0.3]), np.array([4.7, 3.7])
DEVICE = np.array([2.0, 2.0])
PACE = Pace(0.5, 1.0, (0.5, 4.0), ramp_s=0.3, shortest_m=0.4)


def way(seed=5, keep_off_m=0.5):
    region = Region(lambda rng: rng.uniform(LOW, HIGH), DEVICE, keep_off_m)
    return Wander(region, PACE, seed, "cat", chapter_s=120.0)


def test_it_is_a_function_of_time_whatever_was_asked_before():
    t = np.arange(-0.5, 600.0, 0.05)
    once = way().at(t)
    other = way()
    shuffled = np.random.default_rng(1).permutation(len(t))
    again = other.at(t[shuffled])
    np.testing.assert_array_equal(once.position_m[shuffled], again.position_m)
    np.testing.assert_array_equal(once.turn[shuffled], again.turn)
    single = np.concatenate([other.at(t[i : i + 1]).position_m for i in range(0, len(t), 500)])
    np.testing.assert_array_equal(single, once.position_m[::500])


def test_it_never_jumps_nor_goes_faster_than_its_pace():
    t = np.arange(0.0, 1300.0, 0.01)  # over ten ends of chapters
    speed = np.linalg.norm(np.diff(way().at(t).position_m, axis=0), axis=1) / 0.01
    assert speed.max() <= 1.0 + 1e-6
    assert speed.max() > 0.8
    assert np.mean(speed > 0.2) > 0.3  # it does go


def test_headings_meet_at_the_ends_of_chapters():
    for end in (120.0, 240.0, 360.0):
        before, after = way().at(np.array([end - 1e-6])), way().at(np.array([end + 1e-6]))
        assert before.turn[0] == pytest.approx(1.0, abs=1e-4)
        assert after.turn[0] == pytest.approx(0.0, abs=1e-4)
        np.testing.assert_allclose(before.heading, after.previous)


def test_it_stays_in_its_region_and_off_the_device():
    position = way().at(np.arange(0.0, 3600.0, 0.1)).position_m
    assert np.all(position >= LOW - 1e-9)
    assert np.all(position <= HIGH + 1e-9)
    assert np.linalg.norm(position - DEVICE, axis=1).min() >= 0.5 - 1e-9


def test_a_day_keeps_a_few_chapters_and_repeats_none():
    wander = way()
    samples = [
        wander.at(np.arange(start, start + 120.0)).position_m for start in np.arange(0.0, 86400.0, 1200.0)
    ]
    assert len(wander._chapters) <= KEPT_CHAPTERS
    assert len({sample.tobytes() for sample in samples}) == len(samples)


def test_a_room_full_of_device_is_refused():
    with pytest.raises(BadInput, match=r"movers\.cat: the room leaves no place clear of the device"):
        way(keep_off_m=6.0)
