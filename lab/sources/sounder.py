"""What makes a beep: a piezo disc, a square-wave sounder, a plain tone; additive, so nothing folds back at any rate.

A tone is a sum of the harmonics of one phase,

    p(t) = sqrt(2) w(t) sum_k a_k sin(k phi(t)),   phi' = 2 pi f(t) (1 + g exp(-t / 20 ms)),   sum_k a_k^2 = 1,

so it has unit RMS while it is steady, whatever the rate. f glides from `from_hz` to `to_hz` by equal ratios; w is 1
between raised-cosine edges. A harmonic fades out between 0.45 and 0.49 of the rate and does not exist above 24 kHz.

Harmonics of a piezo, measured on recordings of the corpus (dB below the fundamental, from the second on): a smoke alarm
at 3083 Hz 25, 36, 36, 33, 48, 48; a reversing beeper at 1054 Hz 29, 49, 44, 49, 47, 58; a car alarm at 2053 Hz 31, 50,
54, 61. The carrier of that smoke alarm moves 0.06 % (one standard deviation) from pulse to pulse and 0.05 % within one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, pi
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lab.acoustics.levels import a_weighting_db

SounderKind = Literal["piezo", "square", "sine"]

HIGHEST_HZ = 24_000.0
GLIDE_S = 0.02
FADE = (0.45, 0.49)  # of the rate
# Ranges from which the level of a piezo's second, third and later harmonics is drawn, dB.
PIEZO_DB = ((-35.0, -20.0), (-50.0, -28.0), (-60.0, -32.0))
PIEZO_LINES = 8
RIPPLE_DB = 3.0  # of the loudspeaker or horn behind a square wave


@dataclass(frozen=True)
class Sounder:
    """lines: amplitudes of harmonics 1, 2, ..., sum of squares 1. Edges in s. glide: by how much it starts off pitch,
    relative. decay_s: to 1/e while it sounds, for struck and plucked tones."""

    lines: tuple[float, ...]
    attack_s: float = 0.002
    release_s: float = 0.003
    glide: float = 0.0
    decay_s: float = float("inf")


def draw_sounder(
    rng: np.random.Generator, kind: SounderKind, carrier_hz: float, glide: float = 0.0
) -> Sounder:
    """A sounder of a kind; the generator is used alike for every kind and carrier.

    square: odd harmonics at 1/k within 3 dB. carrier_hz: 100 to 8000.
    """
    levels_db = rng.uniform(0.0, 1.0, 64)
    attack_s, release_s = rng.uniform(0.001, 0.004), rng.uniform(0.002, 0.006)
    count = max(1, int(HIGHEST_HZ / carrier_hz))
    k = np.arange(1, count + 1)
    if kind == "sine":
        db = np.where(k == 1, 0.0, -np.inf)
    elif kind == "square":
        db = np.where(k % 2 == 1, -20.0 * np.log10(k), -np.inf)
        db += np.where(k > 1, RIPPLE_DB * (2.0 * levels_db[np.minimum(k, 63)] - 1.0), 0.0)
    else:
        low, high = np.array([PIEZO_DB[min(max(i - 2, 0), 2)] for i in k]).T
        db = np.where(k == 1, 0.0, low + (high - low) * levels_db[np.minimum(k, 63)])
        db = np.where(k <= PIEZO_LINES, db, -np.inf)
    return of_levels(db, attack_s=float(attack_s), release_s=float(release_s), glide=glide)


def of_levels(levels_db: NDArray, **edges: float) -> Sounder:
    """A sounder from the levels of its harmonics in dB, to any reference."""
    power = 10.0 ** (np.asarray(levels_db, dtype=np.float64) / 10.0)
    return Sounder(tuple(float(a) for a in np.sqrt(power / power.sum())), **edges)


def weighting_db(sounder: Sounder, carrier_hz: float) -> float:
    """What A-weighting adds to the level of a tone of this sounder, in dB."""
    power = np.square(sounder.lines)
    weights = 10.0 ** (a_weighting_db(carrier_hz * np.arange(1, len(power) + 1)) / 10.0)
    return float(10.0 * np.log10(np.sum(power * weights)))


def tone(
    sounder: Sounder,
    from_hz: float,
    to_hz: float,
    samples: int,
    rate_hz: int,
    *,
    phase: float = 0.0,
    edges: tuple[bool, bool] = (True, True),
) -> tuple[NDArray[np.float64], float]:
    """One tone of `samples`, of unit RMS while steady, shape (samples,); and its phase at the end, in rad.

    edges: whether it fades in and out; False where the next tone goes on with its phase.
    """
    t = np.arange(samples) / rate_hz
    hz = from_hz * (to_hz / from_hz) ** (t * (rate_hz / max(1, samples)))
    if sounder.glide:
        hz = hz * (1.0 + sounder.glide * np.exp(-t / GLIDE_S))
    turn = 2.0 * pi * hz / rate_hz
    phases = phase + np.concatenate([[0.0], np.cumsum(turn)])
    out = np.zeros(samples)
    around = np.exp(1j * phases[:-1])
    turned = np.ones(samples, np.complex128)
    top_hz = float(hz.max(initial=0.0))
    for k, amplitude in enumerate(sounder.lines, start=1):
        if k * min(from_hz, to_hz) >= FADE[1] * rate_hz:
            break
        turned *= around
        if amplitude == 0.0:
            continue
        line = amplitude * turned.imag
        if k * top_hz > FADE[0] * rate_hz:
            line *= np.clip((FADE[1] - k * hz / rate_hz) / (FADE[1] - FADE[0]), 0.0, 1.0)
        out += line
    out *= np.sqrt(2.0)
    if np.isfinite(sounder.decay_s):
        out *= np.exp(-t / sounder.decay_s)
    if edges[0]:
        rise = _edge(sounder.attack_s, samples, rate_hz)
        out[: len(rise)] *= rise
    if edges[1]:
        fall = _edge(sounder.release_s, samples, rate_hz)
        out[samples - len(fall) :] *= fall[::-1]
    return out, float(phases[-1] % (2.0 * pi))


def _edge(seconds: float, samples: int, rate_hz: int) -> NDArray[np.float64]:
    """A raised cosine that is nowhere 0, at most a third of the tone."""
    n = min(ceil(seconds * rate_hz), samples // 3)
    return 0.5 - 0.5 * np.cos(pi * (np.arange(n) + 0.5) / max(1, n))
