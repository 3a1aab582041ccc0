"""Hops at 16 kHz: the filter before decimation, cuts, and what counts as hearing nothing."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from detectors.errors import DetectorError
from detectors.sound_events.features import HOP
from detectors.sound_events.front_end import FLAT_HZ, STOP_HZ, FrontEnd, Hop, lowpass


def hops(audio: np.ndarray, rate_hz: int, block: int | None = None) -> list[Hop]:
    front_end, found = FrontEnd(rate_hz), []
    for first in range(0, len(audio), block or len(audio)):
        found += front_end.cut(audio[first : first + (block or len(audio))])
    return found


def test_the_filter_is_flat_below_80_db_down_beyond_and_of_linear_phase():
    taps = lowpass(48_000)
    hz, response = scipy.signal.freqz(taps, worN=8_192, fs=48_000)
    gain_db = 20.0 * np.log10(np.abs(response) + 1e-12)
    assert np.abs(gain_db[hz <= FLAT_HZ]).max() < 0.01
    assert gain_db[hz >= STOP_HZ].max() <= -80.0
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-15)


def test_decimation_is_filtering_and_taking_every_third_sample():
    """Oracle: direct convolution in float64. Residual: -100 dB of the signal."""
    audio = (0.1 * np.random.default_rng(1).standard_normal(48_000)).astype(np.float32)
    taps = lowpass(48_000)
    padded = np.concatenate([np.zeros(len(taps) - 3), audio])
    expected = np.convolve(padded, taps, "valid")[::3]
    found = np.concatenate([hop.samples for hop in hops(audio, 48_000)])
    assert len(found) == 16_000
    assert np.abs(found - expected).max() < 1e-6


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_cuts_change_no_bit(rate_hz: int):
    audio = np.random.default_rng(1).standard_normal(rate_hz).astype(np.float32) * 0.1
    whole = hops(audio, rate_hz)
    for block in (1, 999, 7_001):
        pieces = hops(audio[: rate_hz // 2] if block == 1 else audio, rate_hz, block)
        for piece, expected in zip(pieces, whole, strict=False):
            np.testing.assert_array_equal(piece.samples, expected.samples)


def test_16_khz_pass_as_they_are_within_full_scale():
    audio = np.array([0.5, -2.0, 7.0, np.nan, np.inf, -np.inf] * 800, np.float32)
    heard = np.concatenate([hop.samples for hop in hops(audio, 16_000)])
    expected = np.array([0.5, -1.0, 1.0, 0.0, 0.0, 0.0] * 800, np.float32)
    np.testing.assert_array_equal(heard, expected)


@pytest.mark.parametrize(("alive_s", "heard"), [(0.1, True), (0.05, True), (0.04, False), (0.0, False)])
def test_a_hop_that_is_mostly_lost_counts_as_not_heard(alive_s: float, heard: bool):
    audio = np.zeros(HOP, np.float32)
    audio[: round(alive_s * 16_000)] = 1e-4
    (hop,) = hops(audio, 16_000)
    assert hop.heard is heard


def test_a_quiet_room_in_16_bits_is_heard_though_most_samples_are_zero():
    audio = np.round(0.4 * np.random.default_rng(1).standard_normal(HOP)) / 32_768
    assert np.count_nonzero(audio) < 0.3 * HOP
    (hop,) = hops(audio.astype(np.float32), 16_000)
    assert hop.heard


def test_another_rate_is_refused():
    with pytest.raises(DetectorError, match="rate_hz = 44100: 16000, 48000"):
        FrontEnd(44_100)
