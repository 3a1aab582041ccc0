"""Sounds whose spectrum and rhythm are known, blocks of them, and a detector on a network that can be worked out by hand."""

from __future__ import annotations

import numpy as np

from detectors.interface import AUDIBLE, Block, ScoreTrack, StreamFormat
from detectors.sound_events.detector import SoundEventDetector
from detectors.sound_events.network import Network
from detectors.sound_events.settings import SoundEventSettings
from tests.detectors.sound_events import little_network as little

RATE = 16_000


def room(seconds: float, rate_hz: int = RATE, seed: int = 1) -> np.ndarray:
    """A quiet room: white noise 60 dB below full scale."""
    return 1e-3 * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))


def burst(
    audio: np.ndarray, at_s: float, low_hz: float, high_hz: float, rate_hz: int = RATE, rms: float = 0.05
) -> None:
    """Adds 150 ms of noise in a band, 30 dB and more above the room there."""
    count = round(0.15 * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(count))
    hz = np.fft.rfftfreq(count, 1.0 / rate_hz)
    spectrum[(hz < low_hz) | (hz > high_hz)] = 0.0
    sound = np.fft.irfft(spectrum, count)
    first = round(at_s * rate_hz)
    audio[first : first + count] += rms * sound / np.sqrt(np.mean(sound**2))


def glass(audio: np.ndarray, at_s: float, rate_hz: int = RATE, rms: float = 0.05) -> None:
    burst(audio, at_s, 3_000.0, 7_000.0, rate_hz, rms)


def knock(audio: np.ndarray, at_s: float, rate_hz: int = RATE) -> None:
    burst(audio, at_s, 60.0, 600.0, rate_hz)


def smoke(audio: np.ndarray, from_s: float, to_s: float, rate_hz: int = RATE) -> None:
    """Temporal-three of ISO 8201: three times 0.5 s on, 0.5 s off, the last pause 1.5 s."""
    t = np.arange(len(audio)) / rate_hz
    phase = (t - from_s) % 4.0
    on = (t >= from_s) & (t < to_s) & (phase < 3.0) & (phase % 1.0 < 0.5)
    audio += 0.03 * on * np.sin(2.0 * np.pi * 3_100.0 * t)


def detector(settings: SoundEventSettings | None = None, verifier=None) -> SoundEventDetector:
    return SoundEventDetector("sound_events", Network(little.BASE, little.heads()), settings, verifier)


def listen(
    to: SoundEventDetector, audio: np.ndarray, rate_hz: int = RATE, block: int | None = None
) -> dict[tuple[str, str], ScoreTrack]:
    """audio: (n,). block: samples. Returns (stage, label) -> track."""
    to.open({AUDIBLE: StreamFormat(rate_hz, 1)})
    samples = audio.astype(np.float32)[None]
    for first in range(0, samples.shape[1], block or rate_hz):
        part = samples[:, first : first + (block or rate_hz)]
        to.feed(Block(first, part.shape[1], rate_hz, {AUDIBLE: part}))
    return {(track.stage, track.label): track for track in to.tracks()}


def alarms_s(track: ScoreTrack) -> list[float]:
    """When the score reaches 0.5 from below."""
    high = np.nan_to_num(track.scores) >= 0.5
    rising = np.flatnonzero(high & ~np.concatenate([[False], high[:-1]]))
    return [round(float(track.times_s[index]), 3) for index in rising]
