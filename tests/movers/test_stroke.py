"""Motions from rest to rest, and what never rests."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lab.movers.stroke import Wavering, cruise, cruise_time_s, minimum_jerk, stroke_time_s


def test_minimum_jerk_peaks_at_1_875_times_the_mean_speed_at_half_time():
    u = np.linspace(0.0, 1.0, 20001)
    speed = np.gradient(minimum_jerk(u), u)
    assert speed.max() == pytest.approx(1.875, rel=1e-6)
    assert u[speed.argmax()] == pytest.approx(0.5, abs=1e-4)
    assert stroke_time_s(0.4, 1.5) == pytest.approx(1.875 * 0.4 / 1.5)


def test_minimum_jerk_rests_before_and_after():
    assert minimum_jerk(np.array([-2.0, 0.0, 1.0, 3.0])).tolist() == [0.0, 0.0, 1.0, 1.0]


def test_cruise_holds_its_speed_between_ramps_and_arrives():
    whole = cruise_time_s(2.0, 0.5, 0.4)
    assert whole == pytest.approx(4.4)
    t = np.linspace(0.0, whole, 44001)
    way = cruise(t, 2.0, 0.5, 0.4)
    speed = np.gradient(way, t)
    assert way[0] == 0.0
    assert way[-1] == pytest.approx(2.0, abs=1e-12)
    assert speed[(t > 0.41) & (t < whole - 0.41)] == pytest.approx(0.5, abs=1e-6)
    assert speed.max() <= 0.5 + 1e-6
    assert speed[2000] == pytest.approx(0.25, abs=1e-4)  # half way up a ramp of 0.4 s


def test_cruise_of_only_ramps_still_covers_its_way():
    t = np.linspace(-1.0, 2.0, 301)
    way = cruise(t, 0.3, 0.6, 0.5)
    assert way[-1] == pytest.approx(0.3)
    assert np.all(np.diff(way) >= -1e-12)


def test_wavering_has_the_rms_asked_for_and_stays_in_its_band():
    waver = Wavering(np.random.default_rng(3), 2.0, 0.05, 0.8)
    t = np.arange(0.0, 4000.0, 0.1)
    y = waver(t)
    assert np.sqrt(np.mean(y**2)) == pytest.approx(2.0, rel=0.03)
    assert np.abs(y).max() <= 2.0 * math.sqrt(16.0)
    power = np.abs(np.fft.rfft(y * np.hanning(len(y)))) ** 2
    frequency = np.fft.rfftfreq(len(y), 0.1)
    outside = (frequency < 0.045) | (frequency > 0.85)
    assert power[outside].sum() < 1e-6 * power.sum()
