"""Procedural audio: the same seed gives the same sound, and the sound has the marks of what it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks, stft

from lab.sources.clicks import click_track, drum_loop, stutter
from lab.sources.householdlike import household_like
from lab.sources.loudness import frame_power
from lab.sources.musiclike import music_like
from lab.sources.speechlike import speech_like

RATE_HZ = 16_000
MAKERS = [speech_like, music_like, household_like]


def envelope(audio: np.ndarray, frames_per_s: int) -> np.ndarray:
    return np.sqrt(frame_power(audio, RATE_HZ // frames_per_s))


def pitch_track(audio: np.ndarray) -> np.ndarray:
    """Pitch in Hz of frames of 40 ms whose autocorrelation says they have one."""
    frames = audio[: len(audio) // 640 * 640].reshape(-1, 640)
    frames = frames[np.sqrt(np.mean(frames**2, axis=1)) > 0.3 * np.sqrt(np.mean(audio**2))]
    spectra = np.abs(np.fft.rfft(frames * np.hanning(640), 2048)) ** 2
    r = np.fft.irfft(spectra)[:, : RATE_HZ // 60]
    r = r[:, RATE_HZ // 400 :] / r[:, :1]
    return RATE_HZ / (np.argmax(r, axis=1) + RATE_HZ // 400)[r.max(axis=1) > 0.5]


@pytest.mark.parametrize("make", MAKERS)
def test_a_seed_gives_one_sound_and_another_seed_another(make):
    one = make(1, RATE_HZ, 2.0)
    assert np.array_equal(one, make(1, RATE_HZ, 2.0))
    assert abs(np.corrcoef(one, make(2, RATE_HZ, 2.0))[0, 1]) < 0.2


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("rate_hz", [8000, 16_000, 48_000])
def test_any_rate_gives_finite_audio_below_full_scale(make, rate_hz):
    for seed in range(4):
        audio = make(seed, rate_hz, 1.5)
        assert audio.shape == (round(1.5 * rate_hz),) and audio.dtype == np.float32
        assert np.max(np.abs(audio)) == pytest.approx(0.5, abs=1e-3)


def test_speech_swells_at_the_rate_of_syllables():
    """Its envelope is strongest between 2 and 8 Hz, as that of real speech is (Greenberg 1999)."""
    peaks = []
    for seed in range(6):
        swell = envelope(speech_like(seed, RATE_HZ, 20.0), 100)
        spectrum = np.abs(np.fft.rfft(swell - swell.mean(), 4096)) ** 2
        hz = np.fft.rfftfreq(4096, 0.01)
        octaves = [spectrum[(hz >= f) & (hz < 2 * f)].sum() for f in (0.5, 1, 2, 4, 8, 16)]
        peaks.append(np.argmax(octaves[1:]) + 1)
    assert np.median(peaks) in (2, 3)


def test_speech_has_a_pitch_that_moves_within_a_voice_and_differs_between_voices():
    tracks = [pitch_track(speech_like(seed, RATE_HZ, 10.0)) for seed in range(8)]
    medians = [np.median(track) for track in tracks]
    assert all(60 < m < 320 for m in medians)
    assert max(medians) / min(medians) > 1.4
    assert np.median([np.std(track) / np.mean(track) for track in tracks]) > 0.04


def test_speech_has_pauses():
    shares = [
        np.mean(envelope(a := speech_like(seed, RATE_HZ, 20.0), 50) < 0.02 * np.max(np.abs(a)))
        for seed in range(6)
    ]
    assert 0.03 < np.mean(shares) < 0.4


def test_speech_has_most_of_its_power_below_1_khz_and_some_above_4():
    """As in recordings of eight sentences by four readers: 14 to 30 dB less density at 5 kHz than at 500 Hz."""
    falls = []
    for seed in range(6):
        power = np.abs(np.fft.rfft(speech_like(seed, RATE_HZ, 10.0))) ** 2
        hz = np.fft.rfftfreq(10 * RATE_HZ, 1 / RATE_HZ)
        falls.append(
            10 * np.log10(power[(hz > 350) & (hz < 700)].mean() / power[(hz > 4000) & (hz < 6000)].mean())
        )
    assert 12 < np.median(falls) < 35


def test_music_is_made_of_steady_partials():
    """More of its power lies in narrow lines than speech's does."""

    def in_lines(audio: np.ndarray) -> float:
        power = np.abs(stft(audio, RATE_HZ, nperseg=4096)[2][40:800]) ** 2
        top = np.sort(power, axis=0)[-38:].sum(axis=0)
        return float(np.median(top[top > 0] / power.sum(axis=0)[top > 0]))

    music = [in_lines(music_like(seed, RATE_HZ, 8.0)) for seed in range(6)]
    speech = [in_lines(speech_like(seed, RATE_HZ, 8.0)) for seed in range(6)]
    assert np.median(music) > np.median(speech)


def test_no_two_bars_of_music_are_alike():
    """Unlike a loop: nowhere in ten seconds does the audio repeat itself."""
    audio = music_like(3, RATE_HZ, 12.0).astype(float)
    spectrum = np.fft.rfft(audio - audio.mean(), 2**19)
    r = np.fft.irfft(np.abs(spectrum) ** 2)[: len(audio)]
    lags = np.arange(RATE_HZ, 10 * RATE_HZ)
    assert np.max(r[lags] / r[0] * len(audio) / (len(audio) - lags)) < 0.9


@pytest.mark.parametrize("make", [click_track, drum_loop, stutter])
@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_periodic_audio_repeats_to_the_sample(make, rate_hz):
    audio, round_s = make(5, rate_hz, 9.0, 0.128)
    period = round(round_s * rate_hz)
    assert np.array_equal(audio[:period], audio[2 * period : 3 * period])
    assert np.max(np.abs(audio)) > 0.1


def test_clicks_keep_their_mean_period_where_it_is_no_whole_number_of_samples():
    audio, _ = click_track(0, RATE_HZ, 60.0, 0.10003)
    onsets, _ = find_peaks(envelope(audio, 1000), height=0.02, distance=60)
    assert np.mean(np.diff(onsets)) / 1000 == pytest.approx(0.10003, rel=1e-3)
