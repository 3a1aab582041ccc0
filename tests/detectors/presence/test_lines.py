"""Tones of others: found where they stand still, taken out, forgotten when they are gone; who moves is left alone."""

import numpy as np
import pytest
import scipy.ndimage

from detectors.presence.clutter import ClutterFilter
from detectors.presence.lines import _AROUND, BAND_HZ, FAR, NEAR, LineNotch, _medians
from tests.detectors.presence.synthetic import HOP, RATE, envelope

FOUND_S = 5.0
LEVEL = 1e-3


def heard(samples):
    """What a notch leaves after the clutter filter, what came to it, and its lines hop by hop."""
    clutter, notch = ClutterFilter(len(samples), RATE), LineNotch(len(samples), RATE)
    came, left, lines = [], [], []
    for at in range(0, samples.shape[1] - HOP + 1, HOP):
        came.append(clutter.process(np.ascontiguousarray(samples[:, at : at + HOP])))
        left.append(notch.process(came[-1]))
        lines.append(notch.lines_hz)
    return np.concatenate(came, axis=1), np.concatenate(left, axis=1), lines


def toned(offset_hz, start_s=2.0, stop_s=12.0, seconds=18.0):
    samples = envelope(seconds)
    time = np.arange(samples.shape[1]) / RATE
    inside = (time >= start_s) & (time < stop_s)
    return samples + (LEVEL * inside * np.exp(2j * np.pi * offset_hz * time)).astype(np.complex64)


@pytest.mark.parametrize("offset_hz", [-7.8, -4.0, -1.3, 0.9, 2.1, 5.8, 7.95, 8.3, 60.0, -311.3, 1500.0])
def test_a_tone_of_another_is_found_and_taken_out(offset_hz):
    came, left, lines = heard(toned(offset_hz))
    at = round((2.0 + FOUND_S) * RATE / HOP)
    assert [round(line, 1) for line in lines[at]] == [pytest.approx(offset_hz, abs=0.1)]
    later = slice(at * HOP + RATE, 12 * RATE)
    removed_db = 10.0 * np.log10(np.mean(abs(came[:, later]) ** 2) / np.mean(abs(left[:, later]) ** 2))
    assert removed_db > 20.0


@pytest.mark.parametrize("offset_hz", [3.0, -5.5, 60.0])
def test_a_tone_that_is_gone_is_forgotten(offset_hz):
    _, left, lines = heard(toned(offset_hz))
    assert lines[-1] == ()
    assert np.sqrt(np.mean(abs(left[:, -RATE:]) ** 2)) < 1e-4


@pytest.mark.parametrize("wander_hz", [0.3, 1.0])
def test_somebody_who_creeps_is_no_tone(wander_hz):
    # 30 mm/s at 34 kHz are 6 Hz, and nobody keeps that to a few per cent.
    samples = envelope(20.0)
    time = np.arange(samples.shape[1]) / RATE
    turns = 2.0 * np.pi * (6.0 * time + wander_hz * np.sin(2.0 * np.pi * 0.4 * time) / (2.0 * np.pi * 0.4))
    came, left, lines = heard(samples + (LEVEL * np.exp(1j * turns)).astype(np.complex64))
    assert not any(lines)
    assert np.array_equal(came, left)


def test_a_line_at_the_edge_of_both_looks_gets_one_notch():
    _, _, lines = heard(toned(NEAR.highest_hz, stop_s=18.0))
    assert max(len(one) for one in lines) == 1
    assert NEAR.highest_hz == FAR.lowest_hz > 2.0 * BAND_HZ


def test_two_devices_beside_each_other_get_a_notch_each():
    _, _, lines = heard(toned(-3.0, stop_s=18.0) + toned(5.0, stop_s=18.0) - envelope(18.0))
    assert sorted(round(line) for line in lines[-1]) == [-3, 5]


@pytest.mark.parametrize("count", [7, 19, 20, 21, 40, 800])
def test_running_medians_are_those_of_scipy(count):
    rng = np.random.default_rng(count)
    for power in (rng.exponential(size=count), rng.integers(0, 4, count), np.arange(count)[::-1]):
        power = power.astype(np.float32)
        np.testing.assert_array_equal(
            _medians(power), scipy.ndimage.percentile_filter(power, 50, size=_AROUND)
        )
