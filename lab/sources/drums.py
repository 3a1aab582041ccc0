"""Drum sounds, drawn into a buffer: a swept sine for the kick, tone and noise for the snare, hiss for the hat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.sources.kernels import kernel, noise_state, uniform

KICK, SNARE, HAT, OPEN_HAT, BLOCK = range(5)


@dataclass(frozen=True)
class Kit:
    """Pitch in Hz and decay in seconds of each drum, in the order kick, snare, hat, open hat, wood block."""

    pitch_hz: NDArray[np.float64]
    decay_s: NDArray[np.float64]
    gain: NDArray[np.float64]


def kit(rng: np.random.Generator) -> Kit:
    return Kit(
        pitch_hz=rng.uniform([42, 160, 0, 0, 700], [62, 240, 0, 0, 2400]),
        decay_s=rng.uniform([0.06, 0.05, 0.012, 0.08, 0.006], [0.16, 0.12, 0.03, 0.2, 0.03]),
        gain=rng.uniform([1.0, 0.5, 0.15, 0.15, 0.8], [1.0, 0.9, 0.4, 0.35, 0.8]),
    )


def bar_pattern(rng: np.random.Generator) -> list[tuple[int, int, float]]:
    """One bar of sixteen steps: (step, drum, velocity); the beat on 0 and 8, the backbeat on 4 and 12."""
    hits = [(0, KICK, 1.0), (8, KICK, 0.95), (4, SNARE, 1.0), (12, SNARE, 0.95)]
    hits += [
        (int(s), KICK, 0.8) for s in rng.choice([3, 6, 7, 10, 11, 14], rng.integers(0, 3), replace=False)
    ]
    hits += [(int(s), SNARE, 0.25) for s in rng.choice([2, 7, 9, 15], rng.integers(0, 3), replace=False)]
    every = int(rng.choice([1, 2, 2, 4]))
    hits += [(s, HAT, 0.9 if s % 4 == 0 else 0.6) for s in range(0, 16, every)]
    if rng.random() < 0.4:
        hits.append((14, OPEN_HAT, 0.8))
    return hits


def add_hits(
    out: NDArray[np.float32],
    hits: list[tuple[int, int, float]],
    drums: Kit,
    rate_hz: int,
    rng: np.random.Generator,
) -> None:
    """Add (first sample, drum, velocity) hits to `out`; what falls outside is left out."""
    if hits:
        table = np.array(hits, float)
        _add_hits(out, table, drums.pitch_hz, drums.decay_s, drums.gain, float(rate_hz), noise_state(rng))


@kernel
def _add_hits(out, hits, pitch_hz, decay_s, gain, rate_hz, state):
    for h in range(hits.shape[0]):
        first, drum = int(hits[h, 0]), int(hits[h, 1])
        level = hits[h, 2] * gain[drum]
        fall = np.exp(-1.0 / (decay_s[drum] * rate_hz))
        sweep_fall = np.exp(-1.0 / (0.02 * rate_hz))
        length = min(int(7.0 * decay_s[drum] * rate_hz), out.size - first)
        envelope, sweep, phase, low, before = level, 1.0, 0.0, 0.0, 0.0
        step = 2.0 * np.pi * pitch_hz[drum] / rate_hz
        attack = 1.0 / max(1.0, 0.0008 * rate_hz)
        rise = 0.0
        for i in range(length):
            rise = min(1.0, rise + attack)
            noise = uniform(state)
            tone = np.sin(phase)
            if drum == KICK:
                phase += step * (1.0 + 2.2 * sweep)
                sweep *= sweep_fall
                sound = tone + 0.15 * sweep * noise
            elif drum == SNARE:
                phase += step
                low += 0.5 * (noise - low)
                sound = 0.45 * tone + 0.8 * (noise - 0.4 * low)
            elif drum == BLOCK:
                phase += step
                sound = tone + 0.1 * noise
            else:
                sound = 0.5 * (noise - before)  # rising 6 dB an octave
                before = noise
            if first + i >= 0:
                out[first + i] += envelope * rise * sound
            envelope *= fall
