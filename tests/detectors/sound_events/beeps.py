"""Beeps over faint noise, for tests: exact onsets, raised-cosine edges of 3 ms, a decay like a room's where one is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.sound_events.tones import HOP, RATE_HZ

EDGE = RATE_HZ * 3 // 1000


def beeps(
    onsets_s: Iterable[float],
    on_s: float,
    seconds: float,
    *,
    hz: float = 3100.0,
    amplitude: float = 0.1,
    noise: float = 0.003,
    rt60_s: float = 0.0,
    seed: int = 1,
) -> NDArray[np.float32]:
    """float32 (samples,) at 16 kHz. rt60_s: time in which a beep's tail falls by 60 dB, in diffuse noise of its frequency."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    gate = np.zeros(len(t))
    edge = 0.5 - 0.5 * np.cos(np.pi * (np.arange(EDGE) + 0.5) / EDGE)
    for onset_s in onsets_s:
        pulse = np.ones(round(on_s * RATE_HZ))
        pulse[:EDGE], pulse[-EDGE:] = edge, edge[::-1]
        first = round(onset_s * RATE_HZ)
        pulse = pulse[: max(0, len(gate) - first)]
        gate[first : first + len(pulse)] += pulse
    sound = amplitude * gate * np.sin(2.0 * np.pi * hz * t)
    if rt60_s:
        taps = np.arange(round(rt60_s * RATE_HZ)) / RATE_HZ
        response = rng.standard_normal(len(taps)) * 10.0 ** (-3.0 * taps / rt60_s)
        response *= 0.7 / np.linalg.norm(response)
        response[0] += 0.7
        length = len(sound) + len(taps)
        sound = np.fft.irfft(np.fft.rfft(sound, length) * np.fft.rfft(response, length), length)[: len(t)]
    return (sound + noise * rng.standard_normal(len(t))).astype(np.float32)


def cycles(
    count: int, on_s: float, off_s: float, pause_s: float, seconds: float, start_s: float = 1.0
) -> list[float]:
    """Onsets of groups of `count` beeps up to `seconds`."""
    onsets, at = [], start_s
    while at < seconds:
        onsets += [at + n * (on_s + off_s) for n in range(count)]
        at += count * on_s + (count - 1) * off_s + pause_s
    return onsets


def hops(audio: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Of 100 ms; what is left over is dropped."""
    for first in range(0, len(audio) - HOP + 1, HOP):
        yield audio[first : first + HOP]


def first_above(scores: Sequence[float], threshold: float = 0.0) -> float | None:
    """When the first of the scores, one a hop, reaches a threshold, in s."""
    above = np.flatnonzero(np.asarray(scores) >= threshold)
    return None if not len(above) else (int(above[0]) + 1) * HOP / RATE_HZ
