import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.watermark.key import Key, draw_signs
from detectors.watermark.threshold import DecoyPeaks, decoy_peaks
from tests.detectors.watermark.hosts import melody, track


def test_decoy_peaks_are_those_of_detectors_with_the_same_keys():
    audio = melody(4.0, seed=5)
    keys = 40
    rng = np.random.default_rng(np.random.SeedSequence([3, keys]))
    highest = []
    for _ in range(keys):
        scores = track(audio, Key("decoy", draw_signs(rng, 16, 4), 0)).scores
        highest.append(np.nanmax(scores))
    found = decoy_peaks(audio, keys, seed=3, lowest=2.0)
    assert max(found.peaks) == pytest.approx(max(highest), abs=1e-3)
    assert found.hours == pytest.approx(keys * (4.0 - 2.048) / 3600, rel=0.02)


def test_within_the_counts_the_threshold_is_the_count():
    peaks = DecoyPeaks(np.linspace(4, 6, 2001, dtype=np.float32), hours=1000.0)
    assert peaks.threshold(hours_between_alarms=10.0) == pytest.approx(5.9, abs=0.01)


def test_beyond_the_counts_an_exponential_tail_is_continued():
    rng = np.random.default_rng(1)
    peaks = DecoyPeaks((4 + rng.exponential(0.25, 20_000)).astype(np.float32), hours=1000.0)
    expected = 4 + 0.25 * np.log(20_000 * 5000 / 1000)
    assert peaks.threshold(hours_between_alarms=5000.0) == pytest.approx(expected, abs=0.2)


def test_too_few_peaks_are_refused():
    with pytest.raises(DetectorError, match="more audio or more keys"):
        DecoyPeaks(np.full(30, 4.5, np.float32), hours=1.0).threshold(720.0)


def test_audio_shorter_than_a_mark_is_refused():
    with pytest.raises(DetectorError, match="less than one mark"):
        decoy_peaks(melody(1.0), 100, seed=1)
