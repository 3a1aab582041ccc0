"""Log-mel frames: the same however the stream is cut, blind to gain and to what always hums, with levels that add up."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import DetectorError
from detectors.sound_events.features import (
    CHANNELS,
    HOP,
    LIMITS,
    MELS,
    RATE_HZ,
    STEP,
    LogMel,
    mel_weights,
    of,
)


def noise(seconds: float, rms: float = 0.01, seed: int = 1) -> np.ndarray:
    return (rms * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def tone(seconds: float, hz: float, amplitude: float = 0.1) -> np.ndarray:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def hop_by_hop(audio: np.ndarray) -> np.ndarray:
    log_mel = LogMel()
    return np.concatenate([log_mel.push(audio[i : i + HOP]) for i in range(0, len(audio) - HOP + 1, HOP)])


def test_hops_and_a_whole_recording_give_the_same_bits():
    audio = noise(70.0)  # longer than what `of` takes at once
    audio[100_000:140_000] = 0.0
    audio[200_000:] += tone(70.0 - 12.5, 3_100.0)
    np.testing.assert_array_equal(of(audio), hop_by_hop(audio))


def test_frames_have_their_shape_and_stay_within_their_limits():
    audio = np.concatenate([noise(1.0, 1e-6), noise(1.0, 1.0), np.zeros(16_000, np.float32), noise(0.5)])
    frames = of(audio)
    assert frames.shape == (len(audio) // STEP, CHANNELS, MELS)
    assert frames.dtype == np.float32
    for row, (low, high) in enumerate(LIMITS):
        assert low <= frames[:, row].min() and frames[:, row].max() <= high


def test_the_triangles_share_the_power_of_every_bin_among_them():
    """Between the first and the last centre they add up to 1, so the bands of a sine add up to its power."""
    total = mel_weights().sum(axis=0)
    bins_hz = np.arange(len(total)) * RATE_HZ / 512
    np.testing.assert_allclose(total[(bins_hz > 130) & (bins_hz < 7_400)], 1.0, atol=0.03)


def test_the_gain_of_the_microphone_changes_nothing():
    """Residual over 26 dB of gain, from half of full scale down: 0.1 dB."""
    audio = noise(3.0, 0.1) + tone(3.0, 1_000.0)
    np.testing.assert_allclose(of(audio), of(audio * np.float32(0.05)), atol=0.01)


def test_what_always_hums_becomes_background_and_what_comes_new_stands_out():
    audio = noise(40.0) + tone(40.0, 500.0)
    audio[35 * RATE_HZ :] += tone(5.0, 3_100.0)
    frames = of(audio)
    before, after = frames[33 * 50 : 35 * 50, 0].mean(axis=0), frames[35 * 50 + 5 : 35 * 50 + 50, 0]
    assert np.abs(before).max() < 0.4
    band = int(np.argmax(mel_weights()[:, round(3_100 / 31.25)]))
    assert int(np.argmax(after.mean(axis=0))) == band
    assert after[:, band].min() > 2.0


def test_an_alarm_that_sounds_for_minutes_stays_new():
    """Temporal-three sounds 1.5 s of 4 s: its median is the pause."""
    cycle = np.zeros(4 * RATE_HZ, np.float32)
    for beep in range(3):
        cycle[beep * RATE_HZ : beep * RATE_HZ + RATE_HZ // 2] = tone(0.5, 3_100.0)
    frames = of(np.tile(cycle, 45) + noise(180.0, 1e-3))
    band = int(np.argmax(mel_weights()[:, round(3_100 / 31.25)]))
    assert frames[-200:, 0, band].max() > 3.0


def test_lost_samples_teach_nothing():
    """After 20 s of zeros a room sounds as it did before them."""
    audio = noise(30.0)
    gap = np.concatenate([audio[: 20 * RATE_HZ], np.zeros(20 * RATE_HZ, np.float32), audio[20 * RATE_HZ :]])
    straight, interrupted = of(audio)[1_005:, 0], of(gap)[2_005:, 0]
    assert abs(float(straight.mean() - interrupted.mean())) < 0.02


def test_silence_alone_is_quiet_and_finite():
    frames = of(np.zeros(RATE_HZ, np.float32))
    assert np.all(frames[:, 0] == 0.0)
    assert np.all(frames[:, 1] == LIMITS[1][0])


def test_the_spectrum_row_tells_a_tone_from_noise_at_once():
    spectrum = of(tone(0.2, 2_000.0) + noise(0.2, 1e-4))[4, 1]
    band = int(np.argmax(mel_weights()[:, round(2_000 / 31.25)]))
    assert spectrum[band] > -0.35
    assert np.delete(spectrum, [band - 1, band, band + 1]).max() < -2.0


@pytest.mark.parametrize("shape", [(HOP - 1,), (1, HOP)])
def test_a_hop_of_another_shape_is_refused(shape: tuple[int, ...]):
    with pytest.raises(DetectorError, match=r"hops of \(1600,\)"):
        LogMel().push(np.zeros(shape, np.float32))
