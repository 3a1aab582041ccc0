from __future__ import annotations

import numpy as np
import pytest

from lab.sources.loudness import active_rms, active_share, active_span

RATE_HZ = 16_000
RNG = np.random.default_rng(0)


def noise(seconds: float) -> np.ndarray:
    """White noise with an RMS of 1 between 50 Hz and 7 kHz."""
    return RNG.standard_normal(round(seconds * RATE_HZ)) / np.sqrt(6950 / 8000)


def test_pauses_do_not_count():
    gaps = np.concatenate([noise(2.0), np.zeros(3 * RATE_HZ), noise(2.0)])
    assert active_rms(gaps, RATE_HZ) == pytest.approx(1.0, rel=0.03)


def test_a_quiet_background_does_not_count():
    mixed = np.concatenate([noise(2.0), 0.05 * noise(4.0)])
    assert active_rms(mixed, RATE_HZ) == pytest.approx(1.0, rel=0.03)


def test_what_lies_outside_the_band_does_not_count():
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    rumble = 5.0 * np.sin(2 * np.pi * 20 * t) + 5.0 * np.sin(2 * np.pi * 7600 * t)
    assert active_rms(noise(2.0) + rumble, RATE_HZ) == pytest.approx(1.0, rel=0.05)


def test_silence_has_no_level():
    assert active_rms(np.zeros(RATE_HZ), RATE_HZ) == 0.0


@pytest.mark.parametrize("samples", [1, 37, 1599, 1601])
def test_clips_shorter_than_a_frame_have_a_level(samples):
    assert np.isfinite(active_rms(np.ones(samples), RATE_HZ))


def test_the_active_span_leaves_out_silent_ends():
    start, stop = active_span(np.concatenate([np.zeros(RATE_HZ), noise(1.0), np.zeros(RATE_HZ)]), RATE_HZ)
    assert start == pytest.approx(RATE_HZ, abs=0.08 * RATE_HZ)
    assert stop == pytest.approx(2 * RATE_HZ, abs=0.08 * RATE_HZ)


def test_the_active_share_is_a_share_of_time():
    assert active_share(np.concatenate([noise(3.0), np.zeros(RATE_HZ)]), RATE_HZ, 0.1) == pytest.approx(
        0.75, abs=0.03
    )
