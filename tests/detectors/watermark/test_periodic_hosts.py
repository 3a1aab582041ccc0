"""Sounds that repeat in step with a mark must not look like one."""

import numpy as np
import pytest
from scipy.signal import fftconvolve

from detectors.watermark.detector import THRESHOLD
from detectors.watermark.key import load_named
from tests.detectors.watermark.hosts import melody, room, track

RATE_HZ = 16_000
KEYS = [load_named("reference"), load_named("stranger")]
SEGMENT = 2048


def repeated(period: int, sound: np.ndarray, seconds: float = 6.0, lead_s: float = 1.0) -> np.ndarray:
    """A sound every `period` samples after a second of faint noise, so that the train also starts in the window."""
    rng = np.random.default_rng(period)
    out = 1e-4 * rng.standard_normal(round(seconds * RATE_HZ))
    for start in range(round(lead_s * RATE_HZ), len(out) - len(sound), period):
        out[start : start + len(sound)] += sound
    return out


def click(length: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(length) * np.exp(-np.arange(length) / 80)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
@pytest.mark.parametrize("period", [512, 1024, SEGMENT, 2 * SEGMENT, 3 * SEGMENT])
def test_click_trains(period, key):
    assert np.nanmax(track(repeated(period, click()), key).scores) < THRESHOLD


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
@pytest.mark.parametrize("period", [1024, SEGMENT, 2 * SEGMENT])
def test_loops_that_repeat_exactly(period, key):
    assert np.nanmax(track(repeated(period, melody(period / RATE_HZ)), key).scores) < THRESHOLD


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_clicks_with_their_own_echoes(key):
    train = repeated(SEGMENT, click())
    train += np.roll(train, SEGMENT // 2) * 0.5
    assert np.nanmax(track(fftconvolve(train, room(0.6))[: len(train)], key).scores) < THRESHOLD


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.id)
def test_steady_tones(key):
    t = np.arange(4 * RATE_HZ) / RATE_HZ
    for hz in (1000.0, 1953.125, 2001.3):
        assert np.nanmax(track(0.1 * np.sin(2 * np.pi * hz * t), key).scores) < THRESHOLD


@pytest.mark.parametrize("delay", [SEGMENT, 2 * SEGMENT, 4 * SEGMENT])
def test_a_hosts_own_echo(delay):
    host = melody(6.0, seed=9)
    host[delay:] += 0.7 * host[:-delay].copy()
    for key in KEYS:
        assert np.nanmax(track(host, key).scores) < THRESHOLD
