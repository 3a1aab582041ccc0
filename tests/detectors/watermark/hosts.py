"""Hosts and captures that the watermark tests share; all synthetic, 16 kHz unless said."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from detectors.interface import AUDIBLE, Block, ScoreTrack, StreamFormat
from detectors.watermark.detector import WatermarkDetector
from detectors.watermark.key import Key

RATE_HZ = 16_000


def melody(seconds: float, rate_hz: int = RATE_HZ, seed: int = 0) -> NDArray[np.float32]:
    """Plucked notes with harmonics and a little breath noise, RMS about 0.05."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    out = 0.1 * rng.standard_normal(len(t))
    for onset in np.arange(0, seconds, 0.21):
        local = t - onset
        envelope = np.where(local >= 0, np.exp(-np.maximum(local, 0) / 0.15), 0)
        pitch = 220 * 2 ** (rng.integers(0, 24) / 12)
        for harmonic in range(1, 13):
            if harmonic * pitch < 0.45 * rate_hz:
                out += (
                    envelope / harmonic * np.sin(2 * np.pi * harmonic * pitch * local + rng.uniform(0, 6.28))
                )
    return (0.05 * out / np.sqrt(np.mean(out**2))).astype(np.float32)


def room(rt60_s: float = 0.3, seed: int = 0) -> NDArray[np.float64]:
    """A direct path and an exponentially decaying tail of equal energy."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(rt60_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal(len(t)) * 10 ** (-3 * t / rt60_s)
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail


def track(
    audio: NDArray, key: Key, cuts: tuple[int, ...] = (), detector: WatermarkDetector | None = None
) -> ScoreTrack:
    """Scores of (samples,) or (channels, samples), fed in blocks that end at `cuts`."""
    audio = np.atleast_2d(audio).astype(np.float32)
    detector = detector or WatermarkDetector(key, channels=len(audio))
    detector.open({AUDIBLE: StreamFormat(RATE_HZ, len(audio))})
    edges = (0, *cuts, audio.shape[1])
    for start, end in pairwise(edges):
        detector.feed(Block(start, end - start, RATE_HZ, {AUDIBLE: audio[:, start:end]}))
    return detector.tracks()[0]
