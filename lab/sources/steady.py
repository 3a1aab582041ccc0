"""Sounds of a home that go on as they are: a vacuum cleaner, a fan, rain at a window. They stream piece by piece, without a seam that is heard.

vacuum: rushing air, strongest between 0.4 and 4 kHz, over the motor's tone (universal motors turn 250 to 650 times a second) and the
fan's, seven to nine times higher; to and fro over the floor it changes by 2 to 5 dB. fan: air below some hundred Hz, stronger each
time a blade passes (20 to 120 times a second). rain: a hiss from 0.5 kHz up and drops that tick on a pane. Ranges are engineering
choices; levels are those of `lab.sources.backgrounds`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from lab.sources.draws import between
from lab.sources.householdlike import clatter

# Drops a second, modes in Hz, decay in s, loudness: see `clatter`.
DROPS = ((8.0, 60.0), (900.0, 5500.0), (0.001, 0.006), 0.25)
PIECE_S, SEAM_S = 8.0, 0.1
STROKES_HZ = (0.2, 0.7)


@dataclass(frozen=True)
class Steady:
    """One thing that goes on. hz, db: density of its noise. heard: of moments in s and of its noise, both (n,), and a generator, its audio."""

    hz: tuple[float, ...]
    db: tuple[float, ...]
    heard: Callable[[NDArray[np.float64], NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


def pieces(steady: Steady, rng: np.random.Generator, rate_hz: int) -> Iterator[NDArray[np.float64]]:
    """Its audio in pieces of PIECE_S, for ever. Noise fades over at equal power from one piece to the next, tones run on."""
    body, seam = round(PIECE_S * rate_hz), round(SEAM_S * rate_hz)
    rise = np.sin(0.5 * np.pi * (np.arange(seam) + 0.5) / seam)
    left, first = np.zeros(seam), 0
    while True:
        noise = shaped(rng, body + seam, rate_hz, steady.hz, steady.db)
        if first:
            noise[:seam] = noise[:seam] * rise + left * rise[::-1]
        left = noise[body:]
        yield steady.heard((first + np.arange(body)) / rate_hz, noise[:body], rng)
        first += body


def vacuum(rng: np.random.Generator, rate_hz: int) -> Steady:
    """One vacuum cleaner on one floor."""
    motor_hz, blades = between(rng, 250.0, 650.0), int(rng.integers(7, 10))
    low, high = between(rng, 200.0, 700.0), between(rng, 2500.0, 6000.0)
    falls_db = float(rng.uniform(4.0, 14.0))
    tones = [(motor_hz * k, between(rng, 0.02, 0.15) / k) for k in (1, 2, 3)]
    tones += [(motor_hz * blades * k, between(rng, 0.03, 0.25) / k) for k in (1, 2)]
    stroke_hz, swing_db = float(rng.uniform(*STROKES_HZ)), float(rng.uniform(2.0, 5.0))
    turned = rng.uniform(0.0, 2.0 * math.pi, len(tones) + 1)

    def heard(
        t: NDArray[np.float64], noise: NDArray[np.float64], _: np.random.Generator
    ) -> NDArray[np.float64]:
        out = noise.copy()
        stroke = np.sin(2.0 * np.pi * stroke_hz * t + turned[-1])
        for (hz, gain), phase in zip(tones, turned, strict=False):
            if hz < 0.45 * rate_hz:
                out += gain * np.sin(
                    2.0 * np.pi * hz * t + phase + 0.5 * stroke
                )  # the motor labours a little
        return out * 10.0 ** (0.5 * swing_db / 20.0 * stroke)

    return Steady((40.0, low / 2, low, high, 7900.0), (-22.0, -9.0, 0.0, -3.0, -3.0 - falls_db), heard)


def fan(rng: np.random.Generator, rate_hz: int) -> Steady:
    """One fan or extractor hood."""
    edge_hz, blade_hz = between(rng, 150.0, 900.0), between(rng, 20.0, 120.0)
    falls_db = float(rng.uniform(12.0, 26.0))
    depth, hum = float(rng.uniform(0.02, 0.2)), between(rng, 0.03, 0.3)
    turned = rng.uniform(0.0, 2.0 * math.pi, 4)

    def heard(
        t: NDArray[np.float64], noise: NDArray[np.float64], _: np.random.Generator
    ) -> NDArray[np.float64]:
        turn = 2.0 * np.pi * blade_hz * t
        out = noise * (1.0 + depth * np.sin(turn + turned[0]))
        return out + hum * sum(np.sin(k * turn + turned[k]) / k for k in (1, 2, 3))

    return Steady((40.0, edge_hz, 4.0 * edge_hz, 7900.0), (-6.0, 0.0, -9.0, -9.0 - falls_db), heard)


def rain(rng: np.random.Generator, rate_hz: int) -> Steady:
    """One shower at one window."""
    tilt_db = float(rng.uniform(-6.0, 4.0))
    often = between(rng, *DROPS[0])
    gust_hz, gust_db = between(rng, 0.02, 0.15), float(rng.uniform(1.0, 4.0))
    turned = float(rng.uniform(0.0, 2.0 * math.pi))

    def heard(
        t: NDArray[np.float64], noise: NDArray[np.float64], own: np.random.Generator
    ) -> NDArray[np.float64]:
        drops = np.zeros(len(t), np.float32)
        clatter(drops, own, rate_hz, (often, 1.05 * often), *DROPS[1:])
        gust = 10.0 ** (0.5 * gust_db / 20.0 * np.sin(2.0 * np.pi * gust_hz * t + turned))
        return gust * (noise + drops)

    return Steady((80.0, 500.0, 2000.0, 7900.0), (-18.0, -5.0, 0.0, tilt_db), heard)


def shaped(
    rng: np.random.Generator, samples: int, rate_hz: int, hz: Sequence[float], db: Sequence[float]
) -> NDArray[np.float64]:
    """Gaussian noise of about unit RMS whose density follows `db` at `hz` (rising), straight over log frequency. Shape (samples,)."""
    n = scipy.fft.next_fast_len(max(samples, 64), real=True)
    frequency = np.maximum(np.arange(n // 2 + 1) * (rate_hz / n), 1.0)
    gain = 10.0 ** (np.interp(np.log(frequency), np.log(hz), db) / 20.0)
    gain /= np.sqrt(np.mean(gain**2))
    return scipy.fft.irfft(scipy.fft.rfft(rng.standard_normal(n)) * gain, n)[:samples]
