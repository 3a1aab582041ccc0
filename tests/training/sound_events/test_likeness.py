"""The figures by which computed and recorded sounds are compared, on sounds of which they are known."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.sound_events.features import RATE_HZ
from lab.training.sound_events.likeness import NAMES, described, table
from lab.training.sound_events.recordings import Recordings


def _told(audio: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, described(audio.astype(np.float32)), strict=True))


def test_a_decaying_tone_has_the_band_the_decay_and_the_crest_that_it_was_given():
    t = np.arange(2 * RATE_HZ) / RATE_HZ
    told = _told(np.sin(2.0 * np.pi * 2000.0 * t) * 10.0 ** (-60.0 * t / 0.8 / 20.0))  # 30 dB in 0.4 s
    assert told["< 3 kHz"] > 99.0
    assert told["centroid"] == pytest.approx(2.0, abs=0.02)
    assert told["30 dB down"] == pytest.approx(0.4, abs=0.02)


def test_steady_noise_fills_the_bands_as_they_are_wide():
    told = _told(np.random.default_rng(0).standard_normal(RATE_HZ * 4))
    assert told["< 0.2 kHz"] == pytest.approx(2.5, abs=0.4)
    assert told["< 8 kHz"] == pytest.approx(62.5, abs=1.5)
    assert 10.0 < told["crest"] < 15.0


def test_without_recordings_there_is_nothing_to_compare():
    assert table(Recordings(), "train") == []
